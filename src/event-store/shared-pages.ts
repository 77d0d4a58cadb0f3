import type { Position } from './port.ts'
import type { DecodedPage, PageReader } from './subscription.ts'

interface Follower {
  readonly inStep: boolean
  /** Where the page after its last one begins. */
  next: Position | undefined
  /** Its last page was a full one: it reads the past. */
  catchingUp: boolean
  /** Somebody has waited for it in vain: it is not waited for again until it is in step by itself. */
  late: boolean
}

/** Positions: whoever is farther behind goes alone. */
const NEAR = 8_000n
/** For all waiting for one page together. Longer than a batch of any of them takes. */
const PATIENCE_MS = 300

/**
 * Pages of the log for all subscriptions of a process, each read and decoded once for those that want the same.
 *
 * At the tail those that wake for the same news share a read, and only one that has not been sent: nobody is shown a tail
 * from before he asked. In the past, where a full page is the same whenever it is read, those that go in step and are near
 * each other wait for each other: who is ahead lets who is close behind come up, and what one has read is there for the
 * others. Two read models that are built at once so cost one reading of the log.
 */
export class SharedPages {
  readonly #fetch: (after: Position) => Promise<DecodedPage>
  readonly #unsent = new Map<Position, Promise<DecodedPage>>()
  /** Full pages that somebody near is still to ask for. */
  readonly #kept = new Map<Position, DecodedPage>()
  readonly #inStep = new Set<Follower>()
  /** Those who wait for somebody to move. */
  readonly #waiting = new Set<() => void>()

  constructor(fetch: (after: Position) => Promise<DecodedPage>) {
    this.#fetch = fetch
  }

  /** For one follower. A read that fails does so for all that share it. */
  open(inStep: boolean): PageReader {
    const follower: Follower = { inStep, next: undefined, catchingUp: false, late: false }
    if (inStep) this.#inStep.add(follower)
    return {
      after: (position) => this.#after(follower, position),
      leave: () => {
        this.#inStep.delete(follower)
        this.#settle()
      },
    }
  }

  async #after(follower: Follower, position: Position): Promise<DecodedPage> {
    follower.next = position
    if (this.#kept.has(position) || this.#unsent.has(position)) follower.late = false
    this.#settle()
    if (follower.inStep && follower.catchingUp) await this.#untilNobodyIsCloseBehind(follower, position)
    const page = this.#keptAfter(position) ?? (await this.#read(position))
    follower.catchingUp = page.more
    follower.next = page.events.at(-1)?.position ?? position
    // Of who does not go in step nobody knows how far ahead of the others it will read.
    if (follower.inStep && page.more && page.failure === undefined) this.#kept.set(position, page)
    this.#settle()
    return page
  }

  /** Also what is behind the position in a page that began before it: who reads that comes into step. */
  #keptAfter(position: Position): DecodedPage | undefined {
    const exact = this.#kept.get(position)
    if (exact !== undefined) return exact
    for (const [after, page] of this.#kept) {
      if (after > position) continue
      const events = page.events.filter((event) => event.position > position)
      if (events.length > 0) return { ...page, events }
    }
    return undefined
  }

  #read(position: Position): Promise<DecodedPage> {
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

  async #untilNobodyIsCloseBehind(follower: Follower, position: Position): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (this.#inStep.has(follower)) {
      const behind = [...this.#inStep].filter((one) => one.next !== position && this.#isNear(one, position))
      if (behind.length === 0) return
      const leftMs = deadline - performance.now()
      if (leftMs > 0) await this.#somebodyMoves(leftMs)
      else for (const one of behind) one.late = true
    }
  }

  #somebodyMoves(patienceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        this.#waiting.delete(end)
        resolve()
      }
      const timer = setTimeout(end, patienceMs)
      this.#waiting.add(end)
    })
  }

  #isNear({ late, next }: Follower, position: Position): boolean {
    return !late && next !== undefined && next <= position && position - next <= NEAR
  }

  /** Forgets what nobody near is still to ask for, and lets who waits look again. */
  #settle(): void {
    for (const [position, { events }] of this.#kept) {
      const beforeItsEnd = (events.at(-1)?.position ?? position) - 1n
      if (![...this.#inStep].some((one) => this.#isNear(one, beforeItsEnd))) this.#kept.delete(position)
    }
    for (const move of this.#waiting) move()
  }
}
