import type { Logger } from 'pino'
import { Latch } from '../platform/latch.ts'
import { errorSummary } from '../platform/postgres.ts'
import { readFailure } from './eventstoredb-failure.ts'
import type { Feed } from './eventstoredb-feed.ts'
import { DecodeError, type Position, type RecordedEvent, StoreUnavailable, type SubscriptionMessage } from './port.ts'

/** Where a follower begins. */
export interface Beginning {
  /** The last position that is not handed out. */
  readonly after: Position | 'start'
  /** Not behind it, and the place of a record: the server goes on behind nothing else. */
  readonly from: Position | 'start'
}

export interface FollowedLog<Item> {
  /** A subscription to everything after the place of a record. */
  open(from: Position | 'start'): Feed<Item>
  /** Throws StoreUnavailable. */
  begin(): Promise<Beginning>
  /** Position of the newest event a subscriber should get; undefined where none is among the newest records. */
  newest(): Promise<Position | undefined>
  /** The event, or undefined where it is the server's own. Throws DecodeError. */
  decode(item: Item): RecordedEvent | undefined
}

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 5_000
const MOST_AT_ONCE = 500
/** How long an event that the log already has may take to arrive before the subscription counts as dead. */
const GRACE_MS = 1_000

/**
 * Follows the log until the signal aborts. The client never subscribes again by itself, and a subscription may die with
 * an error, end without one, or fall silent: each time a new one takes over behind the last event handed out.
 */
export async function* followLog<Item>(
  source: FollowedLog<Item>,
  begun: Promise<Beginning>,
  silenceMs: number,
  signal: AbortSignal,
  log: Logger,
): AsyncGenerator<SubscriptionMessage> {
  const retry = new Retry(signal, log)
  const { after, from } = await beginningOf(source, begun, retry, signal)
  let last = after
  let place = from
  let told = false
  while (!signal.aborted) {
    const feed = source.open(place)
    try {
      while (!signal.aborted) {
        const { events, failure, taken } = takeEvents(source, feed, last)
        if (taken > 0) {
          retry.forget()
          if (events.length > 0) {
            told = false
            yield { kind: 'events', events }
            last = events.at(-1)?.position ?? last
            place = last
          }
          if (failure) throw failure
        } else if (feed.failure !== undefined) throw feed.failure
        else if (feed.ended) throw new Error('the subscription ended without an error')
        else if (feed.live && !told) {
          if (!(await feed.isQuiet())) continue
          retry.forget()
          told = true
          yield { kind: 'caughtUp' }
        } else if (!(await feed.hears(silenceMs, signal))) await expectAlive(source, feed, last, signal)
      }
    } catch (error) {
      retry.note(error)
    } finally {
      feed.close()
    }
    await retry.pause()
  }
}

/** What has arrived, without the server's own and what was handed out before. Those before a failure are not lost by it. */
function takeEvents<Item>(source: FollowedLog<Item>, feed: Feed<Item>, after: Position | 'start') {
  const events: RecordedEvent[] = []
  let last = after
  let taken = 0
  for (; taken < MOST_AT_ONCE; taken++) {
    const item = feed.take()
    if (item === undefined) break
    try {
      const event = source.decode(item)
      if (event === undefined || !isAfter(event.position, last)) continue
      events.push(event)
      last = event.position
    } catch (failure) {
      if (failure instanceof DecodeError) return { events, failure, taken: taken + 1 }
      throw failure
    }
  }
  return { events, taken }
}

async function beginningOf<Item>(
  source: FollowedLog<Item>,
  begun: Promise<Beginning>,
  retry: Retry,
  signal: AbortSignal,
): Promise<Beginning> {
  for (let attempt = begun; ; attempt = source.begin()) {
    try {
      return await attempt
    } catch (error) {
      if (signal.aborted) return { after: 'start', from: 'start' }
      retry.note(error)
    }
    await retry.pause()
  }
}

/** A silent subscription is fine where the server answers and knows nothing that it should have told. Throws otherwise. */
async function expectAlive<Item>(
  source: FollowedLog<Item>,
  feed: Feed<Item>,
  last: Position | 'start',
  signal: AbortSignal,
): Promise<void> {
  const newest = await source.newest()
  if (newest === undefined || !isAfter(newest, last) || (await feed.hears(GRACE_MS, signal))) return
  throw new StoreUnavailable('notCommitted', new Error('the subscription fell silent while the log grew'))
}

function isAfter(position: Position, last: Position | 'start'): boolean {
  return last === 'start' || position > last
}

/** Pauses that grow while nothing comes between them. */
class Retry {
  readonly #signal: AbortSignal
  readonly #log: Logger
  #ms = FIRST_RETRY_MS

  constructor(signal: AbortSignal, log: Logger) {
    this.#signal = signal
    this.#log = log
  }

  forget(): void {
    this.#ms = FIRST_RETRY_MS
  }

  /** Throws on what trying again would not help, such as a DecodeError. */
  note(error: unknown): void {
    const failure = readFailure(error)
    if (!(failure instanceof StoreUnavailable)) throw failure
    if (!this.#signal.aborted) {
      this.#log.warn({ ...errorSummary(failure.cause), retryMs: this.#ms }, 'a subscription is interrupted')
    }
  }

  async pause(): Promise<void> {
    if (this.#signal.aborted) return
    // Jittered, or all subscribers of a cluster come back in the same moment.
    await new Latch().wait(this.#ms * (0.5 + Math.random() / 2), this.#signal)
    this.#ms = Math.min(this.#ms * 2, LAST_RETRY_MS)
  }
}
