import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EMPTY_FRONTIER, grow, isFrontier, rootOf } from '../../src/audit/frontier.ts'
import {
  EMPTY_ROOT,
  type Hash,
  leafHash,
  nodeHash,
  verifyConsistency,
  verifyInclusion,
} from '../../src/audit/merkle.ts'
import { consistencyProof, HashesMissing, inclusionProof, storedRoot } from '../../src/audit/proofs.ts'
import { NaiveTree } from './naive-tree.ts'
import { StoredTree } from './stored-tree.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const hexOf = (hashes: readonly Hash[]): string => hashes.map((hash) => hash.toString('hex')).join()
const leafNumber = (n: number): Hash => leafHash(`leaf ${n}`)
const leavesUpTo = (n: number): readonly Hash[] => Array.from({ length: n }, (_, i) => leafNumber(i))

const treeOf = (leaves: readonly Hash[]): StoredTree => {
  const tree = new StoredTree()
  tree.append(leaves)
  return tree
}

/** The test tree of the Certificate Transparency project, which every implementation of RFC 6962 is tried on. */
const published = {
  inputs: ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'].map(hex),
  roots: [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ].map(hex),
  paths: [
    {
      leaf: 0,
      size: 8,
      proof: [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    },
    {
      leaf: 5,
      size: 8,
      proof: [
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    },
    { leaf: 2, size: 3, proof: ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'] },
    {
      leaf: 1,
      size: 5,
      proof: [
        '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    },
  ],
  consistency: [
    { first: 1, second: 1, proof: [] },
    {
      first: 1,
      second: 8,
      proof: [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    },
    {
      first: 6,
      second: 8,
      proof: [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    },
    {
      first: 2,
      second: 5,
      proof: [
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    },
    {
      first: 6,
      second: 7,
      proof: [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    },
  ],
}

describe('the published test tree', () => {
  const leaves = published.inputs.map(leafHash)
  const tree = treeOf(leaves)

  it('has the published root at every size', async () => {
    expect(EMPTY_ROOT.toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    for (const [i, root] of published.roots.entries()) {
      expect(rootOf(grow(EMPTY_FRONTIER, leaves.slice(0, i + 1)).frontier)).toStrictEqual(root)
      expect(await storedRoot(tree.read, i + 1)).toStrictEqual(root)
    }
  })

  it.each(published.paths)('has the published path from leaf $leaf of $size', async ({ leaf, size, proof }) => {
    expect(await inclusionProof(tree.read, leaf, size)).toStrictEqual(proof.map(hex))
  })

  it.each(published.consistency)('has the published proof from $first to $second', async ({ first, second, proof }) => {
    expect(await consistencyProof(tree.read, first, second)).toStrictEqual(proof.map(hex))
  })
})

describe('every tree up to 68 leaves', () => {
  const sizes = Array.from({ length: 68 }, (_, i) => i + 1)
  const leaves = leavesUpTo(68)
  const tree = treeOf(leaves)
  const naive = new NaiveTree(leaves)

  it('has the root, and for every leaf the path, of the RFC', async () => {
    for (const size of sizes) {
      expect(await storedRoot(tree.read, size)).toStrictEqual(naive.root(size))
      for (let leafIndex = 0; leafIndex < size; leafIndex++) {
        const proof = await inclusionProof(tree.read, leafIndex, size)
        expect(hexOf(proof)).toBe(hexOf(naive.path(leafIndex, size)))
        const claim = { leafIndex, treeSize: size, leafHash: leafNumber(leafIndex), proof, root: naive.root(size) }
        expect(verifyInclusion(claim)).toBe(true)
      }
    }
  })

  it('is proven to continue every smaller one', async () => {
    for (const second of sizes) {
      for (let first = 0; first <= second; first++) {
        const proof = await consistencyProof(tree.read, first, second)
        if (first > 0) expect(hexOf(proof)).toBe(hexOf(naive.proof(first, second)))
        const claim = {
          firstSize: first,
          firstRoot: naive.root(first),
          secondSize: second,
          secondRoot: naive.root(second),
          proof,
        }
        expect(verifyConsistency(claim)).toBe(true)
      }
    }
  })
})

const flip = (hash: Hash, bit: number): Hash => {
  const copy = Buffer.from(hash)
  const byte = Math.floor(bit / 8) % 32
  copy[byte] = (copy[byte] ?? 0) ^ (1 << (bit % 8))
  return copy
}
const bit = fc.nat(255)
const sizeUpTo = fc.integer({ min: 1, max: 700 })
const big = treeOf(leavesUpTo(700))
const bigLeaves = leavesUpTo(700)
const naiveBig = new NaiveTree(bigLeaves)

describe('a proof of inclusion', () => {
  const claimed = sizeUpTo.chain((treeSize) => fc.tuple(fc.constant(treeSize), fc.nat(treeSize - 1)))
  const claimOf = async (leafIndex: number, treeSize: number) => ({
    leafIndex,
    treeSize,
    leafHash: leafNumber(leafIndex),
    proof: await inclusionProof(big.read, leafIndex, treeSize),
    root: naiveBig.root(treeSize),
  })

  it('proves nothing of another leaf, index or root', async () => {
    await fc.assert(
      fc.asyncProperty(claimed, fc.nat(699), bit, async ([treeSize, leafIndex], other, flipped) => {
        const claim = await claimOf(leafIndex, treeSize)
        expect(verifyInclusion(claim)).toBe(true)
        expect(verifyInclusion({ ...claim, root: flip(claim.root, flipped) })).toBe(false)
        expect(verifyInclusion({ ...claim, leafHash: flip(claim.leafHash, flipped) })).toBe(false)
        if (other === leafIndex) return
        expect(verifyInclusion({ ...claim, leafIndex: other })).toBe(false)
        expect(verifyInclusion({ ...claim, leafHash: leafNumber(other) })).toBe(false)
      }),
    )
  })

  it('proves nothing against the root of another size, by its own path or by that of the other size', async () => {
    await fc.assert(
      fc.asyncProperty(claimed, sizeUpTo, async ([treeSize, leafIndex], other) => {
        fc.pre(other !== treeSize)
        const claim = await claimOf(leafIndex, treeSize)
        const elsewhere = other > leafIndex ? await claimOf(leafIndex, other) : undefined
        const root = naiveBig.root(other)
        expect(verifyInclusion({ ...claim, treeSize: other, root })).toBe(false)
        expect(verifyInclusion({ ...claim, root })).toBe(false)
        if (elsewhere)
          expect(verifyInclusion({ ...claim, proof: elsewhere.proof })).toBe(
            elsewhere.proof.every((p, i) => claim.proof[i]?.equals(p)) && elsewhere.proof.length === claim.proof.length,
          )
      }),
    )
  })

  it('proves nothing of a tree said to be of another height, with the right root and path', async () => {
    await fc.assert(
      fc.asyncProperty(claimed, async ([treeSize, leafIndex]) => {
        const claim = await claimOf(leafIndex, treeSize)
        expect(verifyInclusion({ ...claim, treeSize: treeSize * 2 })).toBe(false)
        expect(verifyInclusion({ ...claim, treeSize: 2 ** 40 })).toBe(false)
      }),
    )
  })

  it('falls with any part that is changed, dropped, doubled, swapped or added', async () => {
    await fc.assert(
      fc.asyncProperty(claimed, fc.nat(20), bit, async ([treeSize, leafIndex], at, flipped) => {
        const claim = await claimOf(leafIndex, treeSize)
        const { proof } = claim
        const wrong = [
          [...proof, claim.root],
          [claim.root, ...proof],
          [...proof, Buffer.alloc(0)],
        ]
        const i = proof.length === 0 ? -1 : at % proof.length
        const part = proof[i]
        const next = proof[i + 1]
        if (part !== undefined) {
          wrong.push(proof.with(i, flip(part, flipped)), proof.toSpliced(i, 1), proof.toSpliced(i, 0, part))
          if (next !== undefined) wrong.push(proof.with(i, next).with(i + 1, part))
        }
        for (const each of wrong) expect(verifyInclusion({ ...claim, proof: each })).toBe(false)
      }),
    )
  })

  it('is not taken from junk', () => {
    const leaf = leafNumber(0)
    const claim = { leafIndex: 0, treeSize: 1, leafHash: leaf, proof: [], root: leaf }
    expect(verifyInclusion(claim)).toBe(true)
    for (const treeSize of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(verifyInclusion({ ...claim, treeSize })).toBe(false)
    }
    for (const leafIndex of [-1, 0.5, 1, Number.NaN]) expect(verifyInclusion({ ...claim, leafIndex })).toBe(false)
    const empty = Buffer.alloc(0)
    expect(verifyInclusion({ ...claim, leafHash: empty, root: empty })).toBe(false)
  })

  it('is computed of text as of its bytes in UTF-8', () => {
    for (const text of ['', 'a', '\0', 'é€', '\u{1f600}', '\ud83d']) {
      expect(leafHash(text)).toStrictEqual(leafHash(Buffer.from(text)))
    }
  })

  it('cannot pass a node for a leaf', () => {
    const [a, b] = [leafNumber(0), leafNumber(1)]
    const node = nodeHash(a, b)
    expect(leafHash(Buffer.concat([a, b]))).not.toStrictEqual(node)
    expect(node).toStrictEqual(
      createHash('sha256')
        .update(Buffer.concat([Buffer.of(1), a, b]))
        .digest(),
    )
  })
})

describe('a proof of consistency', () => {
  const pair = sizeUpTo.chain((second) => fc.tuple(fc.integer({ min: 1, max: second }), fc.constant(second)))
  const rootAt = (size: number) => naiveBig.root(size)
  const claimOf = async (firstSize: number, secondSize: number) => ({
    firstSize,
    firstRoot: rootAt(firstSize),
    secondSize,
    secondRoot: rootAt(secondSize),
    proof: await consistencyProof(big.read, firstSize, secondSize),
  })

  it('falls with another root, another size, and any part that is changed, dropped or added', async () => {
    await fc.assert(
      fc.asyncProperty(pair, sizeUpTo, fc.nat(20), bit, async ([first, second], other, at, flipped) => {
        const claim = await claimOf(first, second)
        expect(verifyConsistency(claim)).toBe(true)
        const wrong = [
          { ...claim, firstRoot: flip(claim.firstRoot, flipped) },
          { ...claim, secondRoot: flip(claim.secondRoot, flipped) },
          { ...claim, proof: [...claim.proof, claim.secondRoot] },
          { ...claim, proof: [claim.firstRoot, ...claim.proof] },
        ]
        const part = claim.proof[at % claim.proof.length]
        if (part !== undefined) {
          const i = at % claim.proof.length
          wrong.push({ ...claim, proof: claim.proof.with(i, flip(part, flipped)) })
          wrong.push({ ...claim, proof: claim.proof.toSpliced(i, 1) })
        }
        if (first < second) wrong.push({ ...claim, secondSize: second * 2 }, { ...claim, secondSize: 2 ** 40 })
        if (other !== first) wrong.push({ ...claim, firstRoot: rootAt(other) })
        if (other !== second) wrong.push({ ...claim, secondRoot: rootAt(other) })
        for (const each of wrong) expect(verifyConsistency(each)).toBe(false)
      }),
    )
  })

  it('cannot be made for a history in which one leaf was changed', async () => {
    await fc.assert(
      fc.asyncProperty(pair, fc.nat(699), async ([first, second], changed) => {
        fc.pre(changed < first)
        const forged = treeOf(bigLeaves.with(changed, leafNumber(-1)))
        const claim = {
          ...(await claimOf(first, second)),
          secondRoot: await storedRoot(forged.read, second),
          proof: await consistencyProof(forged.read, first, second),
        }
        expect(verifyConsistency(claim)).toBe(false)
      }),
      { numRuns: 50 },
    )
  })

  it('says nothing of a tree that is larger than the second, and of the empty one that it begins all', () => {
    const [a, b] = [leafNumber(0), leafNumber(1)]
    const none = { firstSize: 0, firstRoot: EMPTY_ROOT, secondSize: 1, secondRoot: a, proof: [] }
    expect(verifyConsistency(none)).toBe(true)
    expect(verifyConsistency({ ...none, firstRoot: b })).toBe(false)
    expect(verifyConsistency({ ...none, proof: [a] })).toBe(false)
    expect(verifyConsistency({ ...none, firstSize: 2, firstRoot: a })).toBe(false)
    expect(verifyConsistency({ ...none, secondSize: 0, secondRoot: EMPTY_ROOT })).toBe(true)
    expect(verifyConsistency({ ...none, secondSize: 0, secondRoot: a })).toBe(false)
  })
})

describe('growing', () => {
  it('comes to the same tree in batches of any size as one by one', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(150), { maxLength: 6 }), (batches) => {
        const total = batches.reduce((sum, n) => sum + n, 0)
        const leaves = leavesUpTo(total)
        const inBatches = new StoredTree()
        let next = 0
        for (const n of batches) {
          inBatches.append(leaves.slice(next, next + n))
          next += n
        }
        const oneByOne = new StoredTree()
        for (const leaf of leaves) oneByOne.append([leaf])
        expect(inBatches.listing()).toStrictEqual(oneByOne.listing())
        expect(hexOf(inBatches.frontier.roots)).toBe(hexOf(oneByOne.frontier.roots))
        expect(isFrontier(inBatches.frontier)).toBe(true)
        expect(rootOf(inBatches.frontier)).toStrictEqual(new NaiveTree(leaves).root(total))
      }),
      { numRuns: 30 },
    )
  })

  it('leaves the frontier it began with as it was', () => {
    const { frontier } = grow(EMPTY_FRONTIER, leavesUpTo(3))
    const before = structuredClone(frontier.roots.map((root) => root.toString('hex')))
    grow(frontier, leavesUpTo(5))
    expect(frontier.roots.map((root) => root.toString('hex'))).toStrictEqual(before)
    expect(EMPTY_FRONTIER).toStrictEqual({ size: 0, roots: [] })
  })

  it('tells a right edge that cannot be one', () => {
    expect(isFrontier({ size: 3, roots: leavesUpTo(1) })).toBe(false)
    expect(isFrontier({ size: 4, roots: leavesUpTo(3) })).toBe(false)
  })
})

describe('a large tree', () => {
  const size = 70_003
  const large = treeOf(leavesUpTo(size))

  it('is proven with few reads, across all stored levels', async () => {
    const root = rootOf(large.frontier)
    for (const leafIndex of [0, 255, 256, 65_535, 65_536, 69_999, size - 1]) {
      large.reads = { runs: 0, hashes: 0 }
      const proof = await inclusionProof(large.read, leafIndex, size)
      expect(verifyInclusion({ leafIndex, treeSize: size, leafHash: leafNumber(leafIndex), proof, root })).toBe(true)
      expect(large.reads.hashes).toBeLessThan(250)
    }
  })

  it('does not make up a proof where a hash is gone', async () => {
    const holed = treeOf(leavesUpTo(1_000))
    holed.forget(8, 0)
    holed.forget(4, 0)
    await expect(inclusionProof(holed.read, 999, 1_000)).rejects.toThrow(HashesMissing)
    expect(await inclusionProof(holed.read, 1, 16)).toHaveLength(4)
    holed.forget(0, 1)
    await expect(inclusionProof(holed.read, 0, 2)).rejects.toThrow('level 0, between index 1 and 1')
  })

  it('has no proof of a leaf or a beginning that it does not have', () => {
    expect(() => inclusionProof(large.read, size, size)).toThrow(RangeError)
    expect(() => inclusionProof(large.read, -1, size)).toThrow(RangeError)
    expect(() => consistencyProof(large.read, 2, 1)).toThrow(RangeError)
  })
})
