import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import type { Logger } from 'pino'
import { Latch } from '../platform/latch.ts'
import type { Notifications } from '../platform/notifications.ts'
import { isDatabaseAway } from '../platform/postgres.ts'
import type { Checkpoint } from './checkpoint.ts'
import { LOG_CHANNEL } from './log-schema.ts'
import { LogContradicted } from './log-store.ts'
import type { SignedLog } from './prepare-log.ts'
import { signLog } from './sign-log.ts'

export interface SignerOptions {
  readonly signedLog: SignedLog
  readonly pool: pg.Pool
  readonly notifications: Notifications
  readonly log: Logger
  /** Least time between two checkpoints; default 1,000. */
  readonly intervalMs?: number
}

export interface RunningSigner {
  /** Why nothing is signed any more: the log contradicts its own checkpoints. Null while all is well. */
  refusal(): string | null
  stop(): Promise<void>
}

const INTERVAL_MS = 1_000
/** Between two looks when nobody tells of anything: a notification may get lost. */
const IDLE_MS = 30_000
const RETRY_MS = 1_000

/**
 * Signs a checkpoint soon after the log has grown, at most one in each interval. It needs no lease: any number of
 * processes may do it, since each one verifies, under a lock, what it signs. Returns at once.
 */
export const runSigner = (options: SignerOptions): RunningSigner => {
  const { signedLog, pool, notifications, log, intervalMs = INTERVAL_MS } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const grown = new Latch()
  let newest: Checkpoint | undefined
  let refusal: string | null = null

  const signOnce = async (): Promise<void> => {
    const outcome = await signLog(pool, { log: signedLog, intervalMs, newest })
    newest = outcome.checkpoint
    if (refusal !== null) log.info('the log agrees with its checkpoints again')
    refusal = null
    if (outcome.kind !== 'early') return
    await delay(outcome.waitMs, undefined, { signal }).catch(() => {})
    grown.set()
  }

  const recover = async (error: unknown): Promise<void> => {
    if (error instanceof LogContradicted) {
      if (refusal !== error.message) log.error({ reason: error.message }, REFUSED)
      refusal = error.message
    } else if (isDatabaseAway(error)) {
      log.warn({ err: error }, 'the signer of the log is interrupted and will try again')
    } else {
      log.error({ err: error }, 'the signer of the log failed and will try again')
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => {})
    grown.set()
  }

  const run = async (): Promise<void> => {
    const stopListening = await notifications.listen(LOG_CHANNEL, grown.set)
    grown.set()
    while (!signal.aborted) {
      await grown.wait(IDLE_MS, signal)
      if (signal.aborted) break
      grown.clear()
      await signOnce().catch(recover)
    }
    stopListening()
  }

  const running = run()
  return {
    refusal: () => refusal,
    stop: () => {
      stopping.abort()
      return running
    },
  }
}

const REFUSED =
  'no checkpoint of the log is signed any more: what is stored contradicts the checkpoints signed before. ' +
  'Keep the database as it is, and run: npm run log -- reconcile'
