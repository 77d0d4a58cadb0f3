/**
 * Proofs over a stored tree, of which only some levels are kept: the leaves, and the root of every complete subtree of
 * 2^4, 2^8, 2^12, ... leaves. Whatever lies between is hashed again. So a proof in a tree of a million leaves needs some
 * 150 hashes, all read by one statement; there is one more row for 15 leaves; and no row is ever changed. (Roots at every
 * eighth level, as in the tiles of C2SP tlog-tiles, would save a row for 16 leaves and read ten times as much.)
 */
import { EMPTY_ROOT, type Hash, nodeHash } from './merkle.ts'

/** Every how many levels roots are stored. */
export const HEIGHT = 4

export const isStored = (level: number): boolean => level % HEIGHT === 0

/** Hashes of one stored level that follow each other: `from` inclusive, `to` exclusive. */
export interface Run {
  readonly level: number
  readonly from: number
  readonly to: number
}

/** Reads runs, each whole and in its order; in the order they were asked for. */
export type ReadRuns = (runs: readonly Run[]) => Promise<readonly (readonly Hash[])[]>

/** Part of the stored tree is gone. Nothing of ours deletes it. */
export class HashesMissing extends Error {
  override readonly name = 'HashesMissing'
  constructor(level: number, from: number, to: number) {
    super(`hashes of the log are missing at level ${level}, between index ${from} and ${to - 1}`)
  }
}

/** Leaves from `from` to `to`, the latter exclusive. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** PATH(index, D[size]) of RFC 9162, section 2.1.3.1. Throws RangeError where there is no such leaf. */
export const inclusionProof = (read: ReadRuns, index: number, size: number): Promise<readonly Hash[]> => {
  if (!(index >= 0 && index < size)) throw new RangeError(`there is no leaf ${index} in a tree of ${size}`)
  return hashesOf(read, pathTo(index, { from: 0, to: size }))
}

/** PROOF(first, D[second]) of RFC 9162, section 2.1.4.1; empty for 0. Throws RangeError where the first is larger. */
export const consistencyProof = (read: ReadRuns, first: number, second: number): Promise<readonly Hash[]> => {
  if (!(first >= 0 && first <= second)) throw new RangeError(`a tree of ${first} is no beginning of one of ${second}`)
  return hashesOf(read, first === 0 ? [] : pathBetween(first, { from: 0, to: second }, true))
}

/**
 * The complete subtrees that lie between the leaves of a bundle, from left to right: with their roots whoever has those
 * leaves comes to the root of the whole tree. Each gap is taken as the largest subtrees that fit, and is cut at the sizes
 * in `cuts`, so that the roots of those older trees come out too.
 *
 * Gaps and cuts are in growing order, and each gap is to be taken whole before the next one: of the cuts none is looked at
 * twice, however many gaps there are.
 */
export const gapSubtrees = (cuts: readonly number[]): ((gap: Range) => Iterable<Range>) => {
  let next = 0
  return function* ({ from, to }) {
    let at = from
    for (let cut = cuts[next]; cut !== undefined && cut < to; next += 1, cut = cuts[next]) {
      if (cut <= at) continue
      yield* subtreesIn(at, cut)
      at = cut
    }
    yield* subtreesIn(at, to)
  }
}

export const subtreeRoots = (read: ReadRuns, subtrees: readonly Range[]): Promise<readonly Hash[]> =>
  hashesOf(read, subtrees)

function* subtreesIn(from: number, to: number): Generator<Range> {
  for (let at = from; at < to; ) {
    let size = 1
    while (at % (2 * size) === 0 && at + 2 * size <= to) size *= 2
    yield { from: at, to: at + size }
    at += size
  }
}

/** MTH(D[size]), from what is stored. */
export const storedRoot = async (read: ReadRuns, size: number): Promise<Hash> => {
  if (size === 0) return EMPTY_ROOT
  const [root] = await hashesOf(read, [{ from: 0, to: size }])
  if (root === undefined) throw new Error('a range has one hash')
  return root
}

const pathTo = (index: number, { from, to }: Range): readonly Range[] => {
  if (to - from === 1) return []
  const middle = from + largestPowerBelow(to - from)
  return index < middle
    ? [...pathTo(index, { from, to: middle }), { from: middle, to }]
    : [...pathTo(index, { from: middle, to }), { from, to: middle }]
}

/** SUBPROOF. `known`: the verifier has the root of the whole range, since the first tree ends with it. */
const pathBetween = (first: number, { from, to }: Range, known: boolean): readonly Range[] => {
  if (first === to) return known ? [] : [{ from, to }]
  const middle = from + largestPowerBelow(to - from)
  return first <= middle
    ? [...pathBetween(first, { from, to: middle }, known), { from: middle, to }]
    : [...pathBetween(first, { from: middle, to }, false), { from, to: middle }]
}

const largestPowerBelow = (n: number): number => {
  let power = 1
  while (power * 2 < n) power *= 2
  return power
}

/** The roots of the ranges, with one read for all of them. */
const hashesOf = async (read: ReadRuns, ranges: readonly Range[]): Promise<readonly Hash[]> => {
  const runsOfEach = ranges.map(runsOf)
  const found = await read(runsOfEach.flat())
  let next = 0
  return runsOfEach.map((runs) => {
    const parts = runs.map(({ level, from, to }) => {
      const hashes = found[next++] ?? []
      if (hashes.length !== to - from) throw new HashesMissing(level, from, to)
      return fold(hashes)
    })
    return parts.reduceRight((right, left) => nodeHash(left, right))
  })
}

/** The complete subtrees that the range consists of, the largest first, each as the run of stored hashes below it. */
const runsOf = ({ from, to }: Range): readonly Run[] => {
  const runs: Run[] = []
  for (let at = from; at < to; ) {
    let level = 0
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= to) level += 1
    const stored = level - (level % HEIGHT)
    const start = at / 2 ** stored
    runs.push({ level: stored, from: start, to: start + 2 ** (level - stored) })
    at += 2 ** level
  }
  return runs
}

/** The root above hashes whose number is a power of two. */
const fold = (hashes: readonly Hash[]): Hash => {
  let row = hashes
  while (row.length > 1) {
    const above: Hash[] = []
    for (let i = 0; i + 1 < row.length; i += 2) above.push(nodeHash(row[i] ?? EMPTY_ROOT, row[i + 1] ?? EMPTY_ROOT))
    row = above
  }
  const [root] = row
  if (root === undefined) throw new Error('a run has at least one hash')
  return root
}
