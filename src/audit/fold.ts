/** Comes to the root of a tree from subtrees that are handed in one after the other, from left to right. */
import { rootOf } from './frontier.ts'
import { type Hash, nodeHash } from './merkle.ts'
import type { Range } from './proofs.ts'

export interface Fold {
  /** A leaf, or the root of a complete subtree; it begins where the one before has ended. */
  add(subtree: Range, hash: Hash): void
  /** MTH of all that was handed in. */
  root(): Hash
}

/** Holds one hash a level, however many come. */
export const openFold = (): Fold => {
  const stack: { readonly leaves: number; readonly hash: Hash }[] = []
  return {
    add({ from, to }, hash) {
      let node = { leaves: to - from, hash }
      for (let left = stack.at(-1); left?.leaves === node.leaves; left = stack.at(-1)) {
        stack.pop()
        node = { leaves: 2 * node.leaves, hash: nodeHash(left.hash, node.hash) }
      }
      stack.push(node)
    },
    root: () => rootOf({ roots: stack.map(({ hash }) => hash) }),
  }
}
