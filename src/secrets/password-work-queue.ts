/** Too many wait already. The caller may try again after `retryAfterSeconds`. */
export class Overloaded extends Error {
  override readonly name = 'Overloaded'
  readonly code = 'overloaded'
  readonly retryAfterSeconds: number
  constructor(retryAfterSeconds: number) {
    super('too many passwords wait to be hashed')
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export interface WorkQueue {
  /** Runs the work when its turn comes, first come first served. Rejects with `Overloaded`, or as the work does. */
  run<T>(work: () => Promise<T>): Promise<T>
  readonly waiting: number
  readonly active: number
}

const MAX_RETRY_AFTER_SECONDS = 60

/** How much the newest duration weighs in the average that `Overloaded` estimates by. */
const NEWEST_WEIGHT = 0.2

export const openWorkQueue = (options: { readonly concurrency: number; readonly queueLimit: number }): WorkQueue => {
  const { concurrency, queueLimit } = options
  const line: (() => void)[] = []
  let active = 0
  let averageSeconds = 0

  const retryAfter = (): number => {
    const seconds = Math.ceil((averageSeconds * (line.length + 1)) / concurrency)
    return Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_SECONDS)
  }

  const turn = async (): Promise<void> => {
    if (active < concurrency) {
      active += 1
      return
    }
    if (line.length >= queueLimit) throw new Overloaded(retryAfter())
    // Who leaves hands the place over without freeing it, so nobody who comes just then can take it from the one in line.
    await new Promise<void>((resolve) => line.push(resolve))
  }

  const leave = (): void => {
    const next = line.shift()
    if (next === undefined) active -= 1
    else next()
  }

  return {
    run: async (work) => {
      await turn()
      const started = performance.now()
      try {
        return await work()
      } finally {
        const seconds = (performance.now() - started) / 1_000
        averageSeconds = averageSeconds === 0 ? seconds : averageSeconds + NEWEST_WEIGHT * (seconds - averageSeconds)
        leave()
      }
    },
    get waiting() {
      return line.length
    },
    get active() {
      return active
    },
  }
}
