import { type Ref, ref, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'

/**
 * The token of a mailed link, from behind the # of the address, which is sent to no server. It is taken out of the
 * address bar and the history at once, and lives on in this page only: '' where there is none. Another link that is
 * opened in the same window brings another one.
 */
export const useLinkToken = (): Readonly<Ref<string>> => {
  const route = useRoute()
  const router = useRouter()
  const token = ref('')
  watch(
    () => route.hash,
    (hash) => {
      const brought = new URLSearchParams(hash.slice(1)).get('token') ?? ''
      if (brought === '') return
      token.value = brought
      void router.replace({ path: route.path, hash: '' })
    },
    { immediate: true },
  )
  return token
}
