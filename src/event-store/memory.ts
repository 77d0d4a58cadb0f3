import { Latch } from '../platform/latch.ts'
import { decodeEvent, decodeEvents, type StoredEvent } from './decode.ts'
import {
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type NonEmpty,
  type Position,
  type ReadOptions,
  type RecordedEvent,
  StoreUnavailable,
  StreamGone,
  type SubscriptionMessage,
  WrongExpectedRevision,
} from './port.ts'
import { readRange } from './read-range.ts'
import { type EncodedAppend, encodeAppend } from './validate.ts'

const FOR_EVER_MS = 2 ** 31 - 1
const MOST_AT_ONCE = 16

interface Contents {
  readonly log: StoredEvent[]
  readonly streams: Map<string, StoredEvent[]>
  readonly deleted: Set<string>
  readonly waiting: Set<Latch>
  available: boolean
  nextFault: 'notCommitted' | 'unknown' | undefined
}

/** The event store for tests: the contract in its plainest form, and the faults that a real store has, on demand. */
export class MemoryEventStore implements EventStore {
  readonly #now: () => Date
  readonly #contents: Contents
  readonly #closing = new AbortController()

  constructor(now: () => Date = () => new Date(), contents: Contents = emptyContents()) {
    this.#now = now
    this.#contents = contents
  }

  /** One more client of the same store, to be closed on its own. */
  client(): MemoryEventStore {
    return new MemoryEventStore(this.#now, this.#contents)
  }

  async *read(stream: string, options?: ReadOptions): AsyncGenerator<RecordedEvent> {
    const { from, backwards, limit } = readRange(options)
    this.#checkAvailable()
    if (this.#contents.deleted.has(stream)) throw new StreamGone(stream)
    const events = this.#contents.streams.get(stream) ?? []
    const found = backwards
      ? events.filter((event) => event.revision <= from).reverse()
      : events.filter((event) => event.revision >= from)
    for (const event of found.slice(0, limit)) yield decodeEvent(event)
  }

  async append(stream: string, events: NonEmpty<NewEvent>, expected: ExpectedRevision): Promise<AppendResult> {
    const append = encodeAppend(stream, events, expected)
    this.#checkAvailable()
    if (this.#contents.deleted.has(stream)) throw new StreamGone(stream)
    const fault = this.#contents.nextFault
    this.#contents.nextFault = undefined
    if (fault === 'notCommitted') throw new StoreUnavailable(fault)
    const result = this.#commit(append, expected)
    if (fault === 'unknown') throw new StoreUnavailable(fault)
    return result
  }

  subscribe(after: Position | 'start' | 'end', signal: AbortSignal): AsyncGenerator<SubscriptionMessage> {
    return this.#follow(after === 'start' ? 0n : after === 'end' ? BigInt(this.#contents.log.length) : after, signal)
  }

  async tail(): Promise<Position | 'start'> {
    this.#checkAvailable()
    const { length } = this.#contents.log
    return length === 0 ? 'start' : BigInt(length)
  }

  async ping(): Promise<void> {
    this.#checkAvailable()
  }

  async close(): Promise<void> {
    this.#closing.abort()
  }

  /** What an operator of a real store might do. */
  deleteStream(stream: string): void {
    this.#contents.deleted.add(stream)
  }

  /** Makes the event's stored data something that is not JSON. */
  corruptEvent(stream: string, revision: bigint): void {
    const event = this.#contents.streams.get(stream)?.[Number(revision)]
    if (event) Object.assign(event, { data: '{"cut off":' })
  }

  /** The next append fails so: `unknown` commits and loses the answer. */
  failNextAppend(outcome: 'notCommitted' | 'unknown'): void {
    this.#contents.nextFault = outcome
  }

  /** While it is not available everything fails with StoreUnavailable, and subscriptions stand still. */
  setAvailable(available: boolean): void {
    this.#contents.available = available
    this.#wake()
  }

  async *#follow(after: Position, caller: AbortSignal): AsyncGenerator<SubscriptionMessage> {
    const signal = AbortSignal.any([caller, this.#closing.signal])
    const news = new Latch()
    this.#contents.waiting.add(news)
    try {
      let last = after
      let told = false
      while (!signal.aborted) {
        news.clear()
        // Positions are dense from 1, so the event after `last` is at that index.
        const at = Number(last < 0n ? 0n : last)
        const next = this.#contents.available ? this.#contents.log.slice(at, at + MOST_AT_ONCE) : []
        if (next.length > 0) {
          const { events, failure } = decodeEvents(next)
          if (events.length > 0) yield { kind: 'events', events }
          if (failure) throw failure
          last = events.at(-1)?.position ?? last
          told = false
        } else if (this.#contents.available && !told) {
          yield { kind: 'caughtUp' }
          told = true
        } else {
          await news.wait(FOR_EVER_MS, signal)
        }
      }
    } finally {
      this.#contents.waiting.delete(news)
    }
  }

  #commit({ stream, firstRevision, events }: EncodedAppend, expected: ExpectedRevision): AppendResult {
    const recorded = this.#contents.streams.get(stream) ?? []
    if (BigInt(recorded.length) !== firstRevision) {
      const repeated = recorded.slice(Number(firstRevision), Number(firstRevision) + events.length)
      const last = repeated.at(-1)
      const same = repeated.length === events.length && repeated.every((event, i) => event.id === events[i]?.id)
      if (last && same) return { revision: last.revision, position: last.position }
      throw new WrongExpectedRevision(stream, expected, recorded.at(-1)?.revision ?? 'none')
    }
    const recordedAt = this.#now()
    for (const event of events) {
      const stored = {
        ...event,
        stream,
        revision: BigInt(recorded.length),
        position: BigInt(this.#contents.log.length + 1),
        recordedAt,
      }
      recorded.push(stored)
      this.#contents.log.push(stored)
    }
    this.#contents.streams.set(stream, recorded)
    this.#wake()
    return { revision: BigInt(recorded.length - 1), position: BigInt(this.#contents.log.length) }
  }

  #checkAvailable(): void {
    if (!this.#contents.available || this.#closing.signal.aborted) throw new StoreUnavailable('notCommitted')
  }

  #wake(): void {
    for (const latch of this.#contents.waiting) latch.set()
  }
}

function emptyContents(): Contents {
  return {
    log: [],
    streams: new Map(),
    deleted: new Set(),
    waiting: new Set(),
    available: true,
    nextFault: undefined,
  }
}
