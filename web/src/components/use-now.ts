import { onScopeDispose, type Ref, ref } from 'vue'

const EVERY_MS = 30_000

/** The time, often enough for "5 minutes ago". */
export const useNow = (): Readonly<Ref<number>> => {
  const now = ref(Date.now())
  const timer = setInterval(() => {
    now.value = Date.now()
  }, EVERY_MS)
  onScopeDispose(() => clearInterval(timer))
  return now
}
