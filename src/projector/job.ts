import type pg from 'pg'
import { PROJECTION_CHANNEL, REACTOR_CHANNEL } from './channel.ts'

/**
 * Something that handles every event once and in order, as the runtime sees it: where its checkpoint is, and what is
 * written in the transaction that moves it. What differs between a projection and a reactor ends here.
 */
export interface Job<Event> {
  readonly name: string
  readonly version: number
  readonly checkpoints: Checkpoints
  /** Makes sure that its row is there. Repeated where that was dropped. */
  register(): Promise<void>
  /** Outside the transaction, so that what takes long or fails by itself holds no lock: the step to take inside it. */
  prepare(events: readonly Event[]): (client: pg.ClientBase) => Promise<void>
  /** After the transaction. Must not throw. */
  committed?(): void
}

/** A kind of checkpoints: the table of their rows, and the channel on which their owners tell how far they are. */
export interface Checkpoints {
  readonly kind: 'projection' | 'reactor'
  readonly table: 'read.projections' | 'vault.reactors'
  readonly channel: string
  /**
   * Whether a batch waits for the disk. Rows that a replay makes again need not; what an event set in motion outside
   * the database cannot be taken back.
   */
  readonly durable: boolean
  /** What an operator does where the checkpoint is of another store. */
  readonly remedy: string
}

export const PROJECTIONS: Checkpoints = {
  kind: 'projection',
  table: 'read.projections',
  channel: PROJECTION_CHANNEL,
  durable: false,
  remedy: 'drop schema read, and start: the read models are built anew',
}

export const REACTORS: Checkpoints = {
  kind: 'reactor',
  table: 'vault.reactors',
  channel: REACTOR_CHANNEL,
  durable: true,
  remedy: 'delete its row in vault.reactors, and start: it goes on with what is appended from then on',
}
