import { StoreUnavailable } from './port.ts'
import type { EncodedAppend } from './validate.ts'

export interface GroupCommitOptions {
  readonly maxAppends: number
  readonly maxEvents: number
  readonly maxBytes: number
  /** An append that could not even be sent for so long is given up. Milliseconds. */
  readonly maxWaitMs: number
}

/** Writes a batch, and answers per append in its order. */
export type CommitBatch<Outcome> = (batch: readonly EncodedAppend[]) => Promise<readonly Outcome[]>

interface Waiting<Outcome> {
  readonly append: EncodedAppend
  readonly since: number
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (error: unknown) => void
}

/**
 * Coalesces the appends of concurrent callers: while one batch is being written, the next gathers, so that sixty
 * callers share one round trip and one flush to disk. Appends to one stream stay in their order, one in each batch.
 * One batch at a time: a second one under way was measured to gain nothing, it only waits for the lock of the first.
 */
export class GroupCommit<Outcome> {
  readonly #commit: CommitBatch<Outcome>
  readonly #options: GroupCommitOptions
  #waiting: Waiting<Outcome>[] = []
  #writing: Promise<void> | undefined

  constructor(commit: CommitBatch<Outcome>, options: GroupCommitOptions) {
    this.#commit = commit
    this.#options = options
  }

  append(append: EncodedAppend): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ append, since: performance.now(), resolve, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drain(): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Callers that are about to append in this turn of the event loop join in: those answered just now, above all.
      await new Promise(setImmediate)
      const batch = this.#takeBatch()
      if (batch.length > 0) await this.#settle(batch)
    }
    this.#writing = undefined
  }

  #takeBatch(): readonly Waiting<Outcome>[] {
    const { maxAppends, maxEvents, maxBytes, maxWaitMs } = this.#options
    const tooOld = performance.now() - maxWaitMs
    const batch: Waiting<Outcome>[] = []
    const left: Waiting<Outcome>[] = []
    const taken = new Set<string>()
    let events = 0
    let bytes = 0
    let full = false
    for (const waiting of this.#waiting) {
      const { stream } = waiting.append
      if (waiting.since < tooOld) {
        waiting.reject(new StoreUnavailable('notCommitted', new Error('the append waited too long for its turn')))
        continue
      }
      full ||=
        batch.length > 0 &&
        (batch.length >= maxAppends ||
          events + waiting.append.events.length > maxEvents ||
          bytes + waiting.append.bytes > maxBytes)
      if (full || taken.has(stream)) {
        left.push(waiting)
        continue
      }
      taken.add(stream)
      batch.push(waiting)
      events += waiting.append.events.length
      bytes += waiting.append.bytes
    }
    this.#waiting = left
    return batch
  }

  async #settle(batch: readonly Waiting<Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.#commit(batch.map(({ append }) => append))
      for (const [i, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[i]
        if (outcome === undefined) reject(new Error('the store answered for fewer appends than were sent'))
        else resolve(outcome)
      }
    } catch (error) {
      await this.#fail(batch, error)
    }
  }

  /** One append that the database refuses must not take its neighbours down: each is tried again on its own. */
  async #fail(batch: readonly Waiting<Outcome>[], error: unknown): Promise<void> {
    if (batch.length === 1 || error instanceof StoreUnavailable) {
      for (const { reject } of batch) reject(error)
      return
    }
    for (const waiting of batch) await this.#settle([waiting])
  }
}
