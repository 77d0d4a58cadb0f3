/**
 * The event store as the rest of Strongroom sees it. It knows no domain: a stream is a name, an event is JSON.
 *
 * There is no "any revision": every append names the revision it was decided at, so a decision made on an
 * outdated state can never slip in.
 */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }
export type JsonObject = { readonly [key: string]: JsonValue }

export type NonEmpty<T> = readonly [T, ...T[]]

/** A place in the store's one global order. Positions grow, and need not be dense. */
export type Position = bigint

export interface NewEvent {
  /** UUID, chosen by the caller: a retry of an append whose outcome is unknown carries the same ids. */
  readonly id: string
  readonly type: string
  readonly data: JsonObject
  readonly metadata: JsonObject
}

export interface RecordedEvent extends NewEvent {
  readonly stream: string
  /** Place in the stream, from 0, without gaps. */
  readonly revision: bigint
  readonly position: Position
  /** When the store recorded it, by the store's clock. */
  readonly recordedAt: Date
}

/** What the caller believes the stream to be: not there yet, or at this revision. */
export type ExpectedRevision = 'none' | bigint

export interface ReadOptions {
  /** First revision to return (inclusive). Default: the first, or the last when backwards. */
  readonly from?: bigint
  readonly backwards?: boolean
  readonly limit?: number
}

export interface AppendResult {
  /** Revision of the last event appended. */
  readonly revision: bigint
  /** Position of the last event appended. */
  readonly position: Position
}

export type SubscriptionMessage<Event = RecordedEvent> =
  /** The next ones, as many as lay ready: of a million events one promise each would be felt. */
  | { readonly kind: 'events'; readonly events: readonly Event[] }
  /** Every event that was in the store when the subscriber got here has been handed out and consumed. */
  | { readonly kind: 'caughtUp' }

export interface SubscribeOptions {
  /**
   * It takes what it gets at once, and others of this process that say so too may be waited for a moment, so that what all
   * of them read is read once. Not for a reader who is somebody else: that one could hold the others up.
   */
  readonly inStep?: boolean
}

export interface EventStore {
  /**
   * Reads a stream; a stream that does not exist is empty.
   * Throws StoreUnavailable, StreamGone, DecodeError.
   */
  read(stream: string, options?: ReadOptions): AsyncIterable<RecordedEvent>

  /**
   * Appends all events or none. Repeating an append with the same ids and the same expected revision succeeds and
   * changes nothing, however many events have followed.
   * Throws WrongExpectedRevision, InvalidAppend, StreamGone, StoreUnavailable.
   */
  append(stream: string, events: NonEmpty<NewEvent>, expected: ExpectedRevision): Promise<AppendResult>

  /**
   * Every event of every stream in the global order, from the one after `after`, then live, until the signal aborts
   * (the iterator then ends without an error; events handed out before are the consumer's). `end` starts behind the last event recorded at the time of the call.
   * `caughtUp` comes in band, once after each time the tail was reached. Never skips and never repeats an event, and
   * survives lost connections by itself; only DecodeError, and an error of a store that refuses for good, are thrown.
   */
  subscribe(
    after: Position | 'start' | 'end',
    signal: AbortSignal,
    options?: SubscribeOptions,
  ): AsyncIterable<SubscriptionMessage>

  /**
   * Where the log ends: `subscribe` after it gives what is appended once this has answered, and nothing that was
   * acknowledged before the call. `start` while there is nothing. Unlike the place of `subscribe('end')` it can be kept.
   * Throws StoreUnavailable.
   */
  tail(): Promise<Position | 'start'>

  /** Resolves when the store answers. Throws StoreUnavailable. */
  ping(): Promise<void>

  /** Ends subscriptions and connections. Appends under way are finished first. */
  close(): Promise<void>
}

/** The stream is not at the revision the append was decided at. `actual` is where it is. */
export class WrongExpectedRevision extends Error {
  override readonly name = 'WrongExpectedRevision'
  readonly stream: string
  readonly expected: ExpectedRevision
  readonly actual: ExpectedRevision
  constructor(stream: string, expected: ExpectedRevision, actual: ExpectedRevision) {
    super(`stream ${stream} is at revision ${actual}, not at ${expected}`)
    this.stream = stream
    this.expected = expected
    this.actual = actual
  }
}

/**
 * The store cannot be reached or does not answer in time. `outcome` says what became of an append: `unknown` means
 * that it may have been committed, and only a retry with the same ids and expected revision can tell.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
  readonly outcome: 'notCommitted' | 'unknown'
  constructor(outcome: 'notCommitted' | 'unknown', cause?: unknown) {
    super('the event store is not available', { cause })
    this.outcome = outcome
  }
}

/** The append could never be stored: the caller's bug or an input that a boundary should have refused. */
export class InvalidAppend extends Error {
  override readonly name = 'InvalidAppend'
}

/** The stream was deleted in the store. Strongroom never deletes one. */
export class StreamGone extends Error {
  override readonly name = 'StreamGone'
  readonly stream: string
  constructor(stream: string) {
    super(`stream ${stream} was deleted`)
    this.stream = stream
  }
}

/** What is stored is not an event: not JSON, or not an object. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  readonly position: Position
  readonly type: string
  constructor(position: Position, type: string, cause?: unknown) {
    super(`the event of type ${type} at position ${position} cannot be decoded`, { cause })
    this.position = position
    this.type = type
  }
}
