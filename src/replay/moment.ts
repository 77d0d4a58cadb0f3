/** A moment of the history: a position of the log, or a time, which means the last event the store recorded by then. */
import type { EventStore, Position, RecordedEvent } from '../event-store/port.ts'
import { lastEventOf, revisionAfter } from './read-log.ts'

export type Moment =
  | { readonly kind: 'position'; readonly position: Position }
  | { readonly kind: 'time'; readonly at: number }

const LAST_POSITION = 2n ** 63n - 1n
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

/** Decimal digits, for positions may be larger than a number can hold; or RFC 3339. null: neither. */
export const parseMoment = (text: string): Moment | null => {
  const position = parsePosition(text)
  if (position !== null) return { kind: 'position', position }
  const at = INSTANT.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? null : { kind: 'time', at }
}

/** null: not the decimal digits of one. */
export const parsePosition = (text: string): Position | null => {
  if (!/^\d{1,19}$/.test(text)) return null
  const position = BigInt(text)
  return position > LAST_POSITION ? null : position
}

/**
 * How many events of the stream had happened at that moment; null where there is no such stream.
 * Throws StoreUnavailable, DecodeError, StreamGone.
 */
export const lengthAt = async (
  store: Pick<EventStore, 'read'>,
  stream: string,
  moment: Moment | null,
): Promise<bigint | null> => {
  const last = await lastEventOf(store, stream)
  if (last === null) return null
  if (moment === null) return last.revision + 1n
  if (moment.kind === 'position') return revisionAfter(store, last, moment.position)
  // Not searched for: the clock of a store may have been set back, and times then lie in no order.
  for await (const event of store.read(stream, { backwards: true })) {
    if (event.recordedAt.getTime() <= moment.at) return event.revision + 1n
  }
  return 0n
}

/** So far may clocks of a store's machines lie apart. */
const DISORDER_MS = 60_000

/** The events from the first to the last recorded by the time, whatever the order of times between them is. */
export async function* recordedBy(events: AsyncIterable<RecordedEvent>, at: number): AsyncGenerator<RecordedEvent> {
  let later: RecordedEvent[] = []
  for await (const event of events) {
    const recordedAt = event.recordedAt.getTime()
    if (recordedAt > at + DISORDER_MS) return
    later.push(event)
    if (recordedAt > at) continue
    yield* later
    later = []
  }
}
