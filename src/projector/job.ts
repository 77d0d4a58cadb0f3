import type pg from 'pg'
import { PROJECTION_CHANNEL, REACTOR_CHANNEL } from './channel.ts'
import type { EventPlace } from './inbox.ts'
import type { Lease } from './lease.ts'

/**
 * Something that handles every event once and in order, as the runtime sees it: where its checkpoint is, and what is
 * written in the transaction that moves it. What differs between a projection and a reactor ends here.
 */
export interface Job<Event> {
  readonly name: string
  readonly version: number
  /** Which set of tables of that version; always 1 of a reactor. */
  readonly build: number
  readonly checkpoints: Checkpoints
  /** Makes sure that its row is there. Repeated where that was dropped. */
  register(): Promise<void>
  /** Outside the transaction, so that what takes long or fails by itself holds no lock: the step to take inside it. */
  prepare(events: readonly Event[]): Step | Promise<Step>
  /** After the transaction. Must not throw. */
  committed?(): void
  /** What is done with a stream whose event cannot be handled; without it the job halts. */
  readonly parking?: Parking
}

/** Streams that are left aside, each from one event on, while the job goes on with all others. */
export interface Parking {
  /** At the beginning of an owner's work: learns which streams are parked, and releases those that an operator asked for. */
  begin(lease: Lease, signal: AbortSignal): Promise<void>
  holds(stream: string): boolean
  /** The step that parks the event's stream; undefined where the job has to halt instead. */
  park(lease: Lease, event: EventPlace, error: unknown): Step | undefined
}

export type Step = (client: pg.ClientBase) => Promise<void>

/** A kind of checkpoints: the table of their rows, and the channel on which their owners tell how far they are. */
export interface Checkpoints {
  readonly kind: 'projection' | 'reactor'
  readonly table: 'read.projections' | 'vault.reactors'
  /** The condition that picks a job's row by name ($1), version ($2) and build ($3). */
  readonly row: string
  readonly channel: string
  /**
   * Whether a batch waits for the disk. Rows that a replay makes again need not; what an event set in motion outside
   * the database cannot be taken back.
   */
  readonly durable: boolean
  /**
   * How long events gather at the end of the log before they are handled, in milliseconds. Queries wait for
   * projections; nobody waits for a reactor, and each of its batches costs a wait for the disk.
   */
  readonly gatherMs: number
  /** What else is set where an owner that has caught up ($6) extends its lease. */
  readonly whenCaughtUp: string
  /** What an operator does where the checkpoint is of another store. */
  readonly remedy: string
}

export const PROJECTIONS: Checkpoints = {
  kind: 'projection',
  table: 'read.projections',
  row: 'name = $1 and version = $2 and build = $3',
  channel: PROJECTION_CHANNEL,
  durable: false,
  gatherMs: 0,
  // The end of the log may be a record of the store's own, which is handled by nobody.
  whenCaughtUp: ', target = case when $6 then least(target, coalesce(position, -1)) else target end',
  remedy: 'drop schema read, and start: the read models are built anew',
}

export const REACTORS: Checkpoints = {
  kind: 'reactor',
  table: 'vault.reactors',
  row: 'name = $1 and version = $2 and $3::integer = 1',
  channel: REACTOR_CHANNEL,
  durable: true,
  gatherMs: 50,
  whenCaughtUp: '',
  remedy: 'delete its row in vault.reactors, and start: it goes on with what is appended from then on',
}
