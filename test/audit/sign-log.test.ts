import { beforeEach, describe, expect, it } from 'vitest'
import { openCheckpoint, signCheckpoint } from '../../src/audit/checkpoint.ts'
import { EMPTY_FRONTIER, grow, rootOf } from '../../src/audit/frontier.ts'
import { LogContradicted, lastCheckpoint, queryableOf, readTree, runsIn } from '../../src/audit/log-store.ts'
import { EMPTY_ROOT, verifyConsistency } from '../../src/audit/merkle.ts'
import { verifierKeyOf } from '../../src/audit/note.ts'
import { consistencyProof } from '../../src/audit/proofs.ts'
import { type SignOptions, signLog } from '../../src/audit/sign-log.ts'
import { ed25519KeyOf } from '../support/log-key.ts'
import { type LogDatabase, openLogDatabase, someLeaves } from './log-database.ts'

let database: LogDatabase
beforeEach(async () => {
  database = await openLogDatabase()
  return () => database.close()
})

const sign = (options: Partial<SignOptions> = {}) =>
  signLog(database.pool, { log: database.log, intervalMs: 0, ...options })
const notes = async (): Promise<readonly string[]> => {
  const { rows } = await database.pool.query<{ note: string }>('select note from log.checkpoints order by size')
  return rows.map(({ note }) => note)
}

describe('signing', () => {
  it('says the size and the root of the log, in a note that its key opens', async () => {
    await database.append(someLeaves(300))
    const { checkpoint } = await sign()
    const tree = await readTree(queryableOf(database.pool))
    expect(checkpoint).toStrictEqual({
      origin: database.log.key.name,
      size: 300,
      root: rootOf(tree?.frontier ?? EMPTY_FRONTIER),
    })
    const stored = await lastCheckpoint(queryableOf(database.pool))
    expect(openCheckpoint(stored?.note ?? '', database.log.key)).toStrictEqual(checkpoint)
    expect(checkpoint.origin).toMatch(/^id\.example\.com\/strongroom-log\/[0-9a-f]{16}$/)
  })

  it('begins with the empty log', async () => {
    expect((await sign()).checkpoint).toMatchObject({ size: 0, root: EMPTY_ROOT })
    await database.append(someLeaves(1))
    expect(await sign()).toMatchObject({ kind: 'signed', checkpoint: { size: 1 } })
  })

  it('makes checkpoints each of which continues all before it', async () => {
    let size = 0
    for (const count of [1, 2, 3, 250, 1, 700]) {
      size = await database.append(someLeaves(count))
      expect(await sign()).toMatchObject({ kind: 'signed', checkpoint: { size } })
    }
    // In the order of numbers, where text would have 957 before 1007.
    size = await database.append(someLeaves(50))
    await sign()
    expect((await lastCheckpoint(queryableOf(database.pool)))?.size).toBe(1_007)
    const checkpoints = (await notes()).map((note) => openCheckpoint(note, database.log.key)).filter((c) => c !== null)
    expect(checkpoints).toHaveLength(7)
    for (const first of checkpoints) {
      for (const second of checkpoints.filter((each) => each.size >= first.size)) {
        const proof = await consistencyProof(runsIn(queryableOf(database.pool)), first.size, second.size)
        const [firstSize, firstRoot, secondSize, secondRoot] = [first.size, first.root, second.size, second.root]
        expect(verifyConsistency({ firstSize, firstRoot, secondSize, secondRoot, proof })).toBe(true)
      }
    }
  })

  it('is not repeated for the same log', async () => {
    await database.append(someLeaves(3))
    await sign()
    expect(await sign()).toMatchObject({ kind: 'current', checkpoint: { size: 3 } })
    expect(await notes()).toHaveLength(1)
  })

  it('waits until the interval is over, and says how long', async () => {
    await sign()
    await database.append(someLeaves(3))
    const early = await sign({ intervalMs: 60_000 })
    expect(early).toMatchObject({ kind: 'early', checkpoint: { size: 0 } })
    expect(early.kind === 'early' && early.waitMs > 30_000 && early.waitMs <= 60_000).toBe(true)
    expect(await sign()).toMatchObject({ kind: 'signed', checkpoint: { size: 3 } })
  })

  it('by many at once makes one checkpoint', async () => {
    await database.append(someLeaves(9))
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => sign()))
    expect(outcomes.map(({ kind }) => kind).sort()).toStrictEqual([...Array(5).fill('current'), 'signed'])
    expect(await notes()).toHaveLength(1)
  })
})

describe('nothing is signed that contradicts what was signed before', () => {
  const leaves = someLeaves(600)
  const other = someLeaves(600)

  beforeEach(async () => {
    await database.append(leaves.slice(0, 500))
    await sign()
  })

  const edge = (of: typeof leaves) =>
    Buffer.concat(
      grow(
        EMPTY_FRONTIER,
        of.map(({ hash }) => hash),
      ).frontier.roots,
    )
  const mustRefuse = async (message: string, options: Partial<SignOptions> = {}) => {
    const before = await notes()
    await expect(sign(options)).rejects.toThrow(LogContradicted)
    await expect(sign(options)).rejects.toThrow(message)
    expect(await notes()).toStrictEqual(before)
  }

  it('where the right edge was replaced, with the size as it was', async () => {
    await database.tamper('update log.tree set frontier = $1', [edge(other.slice(0, 500))])
    await mustRefuse('does not continue the one of its checkpoint of 500 leaves')
  })

  it('where the right edge was replaced and the log has grown since', async () => {
    await database.tamper('update log.tree set frontier = $1', [edge(other.slice(0, 500))])
    await database.append(leaves.slice(500))
    await mustRefuse('the log of 600 leaves does not continue')
  })

  it('where the whole log was replaced by another of the same and of a larger size', async () => {
    for (const size of [500, 600]) {
      await database.tamper('delete from log.leaves')
      await database.tamper('delete from log.subtrees')
      await database.tamper("update log.tree set size = 0, frontier = ''")
      await database.append(other.slice(0, size))
      await mustRefuse('does not continue')
    }
  })

  it('where the log was cut', async () => {
    await database.tamper('update log.tree set size = 499, frontier = $1', [edge(leaves.slice(0, 499))])
    await mustRefuse('the log has 499 leaves, fewer than the 500 of its last checkpoint')
  })

  it('where a leaf was changed that the proof reads', async () => {
    await database.append(leaves.slice(500))
    await database.tamper('update log.leaves set hash = $1 where index = 497', [other[0]?.hash])
    await mustRefuse('does not continue')
  })

  it('where a leaf was deleted that the proof reads', async () => {
    await database.append(leaves.slice(500))
    await database.tamper('delete from log.leaves where index = 499')
    await mustRefuse('hashes of the log are missing at level 0')
  })

  it('where the size does not fit its edge', async () => {
    await database.tamper('update log.tree set size = 501')
    await database.append(leaves.slice(500, 501)).catch(() => {})
    await mustRefuse('the right edge of the log does not fit its size')
  })

  it('where the last checkpoint was signed by another key, whatever name that goes by', async () => {
    const stranger = ed25519KeyOf(Buffer.alloc(32, 1))
    const key = verifierKeyOf(database.log.key.name, database.log.key.publicKey)
    const root = rootOf(
      grow(
        EMPTY_FRONTIER,
        other.map(({ hash }) => hash),
      ).frontier,
    )
    const forged = signCheckpoint({ origin: key.name, size: 600, root }, key, stranger)
    await database.tamper('insert into log.checkpoints (size, root, note) values (600, $1, $2)', [root, forged])
    await mustRefuse("the last checkpoint, of 600 leaves, is not signed by this log's key")
  })

  it('where the columns of the last checkpoint say something else than its note', async () => {
    await database.tamper('update log.checkpoints set size = 400')
    await mustRefuse("is not signed by this log's key")
    await database.tamper('update log.checkpoints set size = 500, root = $1', [other[0]?.hash])
    await mustRefuse("is not signed by this log's key")
  })

  it('where the database has forgotten a checkpoint that this process has signed', async () => {
    await database.append(leaves.slice(500))
    const newest = (await sign()).checkpoint
    await database.tamper('delete from log.checkpoints where size = 600')
    await mustRefuse('the checkpoint of 600 leaves, which this process has signed, is gone', { newest })
    await database.tamper('delete from log.checkpoints')
    await mustRefuse('is gone', { newest })
  })
})
