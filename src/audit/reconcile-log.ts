/**
 * The log held against the events it is of: every leaf, every stored subtree, the right edge and every checkpoint are
 * computed anew from the event store, as if there were no log.
 */
import type { KeyObject } from 'node:crypto'
import type { RecordedEvent } from '../event-store/port.ts'
import { openCheckpoint } from './checkpoint.ts'
import { EMPTY_FRONTIER, type Frontier, grow, rootOf, type Subtree } from './frontier.ts'
import { isLogged, leafContentOf, leafHashOf } from './leaf.ts'
import { LogMissing, type Queryable, readTree } from './log-store.ts'
import type { Hash } from './merkle.ts'
import { parseVerifierKey, type VerifierKey } from './note.ts'
import { HEIGHT, isStored } from './proofs.ts'

export interface LogVerdict {
  /** Leaves that were held against their events. */
  readonly leaves: number
  /** Checkpoints that were held against them. */
  readonly checkpoints: number
  /** Events of ours that have no leaf yet, and none behind them has: the log is behind. */
  readonly notLogged: number
  /** The first thing that is not as it should be, in a sentence; null where all is. */
  readonly difference: string | null
}

const BATCH = 1_000

/**
 * Takes the events of the whole store, from its start. A log that grows meanwhile does no harm. Nothing is written.
 * `ownKey`: the log's public key, from outside the database: who can write its tables can put a key of their own there
 * and sign every checkpoint anew. Throws LogMissing, and what store and database throw.
 */
export const reconcileLog = async (
  database: Queryable,
  history: AsyncIterable<RecordedEvent>,
  ownKey?: KeyObject | undefined,
): Promise<LogVerdict> => {
  const tree = await readTree(database)
  if (tree === undefined) throw new LogMissing()
  const { size } = tree.frontier
  const key = parseVerifierKey(tree.verifierKey)
  if (key?.name !== tree.origin) return verdict(new Recomputed(), 'the key of the log is not one of its origin')
  if (ownKey?.equals(key.publicKey) === false) {
    return verdict(new Recomputed(), `the key of the log, ${tree.verifierKey}, is not that of the signing key at hand`)
  }
  const recomputed = new Recomputed()
  let batch: RecordedEvent[] = []
  const check = async (): Promise<string | null> => {
    const events = batch
    batch = []
    return checkBatch(database, recomputed, events, key, tree.origin)
  }
  for await (const event of history) {
    if (!isLogged(event.stream)) continue
    if (recomputed.frontier.size + batch.length >= size) recomputed.notLogged += 1
    else batch.push(event)
    if (batch.length < BATCH) continue
    const difference = await check()
    if (difference !== null) return verdict(recomputed, difference)
  }
  const difference =
    (await check()) ??
    (await checkEnd(database, recomputed, tree.frontier)) ??
    (await checkBeyond(database, key, tree.frontier.size))
  return verdict(recomputed, difference)
}

class Recomputed {
  frontier: Frontier = EMPTY_FRONTIER
  checkpoints = 0
  notLogged = 0
}

const verdict = ({ frontier, checkpoints, notLogged }: Recomputed, difference: string | null): LogVerdict => ({
  leaves: frontier.size,
  checkpoints,
  notLogged,
  difference,
})

const checkBatch = async (
  database: Queryable,
  recomputed: Recomputed,
  events: readonly RecordedEvent[],
  key: VerifierKey,
  origin: string,
): Promise<string | null> => {
  const start = recomputed.frontier.size
  const end = start + events.length
  const stored = await database.query<{ index: string; event_id: string; hash: Buffer }>(
    'select index::text, event_id, hash from log.leaves where index >= $1 and index < $2 order by leaves.index',
    [start, end],
  )
  const checkpoints = await database.query<{ size: string; root: Buffer; note: string }>(
    'select size::text, root, note from log.checkpoints where size >= $1 and size <= $2 order by checkpoints.size',
    [start === 0 ? 0 : start + 1, end],
  )
  const waiting = [...checkpoints]
  const completed: Subtree[] = []
  for (let offset = 0; offset <= events.length; offset++) {
    if (offset > 0) {
      const event = events[offset - 1]
      if (event === undefined) break
      const hash = leafHashOf(leafContentOf(event))
      const difference = leafDifference(start + offset - 1, event, hash, stored[offset - 1])
      if (difference !== null) return difference
      const grown = grow(recomputed.frontier, [hash])
      recomputed.frontier = grown.frontier
      completed.push(...grown.completed.filter(({ level }) => isStored(level)))
    }
    if (waiting[0] === undefined || Number(waiting[0].size) !== recomputed.frontier.size) continue
    const { note, root, size } = waiting.shift() ?? waiting[0]
    const opened = openCheckpoint(note, key, origin)
    const right = rootOf(recomputed.frontier)
    if (opened === null) return notSigned(size)
    if (opened.size !== Number(size) || !opened.root.equals(right) || !root.equals(right)) {
      return `the checkpoint of ${size} leaves is not of the events in the store`
    }
    recomputed.checkpoints += 1
  }
  return subtreeDifference(database, completed)
}

const notSigned = (size: string): string => `the checkpoint of ${size} leaves is not signed by the log's key`

const leafDifference = (
  index: number,
  event: RecordedEvent,
  hash: Hash,
  leaf: { readonly index: string; readonly event_id: string; readonly hash: Buffer } | undefined,
): string | null => {
  const place = `event ${event.id} (revision ${event.revision} of ${event.stream})`
  if (leaf === undefined || Number(leaf.index) !== index) return `leaf ${index}, of ${place}, is not in the log`
  if (leaf.event_id !== event.id) return `leaf ${index} is of event ${leaf.event_id}, and the store has ${place} there`
  return leaf.hash.equals(hash) ? null : `${place} is not what leaf ${index} says`
}

const subtreeDifference = async (database: Queryable, completed: readonly Subtree[]): Promise<string | null> => {
  if (completed.length === 0) return null
  const rows = await database.query<{ hash: Buffer | null }>(
    `select stored.hash from unnest($1::smallint[], $2::bigint[]) with ordinality as wanted (level, index, number)
       left join log.subtrees stored using (level, index) order by wanted.number`,
    [completed.map(({ level }) => level), completed.map(({ index }) => index)],
  )
  const wrong = completed.find(({ hash }, i) => rows[i]?.hash?.equals(hash) !== true)
  return wrong === undefined
    ? null
    : `the stored subtree ${wrong.index} at level ${wrong.level} is not that of its leaves`
}

const checkEnd = async (database: Queryable, recomputed: Recomputed, frontier: Frontier): Promise<string | null> => {
  const { size } = recomputed.frontier
  if (size < frontier.size) {
    const [leaf] = await database.query<{ event_id: string }>('select event_id from log.leaves where index = $1', [
      size,
    ])
    return `leaf ${size}, of event ${leaf?.event_id ?? 'unknown'}, has no event in the store any more`
  }
  return rootOf(recomputed.frontier).equals(rootOf(frontier))
    ? null
    : 'the right edge of the log is not that of its leaves'
}

/**
 * What stands outside the tree is of no event, and whoever is shown the last checkpoint would be shown it. The one
 * statement sees one moment, and so a log that grows and is signed meanwhile has nothing there: of its new checkpoints
 * the signatures are checked, which are only given to what continues the ones before.
 */
const checkBeyond = async (database: Queryable, key: VerifierKey, reconciled: number): Promise<string | null> => {
  const [outside] = await database.query<{ kind: string; place: string; size: string }>(OUTSIDE, [])
  if (outside !== undefined) {
    const { kind, place, size } = outside
    return kind === 'checkpoint'
      ? `there is a checkpoint of ${place} leaves, and the log has ${size}`
      : `there is a ${kind} ${place}, which a log of ${size} leaves does not have`
  }
  const rows = await database.query<{ size: string; root: Buffer; note: string }>(
    'select size::text, root, note from log.checkpoints where size > $1 order by checkpoints.size',
    [reconciled],
  )
  const wrong = rows.find(({ size, root, note }) => {
    const opened = openCheckpoint(note, key)
    return opened?.size !== Number(size) || !opened.root.equals(root)
  })
  return wrong === undefined ? null : notSigned(wrong.size)
}

/** Each look goes by an index: of some of these tables there is a row for every second of the installation's life. */
const OUTSIDE = `
  with tree as materialized (select size from log.tree),
       levels as (select level, case when level % ${HEIGHT} = 0 then size >> level else 0 end as past
                    from tree, generate_series(1, 52) level)
  select kind, place, tree.size::text from tree, (
    (select 'checkpoint' as kind, size::text as place from log.checkpoints
      where size > (select size from tree) order by size desc limit 1)
    union all
    (select 'checkpoint', size::text from log.checkpoints where size < 0 limit 1)
    union all
    (select 'leaf', index::text from log.leaves where index >= (select size from tree) limit 1)
    union all
    (select 'leaf', index::text from log.leaves where index < 0 limit 1)
    union all
    (select 'subtree', s.index || ' at level ' || level from levels, lateral (
       (select index from log.subtrees where level = levels.level and index >= past limit 1)
       union all
       (select index from log.subtrees where level = levels.level and index < 0 limit 1)) s limit 1)
  ) outside limit 1`
