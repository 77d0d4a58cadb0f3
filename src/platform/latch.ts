/**
 * Remembers that something happened until somebody waits for it. Whoever clears it, looks, and then waits misses
 * nothing: what happens between the look and the wait is remembered.
 */
export class Latch {
  #set = false
  #release: (() => void) | undefined

  readonly set = (): void => {
    this.#set = true
    this.#release?.()
  }

  clear(): void {
    this.#set = false
  }

  /** Resolves once set, after `ms` milliseconds, or at the abort. One waiter at a time. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#set || signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#release = undefined
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done)
      this.#release = done
    })
  }
}
