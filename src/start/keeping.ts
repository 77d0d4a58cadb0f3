/** What is started is stopped in the reverse order, also when a later part cannot start. */
export interface Keeping {
  keep<T>(part: T, end: (part: T) => Promise<unknown>): T
  /** Ends what was kept. Safe to repeat. */
  stop(): Promise<void>
}

export const openKeeping = (): Keeping => {
  const stops: (() => Promise<unknown>)[] = []
  return {
    keep(part, end) {
      stops.push(() => end(part))
      return part
    },
    async stop() {
      for (const step of stops.splice(0).reverse()) await step()
    },
  }
}
