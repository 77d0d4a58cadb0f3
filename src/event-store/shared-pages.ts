import type { Position } from './port.ts'
import type { DecodedPage } from './subscription.ts'

/**
 * Pages of the log for all subscriptions of a process: those that wake for the same news want the same page, which is
 * then read and decoded once. Only a read that has not been sent is shared, so nobody is shown a tail from before he asked.
 */
export class SharedPages {
  readonly #fetch: (after: Position) => Promise<DecodedPage>
  readonly #unsent = new Map<Position, Promise<DecodedPage>>()

  constructor(fetch: (after: Position) => Promise<DecodedPage>) {
    this.#fetch = fetch
  }

  /** The next events after the position; empty at the tail. Rejects as the fetch does, for all that share it. */
  after(position: Position): Promise<DecodedPage> {
    const shared = this.#unsent.get(position)
    if (shared !== undefined) return shared
    const page = this.#send(position)
    this.#unsent.set(position, page)
    return page
  }

  async #send(position: Position): Promise<DecodedPage> {
    // Whoever wakes in this turn of the event loop joins in.
    await new Promise(setImmediate)
    this.#unsent.delete(position)
    return this.#fetch(position)
  }
}
