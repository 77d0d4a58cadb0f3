/** The log in PostgreSQL, schema `log`: growing it, and reading what proofs are made of. */
import type pg from 'pg'
import { ProjectionFault } from '../projector/fault.ts'
import { type Checkpoint, openCheckpoint } from './checkpoint.ts'
import { EMPTY_FRONTIER, type Frontier, grow, isFrontier } from './frontier.ts'
import { LOG_CHANNEL } from './log-schema.ts'
import type { Hash } from './merkle.ts'
import type { VerifierKey } from './note.ts'
import { isStored, type ReadRuns } from './proofs.ts'

/** A transaction, a connection or a pool. Throws what PostgreSQL throws. */
export interface Queryable {
  query<Row>(text: string, values: readonly unknown[]): Promise<readonly Row[]>
}

export const queryableOf = (source: Pick<pg.ClientBase | pg.Pool, 'query'>): Queryable => ({
  query: async <Row>(text: string, values: readonly unknown[]) => {
    const { rows } = await source.query(text, [...values])
    return rows as readonly Row[]
  },
})

export interface Leaf {
  readonly eventId: string
  readonly hash: Hash
}

/**
 * The events that are to be logged do not fit what the log has: one was changed, or stands elsewhere in their order.
 * Either the event store was tampered with, or the log was. Its message holds nothing of an event but its id.
 */
export class LogContradicted extends ProjectionFault {
  override readonly name = 'LogContradicted'
}

/**
 * Gives the events the next indexes, and returns the size of the tree then. To be called with events in the order of
 * the store, without leaving any out, in the transaction that also notes how far they are handled.
 *
 * Events that have a leaf already, as when somebody starts the reactor from the beginning, are held against it and get
 * no second one. Throws LogContradicted; `LogMissing` before `prepareLog`.
 */
export const appendLeaves = async (transaction: Queryable, leaves: readonly Leaf[]): Promise<number> => {
  const [first] = leaves
  const { frontier, known } = await lockTree(transaction, first?.eventId ?? null)
  const added = known ? await withoutKnown(transaction, frontier.size, leaves) : leaves
  if (added.length === 0) return frontier.size
  const { frontier: grown, completed } = grow(
    frontier,
    added.map(({ hash }) => hash),
  )
  const subtrees = completed.filter(({ level }) => isStored(level))
  await transaction.query(APPEND, [
    frontier.size,
    added.map(({ eventId }) => eventId),
    Buffer.concat(added.map(({ hash }) => hash)),
    subtrees.map(({ level }) => level),
    subtrees.map(({ index }) => index),
    Buffer.concat(subtrees.map(({ hash }) => hash)),
    grown.size,
    Buffer.concat(grown.roots),
  ])
  return grown.size
}

/** `prepareLog` has not been called on this database. */
export class LogMissing extends Error {
  override readonly name = 'LogMissing'
  constructor() {
    super('there is no log in this database yet')
  }
}

export interface Tree {
  readonly origin: string
  readonly verifierKey: string
  readonly frontier: Frontier
}

/** Undefined before `prepareLog`. Throws LogContradicted where the row makes no sense. */
export const readTree = async (database: Queryable): Promise<Tree | undefined> => {
  const [row] = await database.query<TreeRow & { origin: string; verifier_key: string }>(
    'select origin, verifier_key, size::text, frontier from log.tree',
    [],
  )
  return row && { origin: row.origin, verifierKey: row.verifier_key, frontier: frontierIn(row) }
}

/** Reads stored hashes, for proofs.ts. */
export const runsIn =
  (database: Queryable): ReadRuns =>
  async (runs) => {
    if (runs.length === 0) return []
    const rows = await database.query<{ hashes: Buffer | null }>(READ_RUNS, [
      runs.map(({ level }) => level),
      runs.map(({ from }) => from),
      runs.map(({ to }) => to),
    ])
    return rows.map(({ hashes }) => split(hashes ?? Buffer.alloc(0)))
  }

export interface PlacedLeaf {
  readonly index: number
  readonly hash: Hash
}

/** Undefined where the event has no leaf (yet). Both are of one moment. */
export const leafAndCheckpoint = async (
  database: Queryable,
  eventId: string,
): Promise<{ readonly leaf: PlacedLeaf; readonly checkpoint: StoredCheckpoint | undefined } | undefined> => {
  const [row] = await database.query<LeafRow & Partial<CheckpointRow>>(
    `select leaf.index::text, leaf.hash, last.size::text, last.root, last.note, last.signed_at
       from log.leaves leaf
       left join lateral (select * from log.checkpoints c order by c.size desc limit 1) last on true
      where leaf.event_id = $1`,
    [eventId],
  )
  if (row === undefined) return undefined
  const { size, root, note, signed_at } = row
  return {
    leaf: { index: Number(row.index), hash: row.hash },
    checkpoint: size && root && note && signed_at ? checkpointIn({ size, root, note, signed_at }) : undefined,
  }
}

/** The leaves of these events; those without one are left out. */
export const leavesOf = async (
  database: Queryable,
  eventIds: readonly string[],
): Promise<ReadonlyMap<string, PlacedLeaf>> => {
  const rows = await database.query<LeafRow>(
    'select event_id, index::text, hash from log.leaves where event_id = any($1::uuid[])',
    [eventIds],
  )
  return new Map(rows.map(({ event_id, index, hash }) => [event_id, { index: Number(index), hash }]))
}

/** Sizes of older checkpoints that somebody is likely to have kept: the newest, and the last of each of 1,000 days. */
export const keptSizes = async (database: Queryable, below: number): Promise<readonly number[]> => {
  const rows = await database.query<{ size: string }>(
    `select size::text from (
       (select size from log.checkpoints where size < $1 order by size desc limit 100)
       union
       select last.size
         from generate_series(0, 999) as ago,
              lateral (select date_trunc('day', clock_timestamp(), 'UTC') - ago * interval '24 hours' as begun) day,
              lateral (select size from log.checkpoints
                        where size < $1 and signed_at >= day.begun and signed_at < day.begun + interval '24 hours'
                        order by signed_at desc limit 1) last
     ) kept order by kept.size`,
    [below],
  )
  return rows.map(({ size }) => Number(size))
}

export interface StoredCheckpoint {
  readonly size: number
  readonly root: Hash
  readonly note: string
  readonly signedAt: Date
}

/** Of the largest tree that one was signed for. */
export const lastCheckpoint = async (database: Queryable): Promise<StoredCheckpoint | undefined> => {
  const [row] = await database.query<CheckpointRow>(
    'select size::text, root, note, signed_at from log.checkpoints order by checkpoints.size desc limit 1',
    [],
  )
  return row && checkpointIn(row)
}

/**
 * What a stored checkpoint's note says, which has to be signed by the log's key: the columns beside it anybody could have
 * written. Throws LogContradicted.
 */
export const openStored = ({ note, size, root }: StoredCheckpoint, key: VerifierKey): Checkpoint => {
  const checkpoint = openCheckpoint(note, key)
  if (checkpoint === null || checkpoint.size !== size || !checkpoint.root.equals(root)) {
    throw new LogContradicted(`the last checkpoint, of ${size} leaves, is not signed by this log's key`)
  }
  return checkpoint
}

interface CheckpointRow {
  readonly size: string
  readonly root: Buffer
  readonly note: string
  readonly signed_at: Date
}

const checkpointIn = ({ size, root, note, signed_at }: CheckpointRow): StoredCheckpoint => ({
  size: Number(size),
  root,
  note,
  signedAt: signed_at,
})

interface TreeRow {
  readonly size: string
  readonly frontier: Buffer
}

interface LeafRow {
  readonly event_id: string
  readonly index: string
  readonly hash: Buffer
}

/** Holds the tree until the transaction ends: no two can give the same index. */
const lockTree = async (
  transaction: Queryable,
  eventId: string | null,
): Promise<{ readonly frontier: Frontier; readonly known: boolean }> => {
  const [row] = await transaction.query<TreeRow & { known: boolean }>(
    `select size::text, frontier, exists (select from log.leaves where event_id = $1) as known
       from log.tree for update`,
    [eventId],
  )
  if (row === undefined) throw new LogMissing()
  return { frontier: frontierIn(row), known: row.known }
}

/**
 * Only the first event is looked up in the normal course: a replay comes upon events of the log one after the other,
 * and a batch that began with a new one and held an old one would fail on the unique index.
 */
const withoutKnown = async (
  transaction: Queryable,
  size: number,
  leaves: readonly Leaf[],
): Promise<readonly Leaf[]> => {
  const rows = await transaction.query<LeafRow>(
    'select event_id, index::text, hash from log.leaves where event_id = any($1::uuid[])',
    [leaves.map(({ eventId }) => eventId)],
  )
  const known = new Map(rows.map((row) => [row.event_id, row]))
  const repeated = leaves.slice(0, known.size)
  const start = Number(known.get(leaves[0]?.eventId ?? '')?.index ?? 0)
  for (const [offset, { eventId, hash }] of repeated.entries()) {
    const leaf = known.get(eventId)
    if (leaf === undefined || Number(leaf.index) !== start + offset) {
      throw new LogContradicted(`event ${eventId} is not where leaf ${start + offset} of the log has it`)
    }
    if (!leaf.hash.equals(hash)) {
      throw new LogContradicted(`event ${eventId} is not what leaf ${leaf.index} of the log says`)
    }
  }
  const added = leaves.slice(known.size)
  if (added.length > 0 && start + repeated.length !== size) {
    throw new LogContradicted(
      `an event that is new stands before the one of leaf ${start + repeated.length} of the log`,
    )
  }
  return added
}

const frontierIn = ({ size, frontier }: TreeRow): Frontier => {
  const found = size === '0' ? EMPTY_FRONTIER : { size: Number(size), roots: split(frontier) }
  if (!isFrontier(found)) throw new LogContradicted(`the right edge of the log does not fit its size, ${size}`)
  return found
}

const BYTES = 32

const split = (bytes: Buffer): readonly Hash[] =>
  Array.from({ length: Math.floor(bytes.length / BYTES) }, (_, i) => bytes.subarray(i * BYTES, (i + 1) * BYTES))

/** One statement: leaves and subtrees come as hashes in a row, which is a fifth of what arrays of them cost. */
const APPEND = `
  with leaves as (
    insert into log.leaves (index, event_id, hash)
    select $1::bigint + number - 1, event_id, substr($3::bytea, (${BYTES} * (number - 1) + 1)::integer, ${BYTES})
      from unnest($2::uuid[]) with ordinality as added (event_id, number)
  ), subtrees as (
    insert into log.subtrees (level, index, hash)
    select level, index, substr($6::bytea, (${BYTES} * (number - 1) + 1)::integer, ${BYTES})
      from unnest($4::smallint[], $5::bigint[]) with ordinality as completed (level, index, number)
  ), tree as (
    update log.tree set size = $7, frontier = $8
  )
  select pg_notify('${LOG_CHANNEL}', $7::bigint::text)`

const READ_RUNS = `
  select case run.level
    when 0 then (select string_agg(hash, ''::bytea order by index) from log.leaves
                  where index >= run.first and index < run.past)
    else (select string_agg(hash, ''::bytea order by index) from log.subtrees
           where level = run.level and index >= run.first and index < run.past)
    end as hashes
    from unnest($1::smallint[], $2::bigint[], $3::bigint[]) with ordinality as run (level, first, past, number)
   order by run.number`
