import {
  BACKWARDS,
  END,
  type EventData,
  EventStoreDBClient,
  type RecordedEvent as EventStoreDbEvent,
  excludeSystemEvents,
  FORWARDS,
  type Position as LogPosition,
  NO_STREAM,
  type ReadAllOptions,
  type ResolvedEvent,
  START,
} from '@eventstore/db-client'
import type { Logger } from 'pino'
import { errorSummary } from '../platform/postgres.ts'
import { appendFailure, isMissingStream, isRefusedPosition, readFailure, Silence } from './eventstoredb-failure.ts'
import { Feed, itemsOf } from './eventstoredb-feed.ts'
import { type Beginning, followLog } from './eventstoredb-follow.ts'
import { openingFailure } from './eventstoredb-opening.ts'
import {
  askingEveryNode,
  checkConnectionString,
  connectionStringProblem,
  InvalidConnectionString,
  nodesOf,
} from './eventstoredb-url.ts'
import {
  type AppendResult,
  DecodeError,
  type EventStore,
  type ExpectedRevision,
  type JsonObject,
  type NewEvent,
  type NonEmpty,
  type Position,
  type ReadOptions,
  type RecordedEvent,
  StoreUnavailable,
  type SubscriptionMessage,
} from './port.ts'
import { type ReadRange, readRange } from './read-range.ts'
import { encodeAppend, MAX_REVISION } from './validate.ts'

export interface EventStoreDbTimeouts {
  /** An append without an answer for so long has an unknown outcome. Milliseconds. */
  readonly appendMs: number
  /** A read that waits for the server's next word for so long has failed. */
  readonly readMs: number
  /** A subscription that says nothing for so long is checked, and replaced where it is found dead. */
  readonly silenceMs: number
}

export interface EventStoreDbOptions {
  /** `esdb://` one node, `esdb+discover://` a cluster; TLS, certificates and credentials are part of it. */
  readonly connectionString: string
  readonly timeouts?: Partial<EventStoreDbTimeouts>
  readonly log: Logger
}

const TIMEOUTS: EventStoreDbTimeouts = { appendMs: 5_000, readMs: 5_000, silenceMs: 15_000 }
const PAGE_EVENTS = 500
/** The client buffers so many events twice, gRPC about sixteen more: an event may have a megabyte. */
const BUFFERED_EVENTS = { highWaterMark: 4 }
/** Read to see whether the server answers: the last event of the log may have a megabyte, this has nothing. */
const NO_ONES_STREAM = 'strongroom-ping'
/** How far back from the end of the log an event of ours is looked for among those of the server. */
const TAIL_EVENTS = 64
const DISPOSE_MS = 5_000
/** At position 0 is a record of the server's own, if any. */
const FROM_THE_FIRST: Beginning = { after: 'start', from: 'start' }
/** What a server sends where it does not know an event's position: it is older than 22.6, or a transaction wrote it. */
const LARGEST_POSITION = 2n ** 63n - 1n

/**
 * Opens the event store on EventStoreDB (23.10 or later, which says when a subscription has caught up).
 * Throws StoreUnavailable where it does not answer, and InvalidConnectionString, also where the server refuses the user
 * or has a certificate that is not trusted.
 */
export async function openEventStoreDbEventStore(options: EventStoreDbOptions): Promise<EventStore> {
  const { connectionString, timeouts, log } = options
  const store = new EventStoreDbEventStore(connect(connectionString), { ...TIMEOUTS, ...timeouts }, log)
  try {
    await store.ping()
    return store
  } catch (error) {
    await store.close()
    // Discovery does not say why it failed: each node is asked what it has against us.
    for (const node of nodesOf(connectionString)) {
      const reason = await openEventStoreDbEventStore({ ...options, connectionString: node }).then(
        (alone) => alone.close(),
        (failure: unknown) => failure,
      )
      if (reason instanceof InvalidConnectionString) throw reason
    }
    throw openingFailure(error)
  }
}

/**
 * Appends one call each. The client's BatchAppend, its default, shares one stream and one module-wide table of waiting
 * callers: a broken connection of one client fails the appends of all, and a late answer or a queued write then ends
 * the process by an error nobody can catch. It also asks first what the server supports, without a deadline, and keeps
 * a failure for its whole life. The tests see to it that neither call is ever made.
 */
function connect(connectionString: string): EventStoreDBClient {
  checkConnectionString(connectionString)
  try {
    const client = EventStoreDBClient.connectionString(askingEveryNode(connectionString))
    Object.defineProperty(client, 'supports', { value: async () => false })
    return client
  } catch (error) {
    throw connectionStringProblem(error)
  }
}

/**
 * A position is the commit position of EventStoreDB. It also has a prepare position, which differs only for events of
 * explicit transactions, and those cannot be written over gRPC.
 *
 * Everything asks for the leader: a follower may be behind, and what is decided or let in by a read must be the truth.
 */
class EventStoreDbEventStore implements EventStore {
  readonly #client: EventStoreDBClient
  readonly #timeouts: EventStoreDbTimeouts
  readonly #log: Logger
  readonly #appends = new Set<Promise<unknown>>()
  readonly #tails = new Set<Promise<unknown>>()
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor(client: EventStoreDBClient, timeouts: EventStoreDbTimeouts, log: Logger) {
    this.#client = client
    this.#timeouts = timeouts
    this.#log = log
  }

  async *read(stream: string, options?: ReadOptions): AsyncGenerator<RecordedEvent> {
    const { from, backwards, limit } = readRange(options)
    this.#checkOpen()
    let next = from
    let left = limit
    // Backwards from before the first there is nothing.
    while (left > 0 && next >= 0n) {
      const page = { from: next, backwards, limit: Math.min(left, PAGE_EVENTS) }
      let found = 0
      for await (const event of this.#page(stream, page)) {
        yield toRecordedEvent(event)
        found += 1
        next = backwards ? event.revision - 1n : event.revision + 1n
      }
      if (found < page.limit) return
      left -= found
    }
  }

  async append(stream: string, events: NonEmpty<NewEvent>, expected: ExpectedRevision): Promise<AppendResult> {
    encodeAppend(stream, events, expected)
    this.#checkOpen()
    return kept(this.#appends, this.#append(stream, events, expected))
  }

  subscribe(after: Position | 'start' | 'end', signal: AbortSignal): AsyncGenerator<SubscriptionMessage> {
    const ended = AbortSignal.any([signal, this.#closing.signal])
    // Asked for now: `end` means the end at the time of the call.
    const begun = ended.aborted ? Promise.resolve(FROM_THE_FIRST) : this.#begin(after)
    begun.catch(() => {})
    const source = {
      open: (from: Position | 'start') => this.#subscription(from),
      begin: () => this.#begin(after),
      newest: () => this.#newest(),
      decode: ({ event }: ResolvedEvent) => (event && !isSystemEvent(event) ? toRecordedEvent(event) : undefined),
    }
    return followLog(source, begun, this.#timeouts.silenceMs, ended, this.#log)
  }

  async tail(): Promise<Position | 'start'> {
    this.#checkOpen()
    return this.#tail()
  }

  async ping(): Promise<void> {
    this.#checkOpen()
    for await (const _ of this.#page(NO_ONES_STREAM, { from: 0n, backwards: false, limit: 1 })) return
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #append(stream: string, events: NonEmpty<NewEvent>, expected: ExpectedRevision): Promise<AppendResult> {
    // A subscriber from the end that asked earlier must find the end before this append.
    await Promise.allSettled(this.#tails)
    const { appendMs } = this.#timeouts
    const data = events.map((event): EventData => ({ ...event, contentType: 'application/json' }))
    const expectedRevision = expected === 'none' ? NO_STREAM : expected
    try {
      const call = this.#client.appendToStream(stream, data, {
        expectedRevision,
        requiresLeader: true,
        deadline: appendMs,
      })
      const { nextExpectedRevision: revision, position } = await within(appendMs, call)
      return { revision, position: position?.commit ?? (await this.#positionOf(stream, revision)) }
    } catch (error) {
      throw appendFailure(error, stream, expected)
    }
  }

  /** The server answers a repeated append with the revision alone. */
  async #positionOf(stream: string, revision: bigint): Promise<Position> {
    for await (const event of this.#page(stream, { from: revision, backwards: false, limit: 1 })) {
      return positionOf(event)
    }
    throw new StoreUnavailable('unknown', new Error('an event just appended cannot be read'))
  }

  async *#page(stream: string, { from, backwards, limit }: ReadRange): AsyncGenerator<EventStoreDbEvent> {
    const options = {
      fromRevision: from < MAX_REVISION ? from : backwards ? END : from,
      direction: backwards ? BACKWARDS : FORWARDS,
      maxCount: limit,
      requiresLeader: true,
    } as const
    try {
      const reading = this.#client.readStream(stream, options, BUFFERED_EVENTS)
      for await (const { event } of this.#items(reading)) if (event) yield event
    } catch (error) {
      if (!isMissingStream(error)) throw readFailure(error, stream)
    }
  }

  /**
   * A position is a byte of the log, and what a server is asked to go on behind has to be the first byte of a record.
   * Somebody may name another one, such as the one before an event: then everything in front of it is read and left out.
   */
  async #begin(after: Position | 'start' | 'end'): Promise<Beginning> {
    if (after === 'start' || (after !== 'end' && after <= 0n)) return FROM_THE_FIRST
    const tail = await (after === 'end' ? kept(this.#tails, this.#tail()) : this.#tail())
    if (after === 'end') return { after: tail, from: tail }
    if (tail === 'start' || tail <= after) return { after, from: tail }
    return { after, from: (await this.#isRecordAt(after)) ? after : 'start' }
  }

  /** Of a position in front of the tail. Behind a record that was scavenged the server knows the way too. */
  async #isRecordAt(position: Position): Promise<boolean> {
    try {
      const options = { direction: FORWARDS, fromPosition: logPosition(position), maxCount: 1 } as const
      for await (const _ of this.#records(options)) return true
      return false
    } catch (error) {
      if (isRefusedPosition(error)) return false
      throw error
    }
  }

  #subscription(from: Position | 'start'): Feed<ResolvedEvent> {
    const fromPosition = from === 'start' ? START : logPosition(from)
    const filter = excludeSystemEvents({ checkpointInterval: 1_000 })
    const subscription = this.#client.subscribeToAll({ fromPosition, filter, requiresLeader: true }, BUFFERED_EVENTS)
    return new Feed(subscription, () => subscription.unsubscribe())
  }

  async #tail(): Promise<Position | 'start'> {
    for await (const event of this.#lastRecords(1)) return positionOf(event)
    return 'start'
  }

  async #newest(): Promise<Position | undefined> {
    for await (const event of this.#lastRecords(TAIL_EVENTS)) if (!isSystemEvent(event)) return positionOf(event)
    return undefined
  }

  #lastRecords(maxCount: number): AsyncGenerator<EventStoreDbEvent> {
    return this.#records({ direction: BACKWARDS, fromPosition: END, maxCount })
  }

  async *#records(options: ReadAllOptions): AsyncGenerator<EventStoreDbEvent> {
    try {
      const reading = this.#client.readAll({ ...options, requiresLeader: true }, BUFFERED_EVENTS)
      for await (const { event } of this.#items(reading)) if (event) yield event
    } catch (error) {
      throw readFailure(error)
    }
  }

  #items(reading: ReturnType<EventStoreDBClient['readAll' | 'readStream']>): AsyncGenerator<ResolvedEvent> {
    const feed = new Feed<ResolvedEvent>(reading, () => reading.cancel())
    return itemsOf(feed, this.#timeouts.readMs, this.#closing.signal)
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#appends)
    try {
      await within(DISPOSE_MS, this.#client.dispose())
    } catch (error) {
      this.#log.warn(errorSummary(error), 'the connection to EventStoreDB did not close in time')
    }
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new StoreUnavailable('notCommitted', new Error('the store is closed'))
  }
}

/** The promise, held in the set until it settles. */
function kept<T>(set: Set<Promise<unknown>>, promise: Promise<T>): Promise<T> {
  const forget = () => set.delete(promise)
  set.add(promise)
  promise.then(forget, forget)
  return promise
}

/** Rejects with Silence after `ms`; what the call comes to later is ignored. */
async function within<T>(ms: number, call: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Silence(ms)), ms)
  })
  try {
    return await Promise.race([call, silence])
  } finally {
    clearTimeout(timer)
  }
}

function logPosition(position: Position): LogPosition {
  return { commit: position, prepare: position }
}

/** Statistics, metadata, links and others that the server writes into the same log. */
function isSystemEvent({ type, streamId }: EventStoreDbEvent): boolean {
  return type.startsWith('$') || streamId.startsWith('$')
}

function toRecordedEvent(event: EventStoreDbEvent): RecordedEvent {
  const { streamId: stream, revision, id, type, created: recordedAt } = event
  const position = positionOf(event)
  const data = toObject(event.data)
  const metadata = toObject(event.metadata)
  if (!data || !metadata) throw new DecodeError(position, type)
  return { stream, revision, position, id, type, data, metadata, recordedAt }
}

function positionOf({ position, streamId, revision }: EventStoreDbEvent): Position {
  if (position === undefined || position.commit > LARGEST_POSITION) {
    throw new TypeError(
      `EventStoreDB gives no position for event ${revision} of ${streamId}: it must be 23.10 or later`,
    )
  }
  return position.commit
}

/** What the client could not parse it hands on as it came: a string, or bytes. */
function toObject(value: unknown): JsonObject | undefined {
  const isObject =
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  return isObject ? (value as JsonObject) : undefined
}
