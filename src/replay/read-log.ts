/** Reading the past: the whole log, or one stream, up to what is there now. */
import { type EventStore, type Position, type RecordedEvent, StoreUnavailable } from '../event-store/port.ts'

/** A subscription waits for a store that is away; who asks for the past shall be told. */
const SILENCE_MS = 10_000

/**
 * Every event of every stream in the global order, from the one after `after` to the last one that is there when the
 * reader arrives; waits for its consumer. Throws StoreUnavailable, DecodeError, and the signal's reason.
 */
export async function* readLog(
  store: Pick<EventStore, 'subscribe'>,
  after: Position | 'start',
  signal: AbortSignal,
): AsyncGenerator<RecordedEvent> {
  for await (const events of readLogInRuns(store, after, signal)) {
    for (const event of events) {
      yield event
      signal.throwIfAborted()
    }
  }
}

/** The same, as many at a time as the store gives. */
export async function* readLogInRuns(
  store: Pick<EventStore, 'subscribe'>,
  after: Position | 'start',
  signal: AbortSignal,
): AsyncGenerator<readonly RecordedEvent[]> {
  const enough = new AbortController()
  const stop = () => enough.abort()
  let waiting = false
  const silence = setTimeout(() => waiting && stop(), SILENCE_MS)
  signal.throwIfAborted()
  // Not AbortSignal.any: it would stay with a signal that outlives this read.
  signal.addEventListener('abort', stop)
  const messages = store.subscribe(after, enough.signal)[Symbol.asyncIterator]()
  try {
    for (;;) {
      silence.refresh()
      waiting = true
      const step = await messages.next()
      waiting = false
      signal.throwIfAborted()
      if (step.done === true) throw new StoreUnavailable('notCommitted', new Error('the log could not be read on'))
      if (step.value.kind === 'caughtUp') return
      yield step.value.events
    }
  } finally {
    clearTimeout(silence)
    signal.removeEventListener('abort', stop)
    stop()
    await messages.return?.()
  }
}

/** The last event of a stream; null where there is no such stream. Throws StoreUnavailable, DecodeError, StreamGone. */
export const lastEventOf = async (store: Pick<EventStore, 'read'>, stream: string): Promise<RecordedEvent | null> => {
  for await (const event of store.read(stream, { backwards: true, limit: 1 })) return event
  return null
}

/**
 * The first revision whose event lies behind the position; one beyond the last where there is none. A position says
 * nothing about revisions, so it is searched for: as many single reads as the stream's length has binary digits.
 */
export const revisionAfter = async (
  store: Pick<EventStore, 'read'>,
  last: RecordedEvent,
  position: Position,
): Promise<bigint> => {
  if (last.position <= position) return last.revision + 1n
  let [low, high] = [0n, last.revision]
  while (low < high) {
    const middle = (low + high) / 2n
    if ((await positionOf(store, last.stream, middle)) <= position) low = middle + 1n
    else high = middle
  }
  return low
}

const positionOf = async (store: Pick<EventStore, 'read'>, stream: string, revision: bigint): Promise<Position> => {
  for await (const event of store.read(stream, { from: revision, limit: 1 })) return event.position
  throw new Error(`stream ${stream} has no revision ${revision} though it has later ones`)
}
