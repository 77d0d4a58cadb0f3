/** One of those that are compared. `measure` does one repeat and returns how many per second. */
export interface Contender {
  readonly name: string
  readonly measure: () => Promise<number>
}

export interface Result {
  readonly name: string
  /** Per second. */
  readonly median: number
  readonly lowest: number
  readonly highest: number
}

/**
 * Repeats all in turn (a, b, c, a, b, c, ...), so that what disturbs the machine for a while disturbs all of them. A
 * first round that does not count warms up connections, plans and the compiler.
 */
export async function inTurns(contenders: readonly Contender[], repeats: number): Promise<readonly Result[]> {
  for (const { measure } of contenders) await measure()
  const measured = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
  for (let round = 0; round < repeats; round++) {
    for (const { name, measure } of contenders) measured.get(name)?.push(await measure())
  }
  return [...measured].map(([name, values]) => ({
    name,
    median: quantile(values, 0.5),
    lowest: Math.min(...values),
    highest: Math.max(...values),
  }))
}

/** The value below which this share of the values lies, interpolated. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]]
  if (below === undefined || above === undefined) throw new Error('nothing was measured')
  return below + (above - below) * (place - Math.floor(place))
}

/** Calls `work` from `callers` loops at once for so long; how often per second it came to its end. */
export async function throughput(
  callers: number,
  durationMs: number,
  work: (caller: number) => Promise<void>,
): Promise<number> {
  const began = performance.now()
  const counts = await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      let count = 0
      while (performance.now() - began < durationMs) {
        await work(caller)
        count++
      }
      return count
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - began) / 1_000)
}
