import type { Readable } from 'node:stream'
import { Latch } from '../platform/latch.ts'
import { Silence } from './eventstoredb-failure.ts'

/**
 * The client's stream, taken item by item. Its flags (`caughtUp`) are raised when they pass the client, before the items
 * ahead of them were taken: whoever wants them in band takes until there is nothing, then looks at the flag.
 */
export class Feed<Item> {
  readonly #stream: Readable
  readonly #cancel: () => Promise<void>
  readonly #news = new Latch()
  #heard = 0
  #live = false
  #ended = false
  #failure: unknown

  /** `cancel` ends the call to the server. */
  constructor(stream: Readable, cancel: () => Promise<void>) {
    this.#stream = stream
    this.#cancel = cancel
    const noted = (note: () => void) => () => {
      note()
      this.#heard += 1
      this.#news.set()
    }
    stream.on(
      'readable',
      noted(() => {}),
    )
    stream.on(
      'confirmation',
      noted(() => {}),
    )
    stream.on(
      'caughtUp',
      noted(() => (this.#live = true)),
    )
    stream.on(
      'fellBehind',
      noted(() => (this.#live = false)),
    )
    stream.on(
      'end',
      noted(() => (this.#ended = true)),
    )
    stream.on(
      'close',
      noted(() => (this.#ended = true)),
    )
    // Stays for good: an error that comes after the end would otherwise end the process.
    stream.on('error', (error) => noted(() => (this.#failure ??= error))())
  }

  /** The next item that is here. */
  take(): Item | undefined {
    this.#news.clear()
    return (this.#stream.read() as Item | null) ?? undefined
  }

  /** The server says that from now on it sends what is appended. */
  get live(): boolean {
    return this.#live
  }

  get ended(): boolean {
    return this.#ended
  }

  get failure(): unknown {
    return this.#failure
  }

  /** Waits for anything at all, or the abort. False where nothing came within `ms`. */
  async hears(ms: number, signal: AbortSignal): Promise<boolean> {
    const before = this.#heard
    await this.#news.wait(ms, signal)
    return this.#heard !== before || signal.aborted
  }

  /** Nothing came for two turns of the event loop: what had arrived in this process has been taken. */
  async isQuiet(): Promise<boolean> {
    const before = this.#heard
    for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate)
    return this.#heard === before
  }

  /**
   * Not waited for: the client cancels only once the call has begun, which may take as long as a dead server. What still
   * comes is let run through: destroyed, the stream would leave the call behind it undrained, and the client would hold
   * it (and what it had received) for good, and wait for it in vain when it is disposed.
   */
  close(): void {
    this.#cancel().catch(() => {})
    this.#stream.removeAllListeners('readable')
    this.#stream.on('data', () => {})
    this.#stream.resume()
  }
}

/** Every item to the end. Throws the stream's failure, and Silence where the next one takes longer than `silenceMs`. */
export async function* itemsOf<Item>(feed: Feed<Item>, silenceMs: number, signal: AbortSignal): AsyncGenerator<Item> {
  try {
    for (;;) {
      const item = feed.take()
      if (item !== undefined) yield item
      else if (feed.failure !== undefined) throw feed.failure
      else if (feed.ended) return
      else if (!(await feed.hears(silenceMs, signal))) throw new Silence(silenceMs)
      else if (signal.aborted) throw new Error('the store is closed')
    }
  } finally {
    feed.close()
  }
}
