/** What a wait came to. */
export type WaitOutcome = 'reached' | 'behind' | 'halted'

/** The live version of a projection as its row tells. */
export interface LiveRow {
  readonly version: number
  readonly build: number
  readonly position: bigint | null
  /** It is not halted, and somebody owns it. */
  readonly moving: boolean
}

interface Build {
  readonly version: number
  readonly build: number
}

const keyOf = ({ version, build }: Build): string => `${version}.${build}`

interface Waiter {
  readonly position: bigint
  /** The row was looked at since the wait began. */
  checked: boolean
  expired: boolean
  readonly settle: (outcome: WaitOutcome) => void
  readonly fail: (error: unknown) => void
}

/** Beside notifications: an owner that dies sends none. */
const CHECK_EVERY_MS = 500

/**
 * How far one projection is, and who waits for it to get farther. All waiters share one look at the row at a time, and
 * a position known to be reached takes none. Its user must be listening to the projectors before the first wait.
 */
export class Gauge {
  readonly #read: () => Promise<LiveRow | undefined>
  readonly #waiters = new Set<Waiter>()
  #live: string | undefined
  /** By build: which one is live may be learned later than how far it is. */
  readonly #positions = new Map<string, bigint>()
  /** Counts what made everything known uncertain; an answer to a question asked before is not believed. */
  #era = 0
  #checking = false
  #timer: NodeJS.Timeout | undefined

  constructor(read: () => Promise<LiveRow | undefined>) {
    this.#read = read
  }

  /** Throws when the row cannot be read. */
  async waitFor(position: bigint, timeoutMs: number, signal?: AbortSignal): Promise<WaitOutcome> {
    if (this.#hasReached(position)) return 'reached'
    if (signal?.aborted) return 'behind'
    return new Promise((resolve, reject) => {
      const finish = (then: () => void) => {
        clearTimeout(timeout)
        signal?.removeEventListener('abort', abort)
        this.#waiters.delete(waiter)
        if (this.#waiters.size === 0) this.#stopTimer()
        then()
      }
      const waiter: Waiter = {
        position,
        checked: false,
        expired: false,
        settle: (outcome) => finish(() => resolve(outcome)),
        fail: (error) => finish(() => reject(error)),
      }
      const abort = () => waiter.settle('behind')
      // However short the time, the row is looked at once.
      const timeout = setTimeout(() => {
        waiter.expired = true
        if (waiter.checked) waiter.settle('behind')
      }, timeoutMs)
      signal?.addEventListener('abort', abort)
      this.#waiters.add(waiter)
      this.#timer ??= setInterval(() => this.#check(), CHECK_EVERY_MS).unref()
      this.#check()
    })
  }

  /** A batch was committed. */
  advance(build: Build, position: bigint): void {
    this.#raise(keyOf(build), position)
    for (const waiter of this.#waiters) if (this.#hasReached(waiter.position)) waiter.settle('reached')
  }

  /**
   * Something else happened, or notifications were missed. After a crash of the database a projection may even stand
   * behind where it was: its transactions do not wait for the disk.
   */
  forget(): void {
    this.#era += 1
    this.#live = undefined
    this.#positions.clear()
    if (this.#waiters.size > 0) this.#check()
  }

  #hasReached(position: bigint): boolean {
    const known = this.#live === undefined ? undefined : this.#positions.get(this.#live)
    return known !== undefined && known >= position
  }

  #raise(build: string, position: bigint): void {
    const known = this.#positions.get(build)
    if (known === undefined || known < position) this.#positions.set(build, position)
  }

  #check(): void {
    if (!this.#checking) void this.#checkNow()
  }

  async #checkNow(): Promise<void> {
    this.#checking = true
    try {
      let era: number
      let row: LiveRow | undefined
      do {
        era = this.#era
        row = await this.#read()
      } while (era !== this.#era)
      this.#answer(row)
    } catch (error) {
      for (const waiter of this.#waiters) waiter.fail(error)
    } finally {
      this.#checking = false
    }
  }

  #answer(row: LiveRow | undefined): void {
    this.#live = row && keyOf(row)
    if (row && row.position !== null) this.#raise(keyOf(row), row.position)
    for (const waiter of this.#waiters) {
      waiter.checked = true
      if (this.#hasReached(waiter.position)) waiter.settle('reached')
      else if (!row?.moving) waiter.settle('halted')
      else if (waiter.expired) waiter.settle('behind')
    }
  }

  #stopTimer(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
