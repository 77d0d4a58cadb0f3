/**
 * The Merkle tree of RFC 6962 and RFC 9162 (section 2.1): how leaves and nodes are hashed, and how proofs are verified.
 * Nothing but hashes is needed for it, so an auditor's verifier runs this very code.
 *
 * Sizes and indexes are numbers below 2^53, and so are halved by division: bit operators stop at 2^31.
 */
import { createHash, hash } from 'node:crypto'

/** 32 bytes. */
export type Hash = Buffer

const HASH_BYTES = 32
const NODE_PREFIX = Buffer.of(1)

/** MTH({}): the root of the tree without leaves. */
export const EMPTY_ROOT: Hash = hash('sha256', '', 'buffer')

/**
 * MTH({d}); of text, that of its UTF-8, without making bytes of it first. The prefixes keep a leaf from passing for a
 * node.
 */
export const leafHash = (content: string | Buffer): Hash => createHash('sha256').update('\0').update(content).digest()

export const nodeHash = (left: Hash, right: Hash): Hash =>
  hash('sha256', Buffer.concat([NODE_PREFIX, left, right], 1 + 2 * HASH_BYTES), 'buffer')

export interface Inclusion {
  readonly leafIndex: number
  readonly treeSize: number
  readonly leafHash: Hash
  readonly proof: readonly Hash[]
  readonly root: Hash
}

/** Whether the leaf is in the tree at this index (RFC 9162, section 2.1.3.2). Takes anything: junk is false. */
export const verifyInclusion = ({ leafIndex, treeSize, leafHash, proof, root }: Inclusion): boolean => {
  if (!isCount(leafIndex) || !isCount(treeSize) || leafIndex >= treeSize) return false
  if (![leafHash, root, ...proof].every(isHash)) return false
  let fn = leafIndex
  let sn = treeSize - 1
  let r = leafHash
  for (const p of proof) {
    if (sn === 0) return false
    if (isOdd(fn) || fn === sn) {
      r = nodeHash(p, r)
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn)
        sn = half(sn)
      }
    } else {
      r = nodeHash(r, p)
    }
    fn = half(fn)
    sn = half(sn)
  }
  return sn === 0 && r.equals(root)
}

export interface Consistency {
  readonly firstSize: number
  readonly firstRoot: Hash
  readonly secondSize: number
  readonly secondRoot: Hash
  readonly proof: readonly Hash[]
}

/**
 * Whether the second tree begins with all the leaves of the first, in their order (RFC 9162, section 2.1.4.2). The
 * empty tree, which the RFC leaves out, is the beginning of every tree. Takes anything: junk is false.
 */
export const verifyConsistency = (claim: Consistency): boolean => {
  const { firstSize, firstRoot, secondSize, secondRoot, proof } = claim
  if (!isCount(firstSize) || !isCount(secondSize) || firstSize > secondSize) return false
  if (![firstRoot, secondRoot, ...proof].every(isHash)) return false
  if (firstSize === 0 && !firstRoot.equals(EMPTY_ROOT)) return false
  if (firstSize === 0 && secondSize > 0) return proof.length === 0
  if (firstSize === secondSize) return proof.length === 0 && firstRoot.equals(secondRoot)
  if (proof.length === 0) return false

  let fn = firstSize - 1
  let sn = secondSize - 1
  while (isOdd(fn)) {
    fn = half(fn)
    sn = half(sn)
  }
  // A first tree that is complete is a node of the second, and the proof leaves out what the verifier has.
  const [start, ...rest] = fn === 0 ? [firstRoot, ...proof] : proof
  if (start === undefined) return false
  let fr = start
  let sr = start
  for (const c of rest) {
    if (sn === 0) return false
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(c, fr)
      sr = nodeHash(c, sr)
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn)
        sn = half(sn)
      }
    } else {
      sr = nodeHash(sr, c)
    }
    fn = half(fn)
    sn = half(sn)
  }
  return sn === 0 && fr.equals(firstRoot) && sr.equals(secondRoot)
}

const isOdd = (n: number): boolean => n % 2 === 1
const half = (n: number): number => Math.floor(n / 2)
const isCount = (n: number): boolean => Number.isSafeInteger(n) && n >= 0
const isHash = (value: Buffer): boolean => Buffer.isBuffer(value) && value.length === HASH_BYTES
