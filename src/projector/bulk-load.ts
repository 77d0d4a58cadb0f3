/**
 * Filling a build from the log, in bulk. The log arrives in pages, and a page is projected whole, as it arrives, while the
 * batch before is being written: of a million events, what is kept for each is felt. A page that cannot be handled whole
 * is taken event by event, as a live projection takes them, and halts the build or parks a stream as there.
 */
import type pg from 'pg'
import type { Position, RecordedEvent, SubscribeOptions, SubscriptionMessage } from '../event-store/port.ts'
import { WorkMustBeginAgain } from './batch.ts'
import { writeInBulk } from './bulk.ts'
import type { BuildTable } from './ddl.ts'
import type { Decode, EventRun } from './inbox.ts'
import type { Job, Parking } from './job.ts'
import { type PageSteps, StepPacker } from './page-steps.ts'
import type { Projection } from './row-operation.ts'
import { RunAtFault, type SessionEnd, type SessionOptions, type SessionProgress, workAsOwner } from './session.ts'

export interface BulkLoad<Event> {
  readonly projection: Pick<Projection<Event>, 'apply'>
  readonly tables: readonly BuildTable[]
  /** Of the build's job, which here has steps of its own. */
  readonly work: SessionOptions<Event>
  /** Its limit is at most `size`. */
  readonly progress: SessionProgress
  readonly stop: AbortSignal
  readonly until: Position
  /** Most events folded and sent at once. */
  readonly size: number
  /** The job, told to count what it handles. */
  readonly counting: (job: Job<PageSteps>) => Job<PageSteps>
}

/** Up to `until`, or the log's end. `rowReplaced`: an insert has replaced a row, which a table without its key cannot do. */
export async function loadInBulk<Event>(load: BulkLoad<Event>): Promise<SessionEnd | 'rowReplaced'> {
  /** The end of a page that has to be taken event by event. */
  let careful: Position | undefined
  for (;;) {
    try {
      const end = await (careful === undefined ? byPages(load) : byEvents(load, careful))
      if (careful === undefined || end.kind !== 'reached') return end
      careful = undefined
    } catch (error) {
      if (error instanceof WorkMustBeginAgain) return 'rowReplaced'
      if (!(error instanceof RunAtFault)) throw error
      careful = error.position
    }
  }
}

function byPages<Event>(load: BulkLoad<Event>): Promise<SessionEnd> {
  const { work, progress, stop, until, size: batchSize } = load
  const { parking } = work.job
  const steps = stepsOf(load)
  const decode = ({ events }: Page): PageSteps | Promise<PageSteps> => {
    // Whose stream is parked is learned in the beginning, and does not change: to park another one is for `byEvents`.
    const mine = parking ? events.filter(({ stream }) => !parking.holds(stream)) : events
    const decoded = decodeAll(mine, work.decode)
    return decoded instanceof Promise ? decoded.then(steps) : steps(decoded)
  }
  const store = { read: work.store.read.bind(work.store), subscribe: pagesOf(work.store, until, () => progress.limit) }
  // A page is where its last event is, and has been sifted.
  const job = bulkJob(load, parking && { ...parking, holds: () => false })
  return workAsOwner({ ...work, store, job, decode, batchSize, until, endsAtTail: true }, progress, stop)
}

/** A promise only where one of them has to wait. */
function decodeAll<Event>(
  events: readonly RecordedEvent[],
  decode: Decode<Event>,
): readonly Event[] | Promise<Event[]> {
  const decoded: (Event | Promise<Event>)[] = []
  let waits = false
  try {
    for (const event of events) {
      const one = decode(event)
      decoded.push(one)
      waits ||= one instanceof Promise
    }
  } catch (error) {
    // Nobody waits any more for those that were begun.
    Promise.allSettled(decoded)
    throw error
  }
  return waits ? Promise.all(decoded) : (decoded as Event[])
}

function byEvents<Event>(load: BulkLoad<Event>, until: Position): Promise<SessionEnd> {
  const { work, progress, stop, size: batchSize } = load
  const steps = stepsOf(load)
  const decode = (stored: RecordedEvent): PageSteps | Promise<PageSteps> => {
    const event = work.decode(stored)
    return event instanceof Promise ? event.then((decoded) => steps([decoded])) : steps([event])
  }
  const job = bulkJob(load, work.job.parking)
  return workAsOwner({ ...work, job, decode, batchSize, until, endsAtTail: true }, progress, stop)
}

function stepsOf<Event>({ projection, tables }: BulkLoad<Event>): (events: readonly Event[]) => PageSteps {
  const packer = new StepPacker(new Map(tables.map(({ layout }) => [layout.name, layout])))
  return (events) => {
    packer.begin()
    for (const event of events) packer.add(projection.apply(event))
    return packer.end(events.length)
  }
}

function bulkJob<Event>({ work, tables, counting }: BulkLoad<Event>, parking: Parking | undefined): Job<PageSteps> {
  const { parking: _, ...job } = work.job
  const prepare = (pages: readonly PageSteps[]) => (client: pg.ClientBase) => writeInBulk(client, tables, pages)
  return counting({ ...job, prepare, ...(parking ? { parking } : {}) })
}

interface Page extends EventRun {
  readonly events: readonly RecordedEvent[]
}

/** Events up to `until`, as many together as arrive so, and no more than `limit` says. One beyond it is handed on as it is. */
const pagesOf = (store: SessionOptions<never>['store'], until: Position, limit: () => number) =>
  async function* (
    after: Position | 'start',
    signal: AbortSignal,
    options: SubscribeOptions,
  ): AsyncGenerator<SubscriptionMessage<Page>> {
    for await (const message of store.subscribe(after, signal, options)) {
      if (message.kind === 'caughtUp') yield message
      else yield { kind: 'events', events: [...pagesIn(message.events, until, limit())] }
    }
  }

function* pagesIn(events: readonly RecordedEvent[], until: Position, limit: number): Generator<Page> {
  const beyond = events.findIndex(({ position }) => position > until)
  const within = beyond < 0 ? events.length : beyond
  for (let start = 0; start < within; start += limit) yield pageOf(events.slice(start, Math.min(start + limit, within)))
  if (beyond >= 0) yield pageOf(events.slice(beyond, beyond + 1))
}

function pageOf(events: readonly RecordedEvent[]): Page {
  const last = events.at(-1)
  if (last === undefined) throw new Error('a page without events')
  const { id, type, stream, revision, position, recordedAt } = last
  return { id, type, stream, revision, position, recordedAt, count: events.length, events }
}
