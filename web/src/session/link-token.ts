import { useRoute, useRouter } from 'vue-router'

/**
 * The token of a mailed link, from behind the # of the address, which is sent to no server. It is taken out of the
 * address bar and the history at once, and lives on in this page only: '' where there is none.
 */
export const useLinkToken = (): string => {
  const route = useRoute()
  const router = useRouter()
  const token = new URLSearchParams(route.hash.slice(1)).get('token') ?? ''
  if (token !== '') void router.replace({ path: route.path, hash: '' })
  return token
}
