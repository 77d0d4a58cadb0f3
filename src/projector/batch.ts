import type pg from 'pg'
import type { RecordedEvent } from '../event-store/port.ts'
import { inTransaction } from '../platform/postgres.ts'
import { formatNews } from './channel.ts'
import type { Lease } from './lease.ts'

export interface BatchWrite {
  /** In the transaction, after the checkpoint was moved. */
  readonly write: (client: pg.ClientBase) => Promise<void>
  /** Of the batch. */
  readonly lastEvent: Pick<RecordedEvent, 'stream' | 'revision' | 'id' | 'position' | 'recordedAt'>
  readonly caughtUp: boolean
  /** Something else than progress is in it: whoever follows must look at the tables again, not believe the position. */
  readonly lookAgain?: boolean
}

/** The checkpoint is not where this owner left it, or has a newer owner: nothing of the batch was written. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

/** It is no event's fault that a batch cannot be written: nothing is bisected, and whoever does the work decides. */
export class WorkMustBeginAgain extends Error {
  override readonly name = 'WorkMustBeginAgain'
}

/**
 * Does what a batch asks for and moves the checkpoint in one transaction, and returns the lease at its new position.
 *
 * That of a projection does not wait for the disk (`synchronous_commit = off`). That is safe here: rows and checkpoint
 * are in the same transaction, and a crash of the database loses a suffix of such transactions, never one in the middle
 * (WAL is replayed in order). The projection then finds an older checkpoint with exactly the rows of that time, and
 * goes on from there; the events themselves were committed with a wait. Leases are taken and given back with a wait,
 * so no epoch is ever handed out twice.
 *
 * Throws LeaseLost, ProjectionFault, and what PostgreSQL throws.
 */
export function writeBatch(pool: pg.Pool, lease: Lease, batch: BatchWrite): Promise<Lease> {
  const { stream, revision, id: eventId, position, recordedAt: eventTime } = batch.lastEvent
  const work = async (client: pg.ClientBase): Promise<Lease> => {
    await moveCheckpoint(client, lease, batch)
    await batch.write(client)
    return { ...lease, position, last: { stream, revision, eventId }, eventTime }
  }
  // A process that froze in mid-transaction would hold the checkpoint's row, and keep every successor waiting.
  const bounded = `set local idle_in_transaction_session_timeout = '${lease.seconds}s'`
  const { durable } = lease.checkpoints
  return inTransaction(pool, work, durable ? bounded : `${bounded}; set local synchronous_commit = off`)
}

/** First in the transaction: who has lost the lease learns it before working, and a rival waits for the row lock. */
async function moveCheckpoint(client: pg.ClientBase, lease: Lease, batch: BatchWrite): Promise<void> {
  const { checkpoints, name, version, build, epoch, seconds, position: before } = lease
  const { stream, revision, id, position, recordedAt } = batch.lastEvent
  const { rowCount } = await client.query({
    // Prepared once: planning it takes longer than doing it, and it is done for every batch.
    name: `move checkpoint of a ${checkpoints.kind}`,
    text: `with moved as (
       update ${checkpoints.table}
          set position = $6, event_time = $7, caught_up = $8,
              lease_until = clock_timestamp() + $9 * interval '1 second',
              state = 'running', halted_at = null, halted = null, updated_at = clock_timestamp(),
              last_stream = $12, last_revision = $13, last_event_id = $14
        where ${checkpoints.row} and epoch = $4 and position is not distinct from $5::bigint returning 1)
     select pg_notify($10, $11) from moved`,
    values: [
      name,
      version,
      build,
      epoch,
      before,
      position,
      recordedAt,
      batch.caughtUp,
      seconds,
      checkpoints.channel,
      formatNews({ name, version, build, position: batch.lookAgain === true ? null : position }),
      stream,
      revision,
      id,
    ],
  })
  if (rowCount !== 1)
    throw new LeaseLost(`${name} version ${version} build ${build} is no longer at ${before} in epoch ${epoch}`)
}
