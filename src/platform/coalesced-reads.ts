interface Waiting<Key, Value> {
  readonly key: Key
  readonly resolve: (value: Value) => void
  readonly reject: (error: unknown) => void
}

/** Two, so that the database works on one while this process reads the answer to the other. */
const PARALLEL = 2
const MOST_AT_ONCE = 64

/**
 * Coalesces the reads of concurrent callers: what gathers while others are under way is asked for in one round trip.
 * A read is only ever sent after it was asked for, so whoever gets its answer sees everything that was acknowledged
 * before he asked. What fails fails for all that were asked for together.
 */
export class CoalescedReads<Key, Value> {
  readonly #fetch: (keys: readonly Key[]) => Promise<readonly Value[]>
  #waiting: Waiting<Key, Value>[] = []
  #underWay = 0

  /** `fetch` answers for each key, in the order in which it was asked. */
  constructor(fetch: (keys: readonly Key[]) => Promise<readonly Value[]>) {
    this.#fetch = fetch
  }

  read(key: Key): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, resolve, reject })
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

  async #settle(batch: readonly Waiting<Key, Value>[]): Promise<void> {
    try {
      const values = await this.#fetch(batch.map(({ key }) => key))
      if (values.length !== batch.length) throw new Error('fewer answers came than were asked for')
      for (const [i, value] of values.entries()) batch[i]?.resolve(value)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
