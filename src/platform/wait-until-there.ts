import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { errorSummary } from './postgres.ts'

export interface Waiting {
  /** For the log: what is waited for. */
  readonly what: string
  /** Whether the error means that it cannot be reached at present. Any other is thrown at once. */
  readonly isAway: (error: unknown) => boolean
  /** From the first attempt on; 0 does not wait. An attempt under way is not cut short. */
  readonly limitMs: number
  readonly log: Logger
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2_000

/**
 * Tries until it is there. A process and the store that it needs are often started together, and the store takes longer.
 * The attempt must be safe to repeat. Throws its last error.
 */
export async function waitUntilThere<T>(attempt: () => Promise<T>, waiting: Waiting): Promise<T> {
  const { what, isAway, limitMs, log } = waiting
  const deadline = performance.now() + limitMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs)) {
    try {
      return await attempt()
    } catch (error) {
      if (!isAway(error) || performance.now() + pauseMs > deadline) throw error
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
      if (pauseMs === FIRST_PAUSE_MS) {
        log.warn({ ...errorSummary(cause), seconds: limitMs / 1_000 }, `${what} cannot be reached yet: waiting for it`)
      }
      await delay(pauseMs)
    }
  }
}
