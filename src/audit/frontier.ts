/**
 * The right edge of a growing tree: the roots of the complete subtrees that its leaves fall into, the largest first,
 * one for each bit of the size. It is all that is needed to append and to know the root, in 32 bytes per bit.
 */
import { EMPTY_ROOT, type Hash, nodeHash } from './merkle.ts'

export interface Frontier {
  readonly size: number
  readonly roots: readonly Hash[]
}

/** Root of the complete subtree of 2^level leaves that begins with leaf `index` * 2^level. */
export interface Subtree {
  readonly level: number
  readonly index: number
  readonly hash: Hash
}

export const EMPTY_FRONTIER: Frontier = { size: 0, roots: [] }

/** The tree with these leaves behind its last one, and every subtree, the leaves aside, that they made complete. */
export const grow = (
  frontier: Frontier,
  leaves: readonly Hash[],
): { readonly frontier: Frontier; readonly completed: readonly Subtree[] } => {
  const roots = [...frontier.roots]
  const completed: Subtree[] = []
  let { size } = frontier
  for (const leaf of leaves) {
    let hash = leaf
    // As in binary addition: each bit that is set carries.
    let index = size
    for (let level = 1; index % 2 === 1; level++) {
      hash = nodeHash(roots.pop() ?? EMPTY_ROOT, hash)
      index = (index - 1) / 2
      completed.push({ level, index, hash })
    }
    roots.push(hash)
    size += 1
  }
  return { frontier: { size, roots }, completed }
}

/** MTH of the whole tree. */
export const rootOf = ({ roots }: Pick<Frontier, 'roots'>): Hash =>
  roots.length === 0 ? EMPTY_ROOT : roots.reduceRight((right, left) => nodeHash(left, right))

/** Whether it can be one at all: as many roots as the size has bits set. */
export const isFrontier = ({ size, roots }: Frontier): boolean => {
  let bits = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2
  return Number.isSafeInteger(size) && size >= 0 && roots.length === bits
}
