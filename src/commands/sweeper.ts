/**
 * What has to be done now and then and waits for no request. Every api process has a sweeper; of all on one database
 * one is at work at a time.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { adoptForgottenSessions, type Expiry, expireSessions, forgetOldAccesses } from './expire-sessions.ts'
import type { Throttles } from './throttles.ts'

export interface Sweeping extends Expiry {
  readonly throttles: Pick<Throttles, 'forget'>
  readonly addressLimits: { forget(): Promise<void> }
  /** Runs the work unless another process is at it. */
  readonly exclusively: (work: () => Promise<void>) => Promise<unknown>
  /** Between two passes; a fifth more or less, so that processes started together do not stay in step. */
  readonly periodMs?: number
}

export interface Sweeper {
  /** Waits for the session in hand, not for the pass. */
  stop(): Promise<void>
}

const ADOPT_EVERY_MS = 3_600_000

/** Begins with a pass at once: what has expired while nothing ran is recorded without delay. */
export const runSweeper = (sweeping: Sweeping): Sweeper => {
  const { log, session, periodMs = periodFor(session.idleMs) } = sweeping
  const stopping = new AbortController()
  let adopted = Number.NEGATIVE_INFINITY

  const pass = async (): Promise<void> => {
    const now = sweeping.now()
    const adopts = now - adopted >= ADOPT_EVERY_MS
    if (adopts) await adoptForgottenSessions(sweeping.db)
    if (adopts) adopted = now
    const { expired, failed } = await expireSessions(sweeping, stopping.signal)
    if (expired + failed > 0) log.info({ expired, failed }, 'sessions that nobody met again have expired')
    await forgetOldAccesses(sweeping.db, now)
    await sweeping.throttles.forget(now)
    await sweeping.addressLimits.forget()
  }

  const passForEver = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await sweeping.exclusively(pass).catch((error: unknown) => log.warn({ err: error }, 'a sweep was cut short'))
      const jittered = periodMs * (0.8 + 0.4 * Math.random())
      await delay(jittered, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }

  const done = passForEver()
  return {
    async stop() {
      stopping.abort()
      await done
    },
  }
}

/** Often enough that an expiry is recorded not much later than it happens, and rarely enough to cost nothing. */
const periodFor = (idleMs: number): number => Math.min(Math.max(idleMs / 10, 60_000), 300_000)
