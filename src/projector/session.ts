import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import type { Logger } from 'pino'
import {
  DecodeError,
  type EventStore,
  type Position,
  type RecordedEvent,
  StoreUnavailable,
  type SubscribeOptions,
  type SubscriptionMessage,
} from '../event-store/port.ts'
import { isDatabaseAway } from '../platform/postgres.ts'
import { unlessAborted } from '../platform/unless-aborted.ts'
import { LeaseLost, WorkMustBeginAgain, writeBatch } from './batch.ts'
import { describeFault } from './fault.ts'
import { type Arrival, type Batch, type Decode, type EventPlace, type EventRun, eventsIn, Inbox } from './inbox.ts'
import type { Job } from './job.ts'
import { endHaltAtCheckpoint, haltAndRelease, type Lease, renewLease } from './lease.ts'
import { findOtherStore } from './other-store.ts'

/** What is done with events once they are decoded. */
interface Work<Event> {
  readonly job: Job<Event>
  readonly store: Pick<EventStore, 'read'>
  readonly pool: pg.Pool
  readonly batchSize: number
  readonly log: Logger
  readonly observe: (batch: CommittedBatch) => void
  /** Position of the last event to be handled, or behind it; without it the session follows the log for ever. */
  readonly until?: bigint
  /** There may be no event at `until`, as the end of the log may be a record of the store's own: its tail ends it, too. */
  readonly endsAtTail?: boolean
}

export interface SessionOptions<Event, Arriving extends RecordedEvent | EventRun = RecordedEvent> extends Work<Event> {
  readonly store: Pick<EventStore, 'read'> & Source<Arriving>
  readonly decode: Decode<Event, Arriving>
}

interface Source<Arriving> {
  subscribe(
    after: Position | 'start',
    signal: AbortSignal,
    options: SubscribeOptions,
  ): AsyncIterable<SubscriptionMessage<Arriving>>
}

/** For whoever measures. Seconds are those of the transaction. */
export interface CommittedBatch {
  readonly events: number
  readonly seconds: number
}

/** Kept up to date while a session runs, for whoever wants to know how far it is. */
export interface SessionProgress {
  lease: Lease
  caughtUp: boolean
  /** Most events in the next batch. */
  limit: number
  batches: number
  events: number
}

export type SessionEnd =
  | { readonly kind: 'stopped' }
  /** Everything up to `until` was handled. */
  | { readonly kind: 'reached' }
  /** Another owner has taken over, or this one was silent for too long. */
  | { readonly kind: 'lost' }
  /** Everything before this position is written, and the event there cannot be; or, at the checkpoint: other store. */
  | { readonly kind: 'halted'; readonly at: bigint }

/** Some event of a run cannot be handled. Everything before the run is: what is in it has to be handled one by one. */
export class RunAtFault extends Error {
  override readonly name = 'RunAtFault'
  /** Of the run's last event. */
  readonly position: Position
  constructor(position: Position, cause: unknown) {
    super('an event of a run is at fault', { cause })
    this.position = position
  }
}

/**
 * The work of an owner, from the checkpoint of the lease on: one batch after another until `stop` aborts, the lease is
 * lost, or an event cannot be handled. Before the first it makes sure that the checkpoint is one of this store. A batch
 * under way at the abort is finished. Throws what is nobody's fault (`isPassing`, `isSchemaGone`) and what nobody foresaw;
 * the checkpoint then tells where to go on. Where runs of events arrive, RunAtFault for one that cannot be handled whole.
 */
export async function workAsOwner<Event, Arriving extends RecordedEvent | EventRun = RecordedEvent>(
  options: SessionOptions<Event, Arriving>,
  progress: SessionProgress,
  stop: AbortSignal,
): Promise<SessionEnd> {
  try {
    const end = await keepingLease(options, progress, stop, (signal) => session(options, progress, signal))
    if (end) return end
    return stop.aborted ? { kind: 'stopped' } : { kind: 'lost' }
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error
    options.log.warn({ reason: error.message }, 'the projector steps down')
    return { kind: 'lost' }
  } finally {
    progress.caughtUp = false
  }
}

/** Keeps the lease for as long as the work takes. The signal aborts at the stop, and when the lease has gone. */
export async function keepingLease<T>(
  options: Pick<SessionOptions<never>, 'pool' | 'log'>,
  progress: SessionProgress,
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const end = () => controller.abort()
  stop.addEventListener('abort', end)
  if (stop.aborted) end()
  const heartbeat = beat(options, progress, controller)
  try {
    return await work(controller.signal)
  } finally {
    end()
    stop.removeEventListener('abort', end)
    await heartbeat
  }
}

async function session<Event, Arriving extends RecordedEvent | EventRun>(
  options: SessionOptions<Event, Arriving>,
  progress: SessionProgress,
  signal: AbortSignal,
): Promise<SessionEnd | undefined> {
  const elsewhere = await haltInOtherStore(options, progress.lease, signal)
  if (elsewhere) return elsewhere
  await options.job.parking?.begin(progress.lease, signal)
  if (hasReached(progress.lease, options.until)) return { kind: 'reached' }
  const ended = new AbortController()
  const messages = options.store.subscribe(
    progress.lease.position ?? 'start',
    AbortSignal.any([signal, ended.signal]),
    { inStep: true },
  )
  const { decode, batchSize: capacity, until } = options
  const { gatherMs } = options.job.checkpoints
  const inbox = new Inbox(messages, { decode, capacity, gatherMs, until, signal })
  try {
    return await follow(options, progress, inbox, signal)
  } finally {
    ended.abort()
    inbox.leave()
    await inbox.closed
  }
}

const hasReached = ({ position }: Lease, until: bigint | undefined): boolean =>
  until !== undefined && position !== null && position >= until

/**
 * Whether an error says nothing about the event at hand, and the same batch may pass later: the database or the store
 * is away, a deadlock, or a lock not got in time.
 */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof StoreUnavailable || isDatabaseAway(error) || hasSqlState(error, /^(40...|55P03)$/)) return true
  return isPassing(error.cause)
}

/** The tables or their schema are gone: an operator may drop them, to have them built anew. */
export function isSchemaGone(error: unknown): boolean {
  return error instanceof Error && hasSqlState(error, /^(42P01|3F000)$/)
}

function hasSqlState(error: Error, codes: RegExp): boolean {
  return 'code' in error && typeof error.code === 'string' && codes.test(error.code)
}

async function haltInOtherStore<Event>(
  { store, pool, log }: Work<Event>,
  lease: Lease,
  signal: AbortSignal,
): Promise<SessionEnd | undefined> {
  const { position, last } = lease
  const otherStore = await unlessAborted(findOtherStore(store, lease), signal)
  if (signal.aborted || position === null || last === null) return undefined
  if (!otherStore) {
    await endHaltAtCheckpoint(pool, lease)
    return undefined
  }
  const fault = describeFault(otherStore)
  if (!(await haltAndRelease(pool, lease, { position, type: null, ...last, fault }))) return { kind: 'lost' }
  const { stream, revision, eventId } = last
  log.error({ eventId, position: String(position), stream, revision: String(revision), fault }, otherStore.message)
  return { kind: 'halted', at: position }
}

async function follow<Event>(
  options: Work<Event>,
  progress: SessionProgress,
  inbox: Pick<Inbox<Event>, 'take' | 'isDone'>,
  signal: AbortSignal,
): Promise<SessionEnd | undefined> {
  try {
    for (;;) {
      const batch = await inbox.take(progress.limit)
      if (!batch && signal.aborted) return undefined
      if (!batch && inbox.isDone) return { kind: 'reached' }
      // A subscription does not end by itself: its store was closed under us.
      if (!batch) throw new StoreUnavailable('notCommitted')
      if (batch.arrivals.length > 0) progress.caughtUp = false
      const failure = await project(options, progress, batch, signal)
      if (failure) return await halt(options, progress.lease, failure)
      progress.caughtUp = batch.caughtUp
      if (hasReached(progress.lease, options.until) || (options.endsAtTail && batch.caughtUp))
        return { kind: 'reached' }
    }
  } catch (error) {
    // The store cannot even read it: all that is known of the event is where it is.
    if (error instanceof DecodeError) return halt(options, progress.lease, { event: error, error })
    throw error
  }
}

interface Failure {
  readonly event: Pick<EventPlace, 'position' | 'type'> & Partial<EventPlace>
  readonly error: unknown
}

/**
 * Writes the arrivals, in halves and halves of halves where they cannot be written together, so that everything before
 * the first event at fault is committed. Returns that event; throws RunAtFault where it is one of a run.
 */
async function project<Event>(
  options: Work<Event>,
  progress: SessionProgress,
  { arrivals, caughtUp, full }: Batch<Event>,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const last = arrivals.at(-1)
  if (!last) return undefined
  const { job } = options
  try {
    const mine = job.parking ? arrivals.filter(({ event }) => !job.parking?.holds(event.stream)) : arrivals
    const decoded = await unlessAborted(decodedAll(mine), signal)
    if (!decoded || signal.aborted) return undefined
    const write = await job.prepare(decoded)
    const begun = performance.now()
    progress.lease = await writeBatch(options.pool, progress.lease, { write, lastEvent: last.event, caughtUp })
    const events = eventsIn(arrivals)
    options.observe({ events, seconds: (performance.now() - begun) / 1_000 })
    job.committed?.()
    if (full) {
      progress.limit = Math.min(options.batchSize, progress.limit + Math.ceil(options.batchSize / 100))
    }
    progress.batches += 1
    progress.events += events
    return undefined
  } catch (error) {
    if (error instanceof LeaseLost || error instanceof WorkMustBeginAgain) throw error
    if (isPassing(error) || isSchemaGone(error)) throw error
    if (arrivals.length === 1) {
      if (last.count !== undefined) throw new RunAtFault(last.event.position, error)
      const write = job.parking?.park(progress.lease, last.event, error)
      if (write === undefined) return { event: last.event, error }
      const batch = { write, lastEvent: last.event, caughtUp, lookAgain: true }
      progress.lease = await writeBatch(options.pool, progress.lease, batch)
      progress.batches += 1
      progress.events += 1
      return undefined
    }
  }
  const middle = arrivals.length >> 1
  const [left, right] = [arrivals.slice(0, middle), arrivals.slice(middle)]
  const first = await project(options, progress, { arrivals: left, caughtUp: false, full: false }, signal)
  return first ?? (await project(options, progress, { arrivals: right, caughtUp, full: false }, signal))
}

async function decodedAll<Event>(arrivals: readonly Arrival<Event>[]): Promise<Event[]> {
  const events: Event[] = []
  for (const { decoded } of arrivals) {
    const outcome = decoded instanceof Promise ? await decoded : decoded
    if (!outcome.ok) throw outcome.error
    events.push(outcome.value)
  }
  return events
}

async function halt<Event>(options: Work<Event>, lease: Lease, failure: Failure): Promise<SessionEnd> {
  const { position, type, id = null, stream = null, revision = null } = failure.event
  const fault = describeFault(failure.error)
  const detail = { position, eventId: id, type, stream, revision, fault }
  if (!(await haltAndRelease(options.pool, lease, detail))) return { kind: 'lost' }
  options.log.error(
    {
      eventId: id,
      position: String(position),
      type,
      stream,
      revision: revision === null ? null : String(revision),
      fault,
    },
    options.job.checkpoints.kind === 'projection'
      ? 'the projection is halted: this event cannot be projected. Everything before it is; a restart tries it again'
      : 'the reactor is halted: it cannot handle this event. Everything before it is done; a restart tries it again',
  )
  return { kind: 'halted', at: position }
}

/** Keeps the lease while there is nothing to write, or a write takes long; a batch extends it as well. */
async function beat(
  { pool, log }: Pick<SessionOptions<never>, 'pool' | 'log'>,
  progress: SessionProgress,
  session: AbortController,
): Promise<void> {
  const { signal } = session
  while (!signal.aborted) {
    await delay((progress.lease.seconds * 1_000) / 3, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    try {
      if (await renewLease(pool, progress.lease, progress.caughtUp)) continue
      log.warn({ epoch: String(progress.lease.epoch) }, 'the lease has another owner')
      session.abort()
    } catch (error) {
      // Not the heartbeat's to judge: while nobody else takes the lease the work may go on.
      log.debug({ err: error }, 'a heartbeat of the lease failed')
    }
  }
}
