import type { Position } from './port.ts'
import type { LogPage } from './subscription.ts'

/**
 * Pages of the log for all subscriptions of a process: those that wake for the same news want the same page, which is
 * then read once. Only a read that has not been sent is shared, so nobody is shown a tail from before he asked.
 */
export class SharedPages {
  readonly #fetch: (after: Position) => Promise<LogPage>
  readonly #unsent = new Map<Position, Promise<LogPage>>()

  constructor(fetch: (after: Position) => Promise<LogPage>) {
    this.#fetch = fetch
  }

  /** The next events after the position; empty at the tail. Rejects as the fetch does, for all that share it. */
  after(position: Position): Promise<LogPage> {
    const shared = this.#unsent.get(position)
    if (shared !== undefined) return shared
    const page = this.#send(position)
    this.#unsent.set(position, page)
    return page
  }

  async #send(position: Position): Promise<LogPage> {
    // Whoever wakes in this turn of the event loop joins in.
    await new Promise(setImmediate)
    this.#unsent.delete(position)
    return this.#fetch(position)
  }
}
