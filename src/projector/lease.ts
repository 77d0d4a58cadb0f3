import type pg from 'pg'
import { formatNews, PROJECTION_CHANNEL } from './channel.ts'

/**
 * The right to write one version of a projection. Times are the database's: the clocks of processes may differ. The
 * lease only keeps owners from wasting work on each other; that none does harm rests on the epoch, which every write
 * checks in its own transaction.
 */
export interface Lease {
  readonly name: string
  readonly version: number
  readonly owner: string
  readonly seconds: number
  readonly epoch: bigint
  /** Last event handled; null before the first. */
  readonly position: bigint | null
  readonly eventTime: Date | null
}

export type LeaseAttempt =
  | { readonly kind: 'acquired'; readonly lease: Lease }
  /** Somebody else's, for so long unless it is extended. Milliseconds. */
  | { readonly kind: 'held'; readonly remainingMs: number }
  /** Halted where this process has failed already. */
  | { readonly kind: 'halted' }
  | { readonly kind: 'unregistered' }

export interface LeaseRequest {
  readonly name: string
  readonly version: number
  /** Unique to one run of one projection: an owner that asks again gets a new epoch at once, which shuts out what is
   * left of its own earlier work, such as a commit whose answer was lost. */
  readonly owner: string
  readonly seconds: number
  /** Position of the event this owner has failed at; halted there, the projection is left to others. */
  readonly failedAt: bigint | null
}

/** Takes the lease if it is free. Throws what PostgreSQL throws. */
export async function acquireLease(pool: pg.Pool, request: LeaseRequest): Promise<LeaseAttempt> {
  const { name, version, owner, seconds, failedAt } = request
  const taken = await pool.query<{ epoch: string; position: string | null; event_time: Date | null }>(
    `update read.projections
        set owner = $3, epoch = epoch + 1, lease_until = clock_timestamp() + $4 * interval '1 second',
            caught_up = false, updated_at = clock_timestamp()
      where name = $1 and version = $2
        and (owner is null or owner = $3 or lease_until <= clock_timestamp())
        and (state <> 'halted' or halted_at is distinct from $5::bigint)
  returning epoch::text, position::text, event_time`,
    [name, version, owner, seconds, failedAt],
  )
  const [row] = taken.rows
  if (row) {
    const position = row.position === null ? null : BigInt(row.position)
    const lease = { name, version, owner, seconds, epoch: BigInt(row.epoch), position, eventTime: row.event_time }
    return { kind: 'acquired', lease }
  }
  return whyNot(pool, request)
}

async function whyNot(pool: pg.Pool, { name, version, failedAt }: LeaseRequest): Promise<LeaseAttempt> {
  const { rows } = await pool.query<{ halted: boolean; remaining_ms: number }>(
    `select state = 'halted' and halted_at is not distinct from $3::bigint as halted,
            coalesce(extract(epoch from lease_until - clock_timestamp()) * 1000, 0)::float8 as remaining_ms
       from read.projections where name = $1 and version = $2`,
    [name, version, failedAt],
  )
  const [row] = rows
  if (!row) return { kind: 'unregistered' }
  if (row.halted) return { kind: 'halted' }
  return { kind: 'held', remainingMs: Math.max(0, row.remaining_ms) }
}

/** Extends the lease. False: it has another owner by now. */
export async function renewLease(pool: pg.Pool, lease: Lease, caughtUp: boolean): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update read.projections
        set lease_until = clock_timestamp() + $4 * interval '1 second', caught_up = $5, updated_at = clock_timestamp()
      where name = $1 and version = $2 and epoch = $3`,
    [lease.name, lease.version, lease.epoch, lease.seconds, caughtUp],
  )
  return rowCount === 1
}

/** Gives the lease back, and tells those who wait for it. */
export async function releaseLease(pool: pg.Pool, lease: Lease): Promise<void> {
  await pool.query(
    `with released as (
       update read.projections set owner = null, lease_until = null, updated_at = clock_timestamp()
        where name = $1 and version = $2 and epoch = $3 returning 1)
     select pg_notify($4, $5) from released`,
    [lease.name, lease.version, lease.epoch, PROJECTION_CHANNEL, formatNews({ ...lease, position: null })],
  )
}

/** The event a projection stopped in front of. Nothing in it is personal. */
export interface HaltedDetail {
  readonly position: bigint
  readonly eventId: string | null
  readonly type: string
  readonly stream: string | null
  readonly revision: bigint | null
  readonly fault: object
}

/**
 * Records the halt and gives the lease back in one statement: another process, perhaps of a newer version, may try,
 * and whoever fails at this event again leaves it alone from then on. False: the lease has another owner by now.
 */
export async function haltAndRelease(pool: pg.Pool, lease: Lease, detail: HaltedDetail): Promise<boolean> {
  const text = JSON.stringify(detail, (_, value) => (typeof value === 'bigint' ? String(value) : value))
  const { rowCount } = await pool.query(
    `with halted as (
       update read.projections
          set state = 'halted', halted_at = $4, halted = $5, caught_up = false,
              owner = null, lease_until = null, updated_at = clock_timestamp()
        where name = $1 and version = $2 and epoch = $3 returning 1)
     select pg_notify($6, $7) from halted`,
    [
      lease.name,
      lease.version,
      lease.epoch,
      detail.position,
      text,
      PROJECTION_CHANNEL,
      formatNews({ ...lease, position: null }),
    ],
  )
  return rowCount === 1
}
