import type { Position } from './port.ts'
import type { DecodedPage, PageReader } from './subscription.ts'

interface Follower {
  /** Where the page after its last one begins. */
  next: Position | undefined
  /** Its last page was a full one: it reads the past. */
  catchingUp: boolean
  /** Somebody has waited for it in vain; until it asks again nobody does. */
  late: boolean
}

/** Positions: whoever is farther behind goes alone. */
const NEAR = 8_000n
const PATIENCE_MS = 1_000

/**
 * Pages of the log for all subscriptions of a process, each read and decoded once for those that want the same.
 *
 * At the tail those that wake for the same news share a read, and only one that has not been sent: nobody is shown a tail
 * from before he asked. In the past, where a full page is the same whenever it is read, those that are near each other
 * keep step: who is ahead waits a moment for who is close behind, and what one has read is there for the others. Two
 * read models that are built at once so cost one reading of the log.
 */
export class SharedPages {
  readonly #fetch: (after: Position) => Promise<DecodedPage>
  readonly #unsent = new Map<Position, Promise<DecodedPage>>()
  /** Full pages that somebody near is still to ask for. */
  readonly #kept = new Map<Position, DecodedPage>()
  readonly #followers = new Set<Follower>()
  /** Those who wait for somebody to move. */
  readonly #waiting = new Set<() => void>()

  constructor(fetch: (after: Position) => Promise<DecodedPage>) {
    this.#fetch = fetch
  }

  /** For one follower. A read that fails does so for all that share it. */
  open(): PageReader {
    const follower: Follower = { next: undefined, catchingUp: false, late: false }
    this.#followers.add(follower)
    return {
      after: (position) => this.#after(follower, position),
      leave: () => {
        this.#followers.delete(follower)
        this.#settle()
      },
    }
  }

  async #after(follower: Follower, position: Position): Promise<DecodedPage> {
    follower.next = position
    follower.late = false
    this.#settle()
    if (follower.catchingUp) await this.#untilNobodyIsCloseBehind(follower, position)
    const page = this.#kept.get(position) ?? (await this.#read(position))
    follower.catchingUp = page.more
    follower.next = page.events.at(-1)?.position ?? position
    if (page.more) this.#kept.set(position, page)
    this.#settle()
    return page
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
    const isNear = (one: Follower) => one !== follower && !one.late && isWithin(NEAR, one.next, position)
    for (;;) {
      const behind = [...this.#followers].filter((one) => isNear(one) && one.next !== position)
      if (behind.length === 0) return
      if (await this.#somebodyMoves()) continue
      for (const one of behind) one.late = true
    }
  }

  /** False: for as long as patience lasts nobody has. */
  #somebodyMoves(): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (moved: boolean) => {
        clearTimeout(timer)
        this.#waiting.delete(move)
        resolve(moved)
      }
      const move = () => end(true)
      const timer = setTimeout(() => end(false), PATIENCE_MS)
      this.#waiting.add(move)
    })
  }

  /** Forgets what nobody near is still to ask for, and lets who waits look again. */
  #settle(): void {
    for (const position of this.#kept.keys()) {
      const isWanted = [...this.#followers].some(({ next, late }) => !late && isWithin(NEAR, next, position))
      if (!isWanted) this.#kept.delete(position)
    }
    for (const move of this.#waiting) move()
  }
}

const isWithin = (distance: bigint, from: Position | undefined, to: Position): boolean =>
  from !== undefined && from <= to && to - from <= distance
