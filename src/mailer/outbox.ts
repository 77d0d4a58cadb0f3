/**
 * The mails to be sent, in a table: filed exactly once, in the transaction that moves the reactor's checkpoint, and
 * taken out by whichever process gets to it first. A row names an event and holds nothing of a person but a random id.
 */
import { type Kysely, sql } from 'kysely'
import type { Database } from '../platform/database.ts'
import type { ReactorTransaction } from '../projector/reactor.ts'
import type { Reason } from './compose.ts'
import { isMailKind } from './kinds.ts'

/** NOTIFY says that there is mail. */
export const OUTBOX_CHANNEL = 'strongroom_outbox'

export interface NewEntry extends Reason {
  readonly occurredAt: Date
}

/** Files mails, and wakes every process that sends some once the transaction is committed. */
export const file = async (transaction: ReactorTransaction, entries: readonly NewEntry[]): Promise<void> => {
  if (entries.length === 0) return
  await transaction.query(
    `with filed as (
       insert into vault.outbox (event_id, kind, user_id, revision, occurred_at)
       select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::timestamptz[])
       on conflict (event_id, kind) do nothing)
     select pg_notify($6, '')`,
    [
      entries.map(({ eventId }) => eventId),
      entries.map(({ kind }) => kind),
      entries.map(({ userId }) => userId),
      entries.map(({ revision }) => revision),
      entries.map(({ occurredAt }) => occurredAt),
      OUTBOX_CHANNEL,
    ],
  )
}

export interface Entry extends NewEntry {
  readonly id: string
  /** This one included. */
  readonly attempts: number
}

export type Outcome = 'sent' | 'dropped' | 'given_up'

export interface Outbox {
  /**
   * Takes mails that are due, for `seconds`: nobody else gets them before that, and should this process die meanwhile
   * everybody may after it. The times are the database's.
   */
  claim(most: number, seconds: number): Promise<readonly Entry[]>
  /** Makes it due again in so many seconds. */
  postpone(id: string, seconds: number): Promise<void>
  finish(id: string, outcome: Outcome): Promise<void>
  /** Milliseconds until the next one is due; null where there is none at all. */
  nextDue(): Promise<number | null>
  /** Forgets what was finished so many seconds ago. The reactor's checkpoint keeps it from being filed again. */
  prune(seconds: number): Promise<void>
}

export const openOutbox = (db: Kysely<Database>): Outbox => ({
  async claim(most, seconds) {
    // Materialised: a subquery with a limit may otherwise be run again for each row that is updated.
    const { rows } = await sql<ClaimedRow>`
      with due as materialized (
        select id from vault.outbox where done_at is null and next_attempt_at <= clock_timestamp()
        order by next_attempt_at limit ${most} for update skip locked)
      update vault.outbox set attempts = attempts + 1, next_attempt_at = ${inSeconds(seconds)}
        from due where outbox.id = due.id
      returning outbox.id::text, event_id, kind, user_id, revision::text, occurred_at, attempts`.execute(db)
    return rows.map(toEntry)
  },
  async postpone(id, seconds) {
    await db
      .updateTable('vault.outbox')
      .set({ next_attempt_at: inSeconds(seconds) })
      .where('id', '=', id)
      .where('done_at', 'is', null)
      .execute()
  },
  async finish(id, outcome) {
    await db
      .updateTable('vault.outbox')
      .set({ done_at: sql<Date>`clock_timestamp()`, outcome })
      .where('id', '=', id)
      .where('done_at', 'is', null)
      .execute()
  },
  async nextDue() {
    const { rows } = await sql<{ ms: number | null }>`
      select (extract(epoch from min(next_attempt_at) - clock_timestamp()) * 1000)::float8 as ms
        from vault.outbox where done_at is null`.execute(db)
    return rows[0]?.ms ?? null
  },
  async prune(seconds) {
    await db.deleteFrom('vault.outbox').where('done_at', '<', inSeconds(-seconds)).execute()
  },
})

interface ClaimedRow {
  readonly id: string
  readonly event_id: string
  readonly kind: string
  readonly user_id: string
  readonly revision: string
  readonly occurred_at: Date
  readonly attempts: number
}

const toEntry = ({ id, event_id, kind, user_id, revision, occurred_at, attempts }: ClaimedRow): Entry => {
  if (!isMailKind(kind)) throw new Error(`the outbox holds a mail of the unknown kind ${kind}`)
  return {
    ...{ id, eventId: event_id, kind, userId: user_id },
    ...{ revision: BigInt(revision), occurredAt: occurred_at, attempts },
  }
}

const inSeconds = (seconds: number) => sql<Date>`clock_timestamp() + ${seconds}::float8 * interval '1 second'`
