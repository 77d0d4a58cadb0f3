/**
 * Erasures as they are heard of in a process: when the event is there, and again when the key is gone and the person
 * filed in `vault.erasures`, in the same commit. What began to be read between the two had not heard the first, and
 * could not know of it by that table.
 */
import type { Live } from '../accounts/live.ts'
import type { Notifications } from '../platform/notifications.ts'
import { ERASED_CHANNEL } from './reactor.ts'

/** undefined: of whomever, some may have gone unheard. */
type Heard = (userId: string | undefined) => void

export interface Erasures {
  /** Calls `heard` for each person, in whatever process they are erased, until the returned function is called. */
  follow(heard: Heard): () => void
  stop(): void
}

export const openErasures = async (
  live: Pick<Live, 'followErasures'>,
  notifications: Pick<Notifications, 'listen'>,
): Promise<Erasures> => {
  const followers = new Set<Heard>()
  const tell: Heard = (userId) => {
    for (const heard of [...followers]) heard(userId)
  }
  const stops = [live.followErasures(tell), await notifications.listen(ERASED_CHANNEL, tell)]
  return {
    follow(heard) {
      // One of its own, so that a function given twice is two followers.
      const own: Heard = (userId) => heard(userId)
      followers.add(own)
      return () => followers.delete(own)
    },
    stop() {
      for (const stop of stops) stop()
    },
  }
}
