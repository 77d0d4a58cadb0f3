/** Which events a bundle has: out of the event store, each with its leaf, in batches. */

import { streamOf, userOf } from '../accounts/accounts.ts'
import { isLogged } from '../audit/leaf.ts'
import { LogContradicted, leavesOf, type PlacedLeaf, type Queryable } from '../audit/log-store.ts'
import type { EventStore, RecordedEvent } from '../event-store/port.ts'
import { readLogInRuns } from '../replay/read-log.ts'

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
 * In the order of the store, below `size` leaves. Without codes there is no hole between the first and the last: where
 * clocks differ, an event from before `from` may stand between two from after it, and belongs to the run. Throws
 * LogContradicted where an event that the tree of `size` leaves does not have stands before one that it has.
 */
export async function* placedEvents(
  sources: Sources,
  filter: EvidenceFilter,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<readonly PlacedEvent[]> {
  const within = filter.codes === undefined ? await runOf(sources, filter, signal) : null
  const place = openPlacing(sources, size)
  let passed = 0
  for await (const run of runsOf(sources, filter, signal)) {
    const first = passed
    passed += run.length
    const wanted =
      within === null
        ? run.filter((event) => matches(event, filter))
        : run.slice(Math.max(0, within.from - first), Math.max(0, within.to - first))
    for (let at = 0; at < wanted.length; at += BATCH) {
      const placed = await place(wanted.slice(at, at + BATCH))
      if (placed.length > 0) yield placed
    }
    if (within !== null && passed >= within.to) return
  }
}

/** Of the filter's user, or of all there are; as many at a time as lie ready, since a promise for each would be felt. */
async function* runsOf(
  { store }: Sources,
  { user }: EvidenceFilter,
  signal: AbortSignal,
): AsyncGenerator<readonly RecordedEvent[]> {
  if (user === undefined) {
    for await (const run of readLogInRuns(store, 'start', signal)) yield run.filter(({ stream }) => isLogged(stream))
    return
  }
  let run: RecordedEvent[] = []
  for await (const event of store.read(streamOf(user))) {
    signal.throwIfAborted()
    run.push(event)
    if (run.length < BATCH) continue
    yield run
    run = []
  }
  yield run
}

/** From the first that matches to the last, as numbers in `runsOf`; without a time at one end, to that end. */
const runOf = async (sources: Sources, filter: EvidenceFilter, signal: AbortSignal) => {
  if (filter.from === undefined && filter.to === undefined) return { from: 0, to: Number.POSITIVE_INFINITY }
  let passed = 0
  const range = { from: 0, to: 0 }
  for await (const run of runsOf(sources, filter, signal)) {
    for (const event of run) {
      passed += 1
      if (!matches(event, filter)) continue
      if (range.to === 0) range.from = passed - 1
      range.to = passed
    }
  }
  if (range.to === 0) return range
  return {
    from: filter.from === undefined ? 0 : range.from,
    to: filter.to === undefined ? Number.POSITIVE_INFINITY : range.to,
  }
}

const matches = ({ type, metadata, recordedAt }: RecordedEvent, { codes, from, to }: EvidenceFilter): boolean => {
  if (codes !== undefined && !codes.includes(type)) return false
  const at = typeof metadata.occurredAt === 'string' ? Date.parse(metadata.occurredAt) : recordedAt.getTime()
  return (from === undefined || at >= Date.parse(from)) && (to === undefined || at < Date.parse(to))
}

/** Those behind the checkpoint are left out: they are the last ones. */
const openPlacing = ({ database }: Sources, size: number) => {
  let behind = false
  return async (events: readonly RecordedEvent[]): Promise<readonly PlacedEvent[]> => {
    const leaves = await leavesOf(
      database,
      events.map(({ id }) => id),
    )
    const placed: PlacedEvent[] = []
    for (const event of events) {
      const leaf = leaves.get(event.id)
      if (leaf === undefined || leaf.index >= size) behind = true
      else if (behind) throw new LogContradicted(`an event without a leaf stands before event ${event.id}`)
      else placed.push({ event, leaf, userId: userOf(event.stream) })
    }
    return placed
  }
}
