import type { LogPage } from './subscription.ts'

export interface WantedTail {
  readonly stream: string
  /** First revision wanted. */
  readonly from: bigint
}

interface Waiting extends WantedTail {
  readonly resolve: (page: LogPage) => void
  readonly reject: (error: unknown) => void
}

/** Two, so that the database works on one while this process reads the answer to the other. */
const PARALLEL = 2
const MOST_AT_ONCE = 64

/**
 * Coalesces the reads of concurrent callers: what gathers while others are under way is asked for in one round trip,
 * each stream once. A read is only ever sent after it was asked for, so whoever gets its answer sees everything that
 * was acknowledged before he asked.
 */
export class TailReads {
  readonly #fetch: (wanted: readonly WantedTail[]) => Promise<readonly LogPage[]>
  #waiting: Waiting[] = []
  #underWay = 0

  /** `fetch` answers in the order in which it was asked. */
  constructor(fetch: (wanted: readonly WantedTail[]) => Promise<readonly LogPage[]>) {
    this.#fetch = fetch
  }

  read(stream: string, from: bigint): Promise<LogPage> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ stream, from, resolve, reject })
      if (this.#underWay < PARALLEL) void this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#underWay += 1
    while (this.#waiting.length > 0) {
      // Requests that arrive in this turn of the event loop join in.
      await new Promise(setImmediate)
      const batch = this.#waiting.splice(0, MOST_AT_ONCE)
      if (batch.length > 0) await this.#settle(batch)
    }
    this.#underWay -= 1
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    try {
      const pages = await this.#fetch(batch)
      for (const [i, { resolve, reject }] of batch.entries()) {
        const page = pages[i]
        if (page === undefined) reject(new Error('the store answered for fewer streams than were asked for'))
        else resolve(page)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
