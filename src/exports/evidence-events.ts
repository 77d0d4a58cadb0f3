/** Which events a bundle has: out of the event store, each with its leaf, in batches. */

import { streamOf, userOf } from '../accounts/accounts.ts'
import { isLogged } from '../audit/leaf.ts'
import { LogContradicted, leavesOf, type PlacedLeaf, type Queryable } from '../audit/log-store.ts'
import type { EventStore, RecordedEvent } from '../event-store/port.ts'
import { readLog } from '../replay/read-log.ts'

export interface EvidenceFilter {
  readonly user?: string | undefined
  readonly codes?: readonly string[] | undefined
  /** Inclusive, RFC 3339. */
  readonly from?: string | undefined
  /** Exclusive. */
  readonly to?: string | undefined
}

export interface PlacedEvent {
  readonly event: RecordedEvent
  readonly leaf: PlacedLeaf
  /** null: of no account. */
  readonly userId: string | null
}

interface Sources {
  readonly store: Pick<EventStore, 'read' | 'subscribe'>
  readonly database: Queryable
}

const BATCH = 500

/**
 * In the order of the log, below `size` leaves. Without codes there is no hole between the first and the last: where
 * clocks differ, an event from before `from` may stand between two from after it, and belongs to the run.
 */
export async function* placedEvents(
  sources: Sources,
  filter: EvidenceFilter,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<readonly PlacedEvent[]> {
  const within = filter.codes === undefined ? await runOf(sources, filter, signal) : null
  let number = -1
  let batch: RecordedEvent[] = []
  for await (const event of eventsOf(sources, filter, signal)) {
    number += 1
    if (within !== null && number >= within.to) break
    if (within === null ? !matches(event, filter) : number < within.from) continue
    batch.push(event)
    if (batch.length < BATCH) continue
    const placed = await place(sources, batch, size)
    if (placed.length > 0) yield placed
    if (placed.length < batch.length) return
    batch = []
  }
  const placed = batch.length === 0 ? [] : await place(sources, batch, size)
  if (placed.length > 0) yield placed
}

async function* eventsOf({ store }: Sources, { user }: EvidenceFilter, signal: AbortSignal) {
  if (user !== undefined) {
    for await (const event of store.read(streamOf(user))) {
      signal.throwIfAborted()
      yield event
    }
    return
  }
  for await (const event of readLog(store, 'start', signal)) if (isLogged(event.stream)) yield event
}

/** From the first that matches to the last, as numbers in `eventsOf`. */
const runOf = async (sources: Sources, filter: EvidenceFilter, signal: AbortSignal) => {
  if (filter.from === undefined && filter.to === undefined) return { from: 0, to: Number.POSITIVE_INFINITY }
  let number = -1
  const run = { from: 0, to: 0 }
  for await (const event of eventsOf(sources, filter, signal)) {
    number += 1
    if (!matches(event, filter)) continue
    if (run.to === 0) run.from = number
    run.to = number + 1
  }
  return run
}

const matches = ({ type, metadata, recordedAt }: RecordedEvent, { codes, from, to }: EvidenceFilter): boolean => {
  if (codes !== undefined && !codes.includes(type)) return false
  const at = typeof metadata.occurredAt === 'string' ? Date.parse(metadata.occurredAt) : recordedAt.getTime()
  return (from === undefined || at >= Date.parse(from)) && (to === undefined || at < Date.parse(to))
}

/** Those behind the checkpoint are left out: they are the last ones. */
const place = async (
  { database }: Sources,
  events: readonly RecordedEvent[],
  size: number,
): Promise<readonly PlacedEvent[]> => {
  const leaves = await leavesOf(
    database,
    events.map(({ id }) => id),
  )
  const placed: PlacedEvent[] = []
  for (const event of events) {
    const leaf = leaves.get(event.id)
    if (leaf === undefined || leaf.index >= size) break
    placed.push({ event, leaf, userId: userOf(event.stream) })
  }
  const behind = events.slice(placed.length).find(({ id }) => (leaves.get(id)?.index ?? size) < size)
  if (behind !== undefined) throw new LogContradicted(`an event without a leaf stands before event ${behind.id}`)
  return placed
}
