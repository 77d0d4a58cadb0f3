import type { Logger } from 'pino'
import { Latch } from '../platform/latch.ts'
import { errorSummary } from '../platform/postgres.ts'
import { unlessAborted } from '../platform/unless-aborted.ts'
import type { Decoded } from './decode.ts'
import { type Position, StoreUnavailable, type SubscriptionMessage } from './port.ts'

export interface DecodedPage extends Decoded {
  /** There probably are events after these. */
  readonly more: boolean
}

/** Of one follower. Its errors while the log is away are StoreUnavailable. */
export interface PageReader {
  /** The next events after the position, in order and without gaps; empty at the tail. */
  after(position: Position): Promise<DecodedPage>
  leave(): void
}

/** A log that is read in pages and tells when it has grown. Its errors while it is away are StoreUnavailable. */
export interface PagedLog {
  open(): PageReader
  /** Position of the last event. */
  tail(): Promise<Position>
  /** Calls `grown` whenever there may be something new, until the returned function is called. */
  onGrowth(grown: () => void): Promise<() => void>
}

/** A belt for the notifications, should one ever be lost. */
const POLL_MS = 5_000
const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 5_000

/**
 * Follows the log from the event after `after` until the signal aborts. Holds at most two pages: the one being
 * consumed and the one after it.
 */
export function follow(
  source: PagedLog,
  after: Position | 'start' | 'end',
  signal: AbortSignal,
  log: Logger,
): AsyncGenerator<SubscriptionMessage> {
  // Asked for now, not at the first next(): `end` means the end at the time of the call.
  const start = after === 'end' ? source.tail() : Promise.resolve(after === 'start' ? 0n : after)
  start.catch(() => {})
  return messages(source, start, signal, log)
}

async function* messages(
  source: PagedLog,
  start: Promise<Position>,
  signal: AbortSignal,
  log: Logger,
): AsyncGenerator<SubscriptionMessage> {
  if (signal.aborted) return
  const news = new Latch()
  const stopListening = await source.onGrowth(news.set)
  const pages = source.open()
  const persist = <T>(first: Promise<T> | undefined, call: () => Promise<T>) =>
    untilAvailable(first, call, news, signal, log)
  try {
    let last = await persist(start, () => source.tail())
    let told = false
    while (last !== undefined && !signal.aborted) {
      const from = last
      let page = await persist(undefined, () => pages.after(from))
      if (page && isEmpty(page)) {
        if (!told) yield { kind: 'caughtUp' }
        told = true
        await news.wait(POLL_MS, signal)
      }
      while (page && !isEmpty(page)) {
        told = false
        const { events, failure }: DecodedPage = page
        const ahead = fetchAhead(pages, page)
        // Before what may be many milliseconds of work on this page: the read of the next one is on its way, and whoever
        // else the process serves has had a turn.
        if (page.more) await new Promise(setImmediate)
        if (signal.aborted) return
        if (events.length > 0) yield { kind: 'events', events }
        if (failure) throw failure
        last = events.at(-1)?.position ?? last
        // What was fetched ahead may be out of date where it is empty: the tail is only believed afresh.
        page = await unlessAborted(ahead, signal)
      }
    }
  } finally {
    pages.leave()
    stopListening()
  }
}

/** Never fails: what could not be fetched ahead is fetched in its turn, with its error. */
async function fetchAhead(pages: PageReader, { events, failure, more }: DecodedPage): Promise<DecodedPage> {
  const last = events.at(-1)
  if (!last || !more || failure) return NOTHING
  try {
    return await pages.after(last.position)
  } catch {
    return NOTHING
  }
}

const NOTHING: DecodedPage = { events: [], more: false }

const isEmpty = ({ events, failure }: DecodedPage): boolean => events.length === 0 && failure === undefined

/** The call's result, tried again while the store is away; undefined after an abort. `first` is a try already made. */
async function untilAvailable<T>(
  first: Promise<T> | undefined,
  call: () => Promise<T>,
  news: Latch,
  signal: AbortSignal,
  log: Logger,
): Promise<T | undefined> {
  let attempt = first
  for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
    // Before the look, so that what happens between the look and the wait is not lost.
    news.clear()
    try {
      return await unlessAborted(attempt ?? call(), signal)
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      log.warn({ ...errorSummary(error.cause), retryMs }, 'a subscription is interrupted')
    }
    attempt = undefined
    await news.wait(retryMs, signal)
  }
  return undefined
}
