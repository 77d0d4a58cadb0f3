/** Appends a history through the port, many streams at a time, in the order in which it happened. */
import type { EventStore, ExpectedRevision, NewEvent, NonEmpty } from '../../src/event-store/port.ts'
import type { Appended } from './history.ts'

export interface AppendOptions {
  readonly store: Pick<EventStore, 'append'>
  /** Once it has aborted nothing more is appended; what is under way is finished. */
  readonly signal: AbortSignal
  /** Called as batches are acknowledged. */
  readonly onProgress: (events: number) => void
}

/**
 * Of one stream's events those of half an hour are one append (a visit, most often): so in the store's order accounts
 * may be out of step with each other by as much. Were each command an append of its own, in the very order of the
 * story, the disk would be waited for some thirty times as often, and hardly 2,000 events come about in a second.
 */
const TOGETHER_MS = 30 * 60_000
const MOST_EVENTS = 4_000
/** Far below what a store takes in one append. */
const MOST_IN_A_STREAM = 200

interface Gathered {
  readonly expected: ExpectedRevision
  readonly since: number
  readonly events: NewEvent[]
}

/**
 * Ends with the number of events appended: all, or as many as there were before the abort. Throws what the store throws;
 * what it has acknowledged before is a history that broke off.
 */
export const appendHistory = async (
  appends: AsyncIterable<Appended>,
  { store, signal, onProgress }: AppendOptions,
): Promise<number> => {
  let done = 0
  let window = new Map<string, Gathered>()
  let gathered = 0
  let writing: Promise<void> = Promise.resolve()

  const write = async (streams: ReadonlyMap<string, Gathered>, events: number): Promise<void> => {
    await Promise.all(
      [...streams].map(([stream, each]) =>
        store.append(stream, each.events as unknown as NonEmpty<NewEvent>, each.expected),
      ),
    )
    done += events
    onProgress(done)
  }
  /** While one window is being written the next is gathered; a third waits, or the order would be lost. */
  const flush = async (): Promise<void> => {
    await writing
    writing = write(window, gathered)
    // It is awaited with the next one: until then nobody is there to catch it.
    writing.catch(() => {})
    window = new Map()
    gathered = 0
  }

  for await (const { stream, expected, events, at } of appends) {
    if (signal.aborted) break
    const known = window.get(stream)
    const isApart = known !== undefined && (at - known.since > TOGETHER_MS || known.events.length >= MOST_IN_A_STREAM)
    if (isApart || gathered >= MOST_EVENTS) await flush()
    const own = window.get(stream) ?? { expected, since: at, events: [] }
    window.set(stream, own)
    own.events.push(...events)
    gathered += events.length
  }
  await flush()
  await writing
  return done
}
