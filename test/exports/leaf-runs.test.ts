import { describe, expect, it } from 'vitest'
import { LeafRuns } from '../../src/exports/leaf-runs.ts'

const runsOf = (indexes: Iterable<number>): LeafRuns => {
  const runs = new LeafRuns()
  for (const index of indexes) runs.add(index)
  return runs
}

/** One leaf after the other. */
const gapsBetween = (indexes: readonly number[], size: number) => {
  const gaps: { from: number; to: number }[] = []
  let at = 0
  for (const index of [...indexes, size]) {
    if (index > at) gaps.push({ from: at, to: index })
    at = index + 1
  }
  return gaps
}

describe('between the leaves of a bundle lie', () => {
  it.each<[string, readonly number[], number]>([
    ['nothing and no log', [], 0],
    ['the whole log', [], 9],
    ['nothing', [0, 1, 2], 3],
    ['a head', [2, 3], 4],
    ['a tail', [0, 1], 4],
    ['a middle', [0, 1, 300, 301], 302],
    ['all of it', [5, 7, 8, 20_000, 3_000_000], 3_000_001],
    ['more than 32 bits tell', [2 ** 40, 2 ** 40 + 1, 2 ** 41 + 5], 2 ** 42],
  ])('%s', (_, indexes, size) => {
    const runs = runsOf(indexes)
    expect([...runs.gaps(size)]).toStrictEqual(gapsBetween(indexes, size))
    expect([...runs.gaps(size)]).toStrictEqual(gapsBetween(indexes, size))
    expect([runs.first, runs.end]).toStrictEqual([indexes[0] ?? null, (indexes.at(-1) ?? -1) + 1])
  })

  it('the gaps of any selection', () => {
    // Runs and gaps from one to some thousands long: a generator with a fixed beginning, so that a failure can be repeated.
    let state = 7
    const upTo = (most: number): number => {
      state = (state * 48_271) % 2_147_483_647
      return 1 + (state % most)
    }
    const indexes: number[] = []
    for (let at = upTo(5); indexes.length < 50_000; at += upTo(3_000)) {
      for (let left = upTo(300); left > 0; left--) indexes.push(at++)
    }
    const size = (indexes.at(-1) ?? 0) + 3
    expect([...runsOf(indexes).gaps(size)]).toStrictEqual(gapsBetween(indexes, size))
  })
})

it('every other leaf of a million takes some megabytes at most', () => {
  const held = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = held()
  const runs = new LeafRuns()
  for (let index = 0; index < 1_000_000; index += 2) runs.add(index)
  // One of it is the runs; an object for each would take more than twenty.
  expect(held() - before).toBeLessThan(8 * 2 ** 20)
  let gaps = 0
  for (const { from, to } of runs.gaps(1_000_000)) {
    if (to - from !== 1 || from % 2 !== 1) throw new Error(`no gap: ${from} to ${to}`)
    gaps += 1
  }
  expect(gaps).toBe(500_000)
})
