import type pg from 'pg'
import { inTransaction } from '../platform/postgres.ts'
import { formatNews, PROJECTION_CHANNEL } from './channel.ts'
import type { TableLayout } from './layout.ts'
import type { Lease } from './lease.ts'
import type { RowOperation } from './row-operation.ts'
import { writeOperations } from './rows.ts'

export interface BatchWrite {
  readonly operations: readonly RowOperation[]
  /** Of the last event of the batch. */
  readonly position: bigint
  readonly eventTime: Date
  readonly caughtUp: boolean
}

/** The checkpoint is not where this owner left it, or has a newer owner: nothing of the batch was written. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

/**
 * Writes a batch's rows and moves the checkpoint in one transaction, and returns the lease at its new position.
 *
 * The transaction does not wait for the disk (`synchronous_commit = off`). That is safe here: rows and checkpoint are
 * in the same transaction, and a crash of the database loses a suffix of such transactions, never one in the middle
 * (WAL is replayed in order). The projection then finds an older checkpoint with exactly the rows of that time, and
 * goes on from there; the events themselves were committed with a wait. Leases are taken and given back with a wait,
 * so no epoch is ever handed out twice.
 *
 * Throws LeaseLost, ProjectionFault, and what PostgreSQL throws.
 */
export function writeBatch(
  pool: pg.Pool,
  layouts: ReadonlyMap<string, TableLayout>,
  lease: Lease,
  batch: BatchWrite,
): Promise<Lease> {
  const { position, eventTime } = batch
  return inTransaction(pool, async (client) => {
    // A process that froze in mid-transaction would hold the checkpoint's row, and keep every successor waiting.
    await client.query(
      `set local synchronous_commit = off; set local idle_in_transaction_session_timeout = '${lease.seconds}s'`,
    )
    await moveCheckpoint(client, lease, batch)
    await writeOperations(client, layouts, batch.operations)
    return { ...lease, position, eventTime }
  })
}

/** First in the transaction: who has lost the lease learns it before working, and a rival waits for the row lock. */
async function moveCheckpoint(client: pg.ClientBase, lease: Lease, batch: BatchWrite): Promise<void> {
  const { name, version, epoch, seconds, position: before } = lease
  const { position, eventTime, caughtUp } = batch
  const { rowCount } = await client.query(
    `with moved as (
       update read.projections
          set position = $5, event_time = $6, caught_up = $7,
              lease_until = clock_timestamp() + $8 * interval '1 second',
              state = 'running', halted_at = null, halted = null, updated_at = clock_timestamp()
        where name = $1 and version = $2 and epoch = $3 and position is not distinct from $4::bigint returning 1)
     select pg_notify($9, $10) from moved`,
    [
      name,
      version,
      epoch,
      before,
      position,
      eventTime,
      caughtUp,
      seconds,
      PROJECTION_CHANNEL,
      formatNews({ name, version, position }),
    ],
  )
  if (rowCount !== 1) throw new LeaseLost(`${name} version ${version} is no longer at ${before} in epoch ${epoch}`)
}
