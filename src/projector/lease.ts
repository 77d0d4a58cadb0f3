import type pg from 'pg'
import { formatNews } from './channel.ts'
import type { Checkpoints } from './job.ts'

/**
 * The right to do the work of one build of a projection, or of a reactor. Times are the database's: the clocks of
 * processes may differ. The lease only keeps owners from wasting work on each other; that none does harm rests on the epoch, which every write
 * checks in its own transaction.
 */
export interface Lease {
  readonly checkpoints: Checkpoints
  readonly name: string
  readonly version: number
  readonly build: number
  readonly owner: string
  readonly seconds: number
  readonly epoch: bigint
  /** Last event handled; null before the first. */
  readonly position: bigint | null
  /** The event at the position; null before the first, and where an earlier release wrote the checkpoint. */
  readonly last: EventIdentity | null
  readonly eventTime: Date | null
}

/** Which event it is, in whatever store: ids of events are random. */
export interface EventIdentity {
  readonly stream: string
  readonly revision: bigint
  readonly eventId: string
}

export type LeaseAttempt =
  | { readonly kind: 'acquired'; readonly lease: Lease }
  /** Somebody else's, for so long unless it is extended. Milliseconds. */
  | { readonly kind: 'held'; readonly remainingMs: number }
  /** Halted where this process has failed already. */
  | { readonly kind: 'halted' }
  | { readonly kind: 'unregistered' }

export interface LeaseRequest {
  readonly checkpoints: Checkpoints
  readonly name: string
  readonly version: number
  readonly build: number
  /** Unique to one run of one projection: an owner that asks again gets a new epoch at once, which shuts out what is
   * left of its own earlier work, such as a commit whose answer was lost. */
  readonly owner: string
  readonly seconds: number
  /** Position of the event this owner has failed at; halted there, the projection is left to others. */
  readonly failedAt: bigint | null
}

/** Takes the lease if it is free. Throws what PostgreSQL throws. */
export async function acquireLease(pool: pg.Pool, request: LeaseRequest): Promise<LeaseAttempt> {
  const { checkpoints, name, version, build, owner, seconds, failedAt } = request
  const taken = await pool.query<CheckpointRow>(
    `update ${checkpoints.table}
        set owner = $4, epoch = epoch + 1, lease_until = clock_timestamp() + $5 * interval '1 second',
            caught_up = false, updated_at = clock_timestamp()
      where ${checkpoints.row}
        and (owner is null or owner = $4 or lease_until <= clock_timestamp())
        and (state <> 'halted' or halted_at is distinct from $6::bigint)
  returning epoch::text, position::text, event_time, last_stream, last_revision::text, last_event_id`,
    [name, version, build, owner, seconds, failedAt],
  )
  const [row] = taken.rows
  if (row) {
    const position = row.position === null ? null : BigInt(row.position)
    const epoch = BigInt(row.epoch)
    const lease = {
      ...{ checkpoints, name, version, build, owner, seconds },
      ...{ epoch, position, last: identityIn(row), eventTime: row.event_time },
    }
    return { kind: 'acquired', lease }
  }
  return whyNot(pool, request)
}

interface CheckpointRow {
  readonly epoch: string
  readonly position: string | null
  readonly event_time: Date | null
  readonly last_stream: string | null
  readonly last_revision: string | null
  readonly last_event_id: string | null
}

function identityIn({ last_stream, last_revision, last_event_id }: CheckpointRow): EventIdentity | null {
  if (last_stream === null || last_revision === null || last_event_id === null) return null
  return { stream: last_stream, revision: BigInt(last_revision), eventId: last_event_id }
}

async function whyNot(pool: pg.Pool, request: LeaseRequest): Promise<LeaseAttempt> {
  const { checkpoints, name, version, build, failedAt } = request
  const { rows } = await pool.query<{ halted: boolean; remaining_ms: number }>(
    `select state = 'halted' and halted_at is not distinct from $4::bigint as halted,
            coalesce(extract(epoch from lease_until - clock_timestamp()) * 1000, 0)::float8 as remaining_ms
       from ${checkpoints.table} where ${checkpoints.row}`,
    [name, version, build, failedAt],
  )
  const [row] = rows
  if (!row) return { kind: 'unregistered' }
  if (row.halted) return { kind: 'halted' }
  return { kind: 'held', remainingMs: Math.max(0, row.remaining_ms) }
}

/** Extends the lease. False: it has another owner by now. */
export async function renewLease(pool: pg.Pool, lease: Lease, caughtUp: boolean): Promise<boolean> {
  const { checkpoints } = lease
  const { rowCount } = await pool.query(
    `update ${checkpoints.table}
        set lease_until = clock_timestamp() + $5 * interval '1 second', caught_up = $6, updated_at = clock_timestamp()
            ${checkpoints.whenCaughtUp}
      where ${checkpoints.row} and epoch = $4`,
    [lease.name, lease.version, lease.build, lease.epoch, lease.seconds, caughtUp],
  )
  return rowCount === 1
}

/** Gives the lease back, and tells those who wait for it. */
export async function releaseLease(pool: pg.Pool, lease: Lease): Promise<void> {
  const { checkpoints } = lease
  await pool.query(
    `with released as (
       update ${checkpoints.table} set owner = null, lease_until = null, updated_at = clock_timestamp()
        where ${checkpoints.row} and epoch = $4 returning 1)
     select pg_notify($5, $6) from released`,
    [
      lease.name,
      lease.version,
      lease.build,
      lease.epoch,
      checkpoints.channel,
      formatNews({ ...lease, position: null }),
    ],
  )
}

/** The event a projection stopped in front of, or at whose checkpoint. Nothing in it is personal. */
export interface HaltedDetail {
  readonly position: bigint
  readonly eventId: string | null
  readonly type: string | null
  readonly stream: string | null
  readonly revision: bigint | null
  readonly fault: object
}

/**
 * Records the halt and gives the lease back in one statement: another process, perhaps of a newer version, may try,
 * and whoever fails at this event again leaves it alone from then on. False: the lease has another owner by now.
 */
export async function haltAndRelease(pool: pg.Pool, lease: Lease, detail: HaltedDetail): Promise<boolean> {
  const { checkpoints } = lease
  const text = JSON.stringify(detail, (_, value) => (typeof value === 'bigint' ? String(value) : value))
  const { rowCount } = await pool.query(
    `with halted as (
       update ${checkpoints.table}
          set state = 'halted', halted_at = $5, halted = $6, caught_up = false,
              owner = null, lease_until = null, updated_at = clock_timestamp()
        where ${checkpoints.row} and epoch = $4 returning 1)
     select pg_notify($7, $8) from halted`,
    [
      lease.name,
      lease.version,
      lease.build,
      lease.epoch,
      detail.position,
      text,
      checkpoints.channel,
      formatNews({ ...lease, position: null }),
    ],
  )
  return rowCount === 1
}

/**
 * Ends a halt at the checkpoint itself (its event has been found again), or those who wait would be told of it until the
 * next event. A halt in front of an event stays until that event has passed.
 */
export async function endHaltAtCheckpoint(pool: pg.Pool, lease: Lease): Promise<void> {
  const { checkpoints } = lease
  await pool.query(
    `with ended as (
       update ${checkpoints.table}
          set state = 'running', halted_at = null, halted = null, updated_at = clock_timestamp()
        where ${checkpoints.row} and epoch = $4 and state = 'halted' and halted_at <= position returning 1)
     select pg_notify($5, $6) from ended`,
    [
      lease.name,
      lease.version,
      lease.build,
      lease.epoch,
      checkpoints.channel,
      formatNews({ ...lease, position: null }),
    ],
  )
}
