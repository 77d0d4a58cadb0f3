/** The reactor that grows the log: every event of our streams, from the first on, becomes the next leaf. */
import type { RecordedEvent } from '../event-store/port.ts'
import type { Reactor } from '../projector/reactor.ts'
import { isLogged, leafContentOf, leafHashOf } from './leaf.ts'
import { appendLeaves, type Leaf } from './log-store.ts'

/** Null for what is of none of our streams. */
export type LoggedEvent = Leaf | null

/** Hashed while the batch before is being written, and before a transaction is open. */
export const leafOfEvent = (event: RecordedEvent): LoggedEvent =>
  isLogged(event.stream) ? { eventId: event.id, hash: leafHashOf(leafContentOf(event)) } : null

export const logReactor: Reactor<LoggedEvent> = {
  name: 'log',
  begins: 'start',
  async handle(events, transaction) {
    const leaves = events.filter((event) => event !== null)
    if (leaves.length > 0) await appendLeaves(transaction, leaves)
  },
}
