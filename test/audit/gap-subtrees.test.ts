/** What a bundle has between its leaves, and the fold that comes from both to the root. */
import { describe, expect, it } from 'vitest'
import { openFold } from '../../src/audit/fold.ts'
import { EMPTY_ROOT, leafHash } from '../../src/audit/merkle.ts'
import { gapSubtrees, type Range, subtreeRoots } from '../../src/audit/proofs.ts'
import { NaiveTree } from './naive-tree.ts'
import { StoredTree } from './stored-tree.ts'

const SIZE = 1_000
const leaves = Array.from({ length: SIZE }, (_, n) => leafHash(`leaf ${n}`))
const tree = new StoredTree()
tree.append(leaves)
const naive = new NaiveTree(leaves)

const gapsBetween = (indexes: readonly number[]): readonly Range[] =>
  [...indexes, SIZE].map((to, n) => ({ from: (indexes[n - 1] ?? -1) + 1, to })).filter(({ from, to }) => from < to)

const subtreesOf = (gaps: Iterable<Range>, cuts: readonly number[]): readonly Range[] => {
  const subtreesIn = gapSubtrees(cuts)
  return [...gaps].flatMap((gap) => [...subtreesIn(gap)])
}

/** Counts how often one of its numbers is looked at. */
const counted = (numbers: readonly number[]): { readonly list: readonly number[]; readonly reads: () => number } => {
  let reads = 0
  const list = new Proxy(numbers, {
    get(target, name, receiver) {
      if (typeof name === 'string' && /^\d+$/.test(name)) reads += 1
      return Reflect.get(target, name, receiver)
    },
  })
  return { list, reads: () => reads }
}

describe('the leaves of a bundle and the subtrees between them', () => {
  it.each<[string, readonly number[], readonly number[]]>([
    ['no leaf', [], []],
    ['no leaf, and an older tree', [], [300]],
    ['one', [417], [1, 64, 417, 418, 600]],
    ['every other', Array.from({ length: SIZE / 2 }, (_, n) => 2 * n), [1, 2, 3, 500, 999]],
    ['a few', [0, 1, 2, 255, 256, 511, 640, 999], [2, 3, 250, 256, 700, 701]],
  ])('make the root of the tree and of the older ones: %s', async (_, indexes, cuts) => {
    const subtrees = subtreesOf(gapsBetween(indexes), cuts)
    const roots = await subtreeRoots(tree.read, subtrees)
    const parts = [
      ...subtrees.map((range, n) => ({ range, hash: roots[n] ?? EMPTY_ROOT })),
      ...indexes.map((index) => ({ range: { from: index, to: index + 1 }, hash: leaves[index] ?? EMPTY_ROOT })),
    ].sort((a, b) => a.range.from - b.range.from)
    const fold = openFold()
    for (const { range, hash } of parts) {
      fold.add(range, hash)
      if (cuts.includes(range.to)) expect(fold.root()).toStrictEqual(naive.root(range.to))
    }
    expect(cuts.filter((cut) => !parts.some(({ range }) => range.to === cut))).toStrictEqual([])
    expect(fold.root()).toStrictEqual(naive.root(SIZE))
  })

  it('are nothing for nothing', () => {
    expect(openFold().root()).toStrictEqual(EMPTY_ROOT)
  })
})

describe('however many gaps there are', () => {
  it('each size to cut at is looked at once, and once for each gap', () => {
    const many = 20_000
    const cuts = counted(Array.from({ length: 1_000 }, (_, n) => 7 * n + 3))
    const gaps = Array.from({ length: many }, (_, n) => ({ from: 2 * n, to: 2 * n + 1 }))
    expect(subtreesOf(gaps, cuts.list)).toHaveLength(many)
    expect(cuts.reads()).toBeLessThanOrEqual(many + 1_000)
  })
})
