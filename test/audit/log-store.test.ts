import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { rootOf } from '../../src/audit/frontier.ts'
import {
  appendLeaves,
  type Leaf,
  LogContradicted,
  LogMissing,
  leafAndCheckpoint,
  queryableOf,
  readTree,
  runsIn,
} from '../../src/audit/log-store.ts'
import { verifyConsistency, verifyInclusion } from '../../src/audit/merkle.ts'
import { migrateLog } from '../../src/audit/prepare-log.ts'
import { consistencyProof, HashesMissing, inclusionProof, storedRoot } from '../../src/audit/proofs.ts'
import { inTransaction, openPool } from '../../src/platform/postgres.ts'
import { createDatabase } from '../support/postgres.ts'
import { type LogDatabase, openLogDatabase, someLeaves } from './log-database.ts'
import { NaiveTree } from './naive-tree.ts'

let database: LogDatabase
beforeEach(async () => {
  database = await openLogDatabase()
  return () => database.close()
})

const treeNow = async () => {
  const tree = await readTree(queryableOf(database.pool))
  if (tree === undefined) throw new Error('there is no tree')
  return tree.frontier
}
const indexes = async (): Promise<readonly number[]> => {
  const { rows } = await database.pool.query<{ index: string }>('select index from log.leaves order by index')
  return rows.map(({ index }) => Number(index))
}
const rootOfLeaves = (leaves: readonly Leaf[]) => new NaiveTree(leaves.map(({ hash }) => hash)).root(leaves.length)

describe('appending', () => {
  it('gives the events the next indexes, without gaps, and the tree the root of them all', async () => {
    const leaves = someLeaves(1_700)
    for (const [from, to] of [
      [0, 1],
      [1, 2],
      [2, 257],
      [257, 1_257],
      [1_257, 1_700],
    ]) {
      expect(await database.append(leaves.slice(from, to))).toBe(to)
    }
    expect(await indexes()).toStrictEqual(leaves.map((_, i) => i))
    const frontier = await treeNow()
    expect(rootOf(frontier)).toStrictEqual(rootOfLeaves(leaves))
    expect(await storedRoot(runsIn(queryableOf(database.pool)), 1_700)).toStrictEqual(rootOf(frontier))
  })

  it('of nothing changes nothing', async () => {
    expect(await database.append([])).toBe(0)
    expect(await treeNow()).toStrictEqual({ size: 0, roots: [] })
  })

  it('again what is there already changes nothing, in whole batches and in parts', async () => {
    const leaves = someLeaves(300)
    await database.append(leaves)
    const before = await treeNow()
    expect(await database.append(leaves)).toBe(300)
    expect(await database.append(leaves.slice(100, 120))).toBe(300)
    expect(await database.append(leaves.slice(299))).toBe(300)
    expect(await treeNow()).toStrictEqual(before)
  })

  it('goes on behind what is there already, as a replay from the start does', async () => {
    const leaves = someLeaves(50)
    await database.append(leaves.slice(0, 30))
    expect(await database.append(leaves.slice(0, 20))).toBe(30)
    expect(await database.append(leaves.slice(20, 40))).toBe(40)
    expect(await database.append(leaves.slice(40))).toBe(50)
    expect(rootOf(await treeNow())).toStrictEqual(rootOfLeaves(leaves))
  })

  it('that is rolled back leaves nothing behind', async () => {
    const leaves = someLeaves(10)
    const undone = inTransaction(database.pool, async (client) => {
      await appendLeaves(queryableOf(client), leaves)
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await indexes()).toStrictEqual([])
    expect(await database.append(leaves)).toBe(10)
  })

  it('of several at once is one after the other: no index twice, none left out', async () => {
    await Promise.all(Array.from({ length: 8 }, () => database.append(someLeaves(40))))
    expect(await indexes()).toStrictEqual(Array.from({ length: 320 }, (_, i) => i))
    expect(await storedRoot(runsIn(queryableOf(database.pool)), 320)).toStrictEqual(rootOf(await treeNow()))
  })

  it('before there is a log says so', async () => {
    const empty = await createDatabase()
    const pool = openPool(empty.connection, { applicationName: 'log test', max: 2, log: pino({ level: 'silent' }) })
    try {
      await migrateLog(pool)
      await expect(appendLeaves(queryableOf(pool), someLeaves(1))).rejects.toThrow(LogMissing)
      expect(await readTree(queryableOf(pool))).toBeUndefined()
    } finally {
      await pool.end()
      await empty.drop()
    }
  })
})

describe('a replay that does not fit the log is refused', () => {
  const leaves = someLeaves(20)
  beforeEach(() => database.append(leaves))
  const changed = (leaf: Leaf | undefined): Leaf => ({
    eventId: leaf?.eventId ?? '',
    hash: someLeaves(1)[0]?.hash ?? Buffer.alloc(32),
  })

  it.each<[string, () => readonly Leaf[], string]>([
    ['an event was changed', () => leaves.with(7, changed(leaves[7])), 'is not what leaf 7 of the log says'],
    [
      'two events were swapped',
      () => [...leaves.slice(0, 3), leaves[4], leaves[3]].filter((leaf) => leaf !== undefined),
      'is not where leaf 3 of the log has it',
    ],
    ['an event was taken out', () => leaves.toSpliced(5, 1), 'is not where leaf 5 of the log has it'],
    [
      'an event was put in between',
      () => leaves.toSpliced(5, 0, ...someLeaves(1)),
      'is not where leaf 5 of the log has it',
    ],
    [
      'the last ones were taken out and others follow',
      () => [...leaves.slice(0, 15), ...someLeaves(2)],
      'stands before the one of leaf 15',
    ],
  ])('where %s', async (_, replay, message) => {
    await expect(database.append(replay())).rejects.toThrow(LogContradicted)
    await expect(database.append(replay())).rejects.toThrow(message)
    expect((await treeNow()).size).toBe(20)
  })

  it('where a new event comes before one of the log, by the index that lets no event in twice', async () => {
    await expect(database.append([...someLeaves(1), ...leaves.slice(0, 2)])).rejects.toThrow(/unique/)
    expect((await treeNow()).size).toBe(20)
  })
})

describe('proofs from the stored log', () => {
  it('verify for every stored level, at sizes of the past as well', async () => {
    const leaves = someLeaves(70_000, 'many')
    for (let from = 0; from < leaves.length; from += 10_000) await database.append(leaves.slice(from, from + 10_000))
    const read = runsIn(queryableOf(database.pool))
    const root = rootOf(await treeNow())
    for (const leafIndex of [0, 255, 256, 33_000, 65_535, 65_536, 69_999]) {
      const placed = (await leafAndCheckpoint(queryableOf(database.pool), leaves[leafIndex]?.eventId ?? ''))?.leaf
      expect(placed?.index).toBe(leafIndex)
      const proof = await inclusionProof(read, leafIndex, 70_000)
      const claim = { leafIndex, treeSize: 70_000, leafHash: placed?.hash ?? Buffer.alloc(0), proof, root }
      expect(verifyInclusion(claim)).toBe(true)
    }
    for (const firstSize of [1, 256, 1_000, 65_536, 65_537, 70_000]) {
      const firstRoot = await storedRoot(read, firstSize)
      const proof = await consistencyProof(read, firstSize, 70_000)
      expect(verifyConsistency({ firstSize, firstRoot, secondSize: 70_000, secondRoot: root, proof })).toBe(true)
    }
  })

  it('are not made up where a leaf was deleted', async () => {
    await database.append(someLeaves(10))
    await database.tamper('delete from log.leaves where index = 4')
    await expect(inclusionProof(runsIn(queryableOf(database.pool)), 5, 10)).rejects.toThrow(HashesMissing)
  })

  it('of an event that is not in the log there are none', async () => {
    expect(await leafAndCheckpoint(queryableOf(database.pool), randomUUID())).toBeUndefined()
  })
})

describe('the tables', () => {
  it.each([
    "update log.leaves set hash = '\\x' || repeat('00', 32)::bytea",
    'delete from log.leaves',
    'truncate log.leaves',
    'delete from log.subtrees',
    "update log.checkpoints set note = 'x'",
    'truncate log.checkpoints',
    'delete from log.tree',
    'update log.tree set size = 0',
    "update log.tree set origin = 'other'",
    "update log.tree set verifier_key = 'other'",
  ])('refuse: %s', async (statement) => {
    await database.append(someLeaves(1))
    await expect(database.pool.query(statement)).rejects.toThrow('the log is append-only')
  })

  it('hold no second tree', async () => {
    const second = "insert into log.tree (origin, verifier_key) values ('o', 'k')"
    await expect(database.pool.query(second)).rejects.toThrow(/unique/)
  })
})
