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
  /**
   * Runs the work when its turn comes. Clients take turns, whatever each has brought; the works of one are run in the
   * order they came. Where all places to wait are taken, the newest of the client with most of them gives its own up to
   * a client with fewer: one that floods takes from itself. Rejects with `Overloaded`, also while waiting; or as the work
   * does.
   */
  run<T>(client: string, work: () => Promise<T>): Promise<T>
  readonly waiting: number
  readonly active: number
}

interface Waiter {
  begin(): void
  refuse(error: Overloaded): void
}

const MAX_RETRY_AFTER_SECONDS = 60

/** How much the newest duration weighs in the average that `Overloaded` estimates by. */
const NEWEST_WEIGHT = 0.2

export const openWorkQueue = (options: { readonly concurrency: number; readonly queueLimit: number }): WorkQueue => {
  const { concurrency, queueLimit } = options
  /** Of each client that waits, never empty; the client whose turn is next comes first. */
  const lines = new Map<string, Waiter[]>()
  let waiting = 0
  let active = 0
  let averageSeconds = 0

  const overloaded = (): Overloaded => {
    const seconds = Math.ceil((averageSeconds * (waiting + 1)) / concurrency)
    return new Overloaded(Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_SECONDS))
  }

  const turn = async (client: string): Promise<void> => {
    if (active < concurrency) {
      active += 1
      return
    }
    const line = lines.get(client) ?? []
    if (waiting >= queueLimit) makeRoomFor(line)
    // Who leaves hands the place over without freeing it, so nobody who comes just then can take it from the one in line.
    await new Promise<void>((begin, refuse) => {
      line.push({ begin, refuse })
      lines.set(client, line)
      waiting += 1
    })
  }

  const makeRoomFor = (line: readonly Waiter[]): void => {
    const longest = [...lines.values()].reduce<Waiter[]>((most, each) => (each.length > most.length ? each : most), [])
    // At the same length it would only be one instead of another.
    if (longest.length <= line.length + 1) throw overloaded()
    longest.pop()?.refuse(overloaded())
    waiting -= 1
  }

  const leave = (): void => {
    const [next] = lines
    if (next === undefined) {
      active -= 1
      return
    }
    const [client, line] = next
    const first = line.shift()
    // Behind all others, until its turn comes again.
    lines.delete(client)
    if (line.length > 0) lines.set(client, line)
    waiting -= 1
    first?.begin()
  }

  return {
    run: async (client, work) => {
      await turn(client)
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
      return waiting
    },
    get active() {
      return active
    },
  }
}
