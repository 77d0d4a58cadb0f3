/**
 * Finishes erasures, by a table of them. Each person is swept for twice: at once, and again when whatever was under way
 * with a key or an address read before has ended: a mail being written, a batch being projected. Only then it is done.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Logger } from 'pino'
import { Latch } from '../platform/latch.ts'
import type { Notifications } from '../platform/notifications.ts'
import { errorSummary } from '../platform/postgres.ts'
import { ERASED_CHANNEL } from './reactor.ts'
import { type Sweeping, sweep } from './sweep.ts'

export interface SweeperOptions extends Sweeping {
  readonly notifications: Notifications
  readonly log: Logger
  /** From the deletion of a key to the sweep that is the last; default 120. A mail is given up after 30. */
  readonly settleSeconds?: number
}

export interface ErasureSweeper {
  /** There may be something to do. */
  wake(): void
  /** Waits for the person in hand. */
  stop(): Promise<void>
}

const SETTLE_SECONDS = 120
const AFTER_FAULT_SECONDS = 5
/** Beside notifications, which may be lost. */
const LOOK_EVERY_MS = 5_000
const REOPEN_EVERY_MS = 3_600_000

export const startSweeper = (options: SweeperOptions): ErasureSweeper => {
  const stopping = new AbortController()
  const news = new Latch()
  const running = run(options, news, stopping.signal)
  return {
    wake: () => news.set(),
    async stop() {
      stopping.abort()
      await running
    },
  }
}

const run = async (options: SweeperOptions, news: Latch, signal: AbortSignal): Promise<void> => {
  const stopListening = await options.notifications.listen(ERASED_CHANNEL, () => news.set())
  let reopenAt = 0
  while (!signal.aborted) {
    news.clear()
    try {
      if (performance.now() >= reopenAt) {
        await reopen(options)
        reopenAt = performance.now() + REOPEN_EVERY_MS
      }
      if (!(await sweepNext(options))) await news.wait(await untilDue(options), signal)
    } catch (error) {
      options.log.warn(errorSummary(error), 'erasures cannot be finished at present, and will be')
      await delay(AFTER_FAULT_SECONDS * 1_000, undefined, { signal }).catch(() => {})
    }
  }
  stopListening()
}

/** Whose key is there again, because a part of the vault was restored, is erased again. */
const reopen = async ({ db, log }: SweeperOptions): Promise<void> => {
  const { rows } = await sql<{ user_id: string }>`
    update vault.erasures
       set filed_at = clock_timestamp(), next_sweep_at = clock_timestamp(), last_sweep_at = null, done_at = null
     where done_at is not null and user_id in (select user_id from vault.users)
    returning user_id`.execute(db)
  for (const { user_id: userId } of rows) log.warn({ userId }, 'an erased person is in the vault again: erased anew')
}

interface Due {
  readonly userId: string
  /** Whatever was under way when the key went has ended. */
  readonly isLast: boolean
}

/** False: nobody is due. */
const sweepNext = async (options: SweeperOptions): Promise<boolean> => {
  const { db, log, settleSeconds = SETTLE_SECONDS } = options
  const settle = sql`filed_at + ${settleSeconds}::float8 * interval '1 second'`
  let due: Due | undefined
  try {
    // The lock on the row keeps other processes from sweeping for the same person, for as long as this one lives.
    await db.transaction().execute(async (trx) => {
      const { rows } = await sql<Due>`
        select user_id as "userId", clock_timestamp() >= ${settle} as "isLast" from vault.erasures
         where done_at is null and next_sweep_at <= clock_timestamp()
         order by next_sweep_at limit 1 for update skip locked`.execute(trx)
      due = rows[0]
      if (due === undefined) return
      await sweep(options, due.userId)
      await sql`
        update vault.erasures
           set last_sweep_at = clock_timestamp(), next_sweep_at = ${settle},
               done_at = case when ${due.isLast} then clock_timestamp() end
         where user_id = ${due.userId}`.execute(trx)
    })
  } catch (error) {
    if (due === undefined) throw error
    log.warn({ userId: due.userId, ...errorSummary(error) }, 'an erasure cannot be finished at present, and will be')
    await sql`
      update vault.erasures set next_sweep_at = clock_timestamp() + ${AFTER_FAULT_SECONDS}::float8 * interval '1 second'
       where user_id = ${due.userId}`.execute(db)
    return true
  }
  if (due?.isLast === true) log.info({ userId: due.userId }, 'an erasure is complete')
  return due !== undefined
}

/** Milliseconds to wait. */
const untilDue = async ({ db }: SweeperOptions): Promise<number> => {
  const { rows } = await sql<{ ms: number | null }>`
    select (extract(epoch from min(next_sweep_at) - clock_timestamp()) * 1000)::float8 as ms
      from vault.erasures where done_at is null`.execute(db)
  const ms = rows[0]?.ms ?? null
  // Not below 50: what is due this very moment may be locked by another process.
  return ms === null ? LOOK_EVERY_MS : Math.min(LOOK_EVERY_MS, Math.max(50, ms))
}
