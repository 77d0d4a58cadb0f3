/** The tree that a bundle is of, as far as the bundle has it: leaves of its rows, and the subtrees that lie between them. */
import { createHash } from 'node:crypto'
import type { Checkpoint } from '../audit/checkpoint.ts'
import { openFold } from '../audit/fold.ts'
import { LogContradicted, type PlacedLeaf, type Queryable, runsIn } from '../audit/log-store.ts'
import type { Hash } from '../audit/merkle.ts'
import { gapSubtrees, HashesMissing, type Range, subtreeRoots } from '../audit/proofs.ts'
import { LeafRuns } from './leaf-runs.ts'

export interface EvidenceTree {
  readonly runs: Pick<LeafRuns, 'first' | 'end'>
  /** Leaves of rows, in growing order. Throws LogContradicted where they are not. */
  add(leaves: readonly PlacedLeaf[]): Promise<void>
  /** After the last leaf. Throws LogContradicted where rows and subtrees are not the tree that was signed. */
  close(): Promise<void>
  /** Roots of the subtrees between the leaves, in their order; read once more, since they may be half as many as rows. */
  roots(): AsyncGenerator<readonly Hash[]>
}

/** `cuts`: sizes of older trees, in growing order, whose roots have to come out as well. */
export const openEvidenceTree = (
  database: Queryable,
  { size, root }: Pick<Checkpoint, 'size' | 'root'>,
  cuts: readonly number[],
): EvidenceTree => {
  const runs = new LeafRuns()
  const fold = openFold()
  const subtreesBefore = gapSubtrees(cuts)
  const firstReading = createHash('sha256')

  /** The subtrees of the parts have no hash yet: one read for many of them. */
  const foldIn = async (parts: readonly Part[]): Promise<void> => {
    const hashes: Hash[] = []
    for await (const some of rootsOf(database, subtreesIn(parts))) hashes.push(...some)
    let next = 0
    for (const { range, leaf } of parts) {
      const hash = leaf ?? hashes[next++]
      if (hash === undefined) throw new Error('each subtree has a root')
      if (leaf === null) firstReading.update(hash)
      fold.add(range, hash)
    }
  }

  return {
    runs,
    async add(leaves) {
      const parts: Part[] = []
      for (const { index, hash } of leaves) {
        if (index < runs.end)
          throw new LogContradicted(`leaf ${index} of the log stands in the store behind a later one`)
        for (const range of subtreesBefore({ from: runs.end, to: index })) parts.push({ range, leaf: null })
        parts.push({ range: { from: index, to: index + 1 }, leaf: hash })
        runs.add(index)
      }
      await foldIn(parts)
    },
    async close() {
      await foldIn([...subtreesBefore({ from: runs.end, to: size })].map((range) => ({ range, leaf: null })))
      if (!fold.root().equals(root)) {
        throw new LogContradicted(`the stored hashes are not those of the checkpoint of ${size} leaves`)
      }
    },
    async *roots() {
      const secondReading = createHash('sha256')
      for await (const hashes of rootsOf(database, subtreesBetween(runs, size, cuts))) {
        for (const hash of hashes) secondReading.update(hash)
        yield hashes
      }
      if (!secondReading.digest().equals(firstReading.copy().digest())) {
        throw new LogContradicted('the stored hashes were changed while they were exported')
      }
    },
  }
}

interface Part {
  readonly range: Range
  /** Null: a subtree between rows. */
  readonly leaf: Hash | null
}

function* subtreesIn(parts: readonly Part[]): Generator<Range> {
  for (const { range, leaf } of parts) if (leaf === null) yield range
}

function* subtreesBetween(runs: LeafRuns, size: number, cuts: readonly number[]): Generator<Range> {
  const subtreesOf = gapSubtrees(cuts)
  for (const gap of runs.gaps(size)) yield* subtreesOf(gap)
}

const BATCH = 500

/** Never more than a batch of them is held. */
async function* rootsOf(database: Queryable, subtrees: Iterable<Range>): AsyncGenerator<readonly Hash[]> {
  let batch: Range[] = []
  for (const subtree of subtrees) {
    batch.push(subtree)
    if (batch.length < BATCH) continue
    yield await readRoots(database, batch)
    batch = []
  }
  if (batch.length > 0) yield await readRoots(database, batch)
}

const readRoots = async (database: Queryable, subtrees: readonly Range[]): Promise<readonly Hash[]> => {
  try {
    return await subtreeRoots(runsIn(database), subtrees)
  } catch (error) {
    if (error instanceof HashesMissing) throw new LogContradicted(error.message)
    throw error
  }
}
