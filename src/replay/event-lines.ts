/** The log as lines of JSON, for analysts: from a place to what is its end when the reader arrives. */
import type { Readable } from 'node:stream'
import type { EventStore, Position, RecordedEvent } from '../event-store/port.ts'
import { lineSafe } from '../exports/json-lines.ts'
import { streamFrom } from '../platform/stream-from.ts'
import { forAnalysts, type OpenEvent } from './open-for-analysts.ts'
import { readLog } from './read-log.ts'

export interface WantedEvents {
  readonly after: Position | 'start'
  /** null: all. */
  readonly types: ReadonlySet<string> | null
  readonly limit: number
}

/** Opened and written together. */
const BATCH = 200

/** Destroying the stream ends the reading at once, also of a log in which nothing of these types is found. */
export const eventLines = (
  store: Pick<EventStore, 'subscribe'>,
  open: OpenEvent,
  { after, types, limit }: WantedEvents,
): Readable => {
  const ending = new AbortController()
  const events = readLog(store, after, ending.signal)
  return streamFrom(lines(open, batchesOf(events, types, limit)), () => ending.abort())
}

async function* lines(open: OpenEvent, batches: AsyncIterable<readonly RecordedEvent[]>): AsyncGenerator<string, void> {
  for await (const batch of batches) {
    const events = await Promise.all(batch.map((event) => forAnalysts(open, event)))
    yield events.map((event) => `${lineSafe(JSON.stringify(event))}\n`).join('')
  }
}

async function* batchesOf(
  events: AsyncIterable<RecordedEvent>,
  types: WantedEvents['types'],
  limit: number,
): AsyncGenerator<readonly RecordedEvent[]> {
  let batch: RecordedEvent[] = []
  let left = limit
  for await (const event of events) {
    if (types !== null && !types.has(event.type)) continue
    batch.push(event)
    left -= 1
    if (batch.length < BATCH && left > 0) continue
    yield batch
    batch = []
    if (left <= 0) return
  }
  if (batch.length > 0) yield batch
}
