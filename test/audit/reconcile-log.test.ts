import { createPublicKey, randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { signCheckpoint } from '../../src/audit/checkpoint.ts'
import { EMPTY_FRONTIER, grow as growTree } from '../../src/audit/frontier.ts'
import { LogMissing, queryableOf } from '../../src/audit/log-store.ts'
import { formatVerifierKey, verifierKeyOf } from '../../src/audit/note.ts'
import { leafOfEvent } from '../../src/audit/reactor.ts'
import { reconcileLog } from '../../src/audit/reconcile-log.ts'
import { signLog } from '../../src/audit/sign-log.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { ed25519KeyOf } from '../support/log-key.ts'
import { type LogDatabase, openLogDatabase } from './log-database.ts'

const event = (n: number, stream = 'user-1'): RecordedEvent => ({
  id: randomUUID(),
  stream,
  revision: BigInt(n),
  position: BigInt(n),
  recordedAt: new Date(),
  type: 'user:happened',
  data: { n },
  metadata: { commit: null, boxes: { personal: `v1.${n}`, credential: null } },
})
const COUNT = 600
const events = Array.from({ length: COUNT }, (_, n) => event(n))

let database: LogDatabase
const grow = async (of: readonly RecordedEvent[]): Promise<void> => {
  const leaves = of.map(leafOfEvent)
  await database.append(leaves.filter((leaf) => leaf !== null))
  await signLog(database.pool, { log: database.log, intervalMs: 0 })
}

beforeEach(async () => {
  database = await openLogDatabase()
  await signLog(database.pool, { log: database.log, intervalMs: 0 })
  await grow(events.slice(0, 1))
  await grow(events.slice(1, 300))
  await grow(events.slice(300))
  return () => database.close()
})

const treeOf = (of: readonly RecordedEvent[]) =>
  growTree(
    EMPTY_FRONTIER,
    of.flatMap((each) => leafOfEvent(each)?.hash ?? []),
  ).frontier

async function* historyOf(given: readonly RecordedEvent[]): AsyncGenerator<RecordedEvent> {
  yield* given
}
const reconcile = (history: readonly RecordedEvent[] = events) =>
  reconcileLog(queryableOf(database.pool), historyOf(history))

const reconcileWhile = (work: () => Promise<void>) => {
  async function* history() {
    yield* events
    await work()
  }
  return reconcileLog(queryableOf(database.pool), history())
}

it('agrees with the events it was made of, whatever lies between them', async () => {
  expect(await reconcile()).toStrictEqual({ leaves: COUNT, checkpoints: 4, notLogged: 0, difference: null })
  const others = events.flatMap((each, n) => [event(n, 'orders-1'), each])
  expect(await reconcile(others)).toMatchObject({ leaves: COUNT, difference: null })
})

it('may be behind the events', async () => {
  expect(await reconcile([...events, event(COUNT), event(COUNT + 1)])).toMatchObject({ notLogged: 2, difference: null })
})

it('may grow and be signed while the events are read', async () => {
  const verdict = await reconcileWhile(() => grow([event(COUNT), event(COUNT + 1)]))
  expect(verdict).toStrictEqual({ leaves: COUNT, checkpoints: 4, notLogged: 0, difference: null })
})

it('is not there before it was begun', async () => {
  await database.tamper('delete from log.tree')
  await expect(reconcile()).rejects.toThrow(LogMissing)
})

describe('the first thing that does not agree is named', () => {
  const at = events[431] ?? event(0)
  const next = events[432] ?? event(0)

  it.each<[string, readonly RecordedEvent[], string]>([
    [
      'data changed',
      events.with(431, { ...at, data: { n: 0 } }),
      `event ${at.id} (revision 431 of user-1) is not what leaf 431 says`,
    ],
    [
      'a box changed',
      events.with(431, { ...at, metadata: { ...at.metadata, boxes: { personal: 'v1.x', credential: null } } }),
      'is not what leaf 431 says',
    ],
    ['an event gone', events.toSpliced(431, 1), `leaf 431 is of event ${at.id}, and the store has event ${next.id}`],
    ['an event put in', events.toSpliced(431, 0, event(431)), `leaf 431 is of event ${at.id}`],
    ['two events swapped', events.with(431, next).with(432, at), `leaf 431 is of event ${at.id}`],
    ['the tail cut', events.slice(0, 431), `leaf 431, of event ${at.id}, has no event in the store any more`],
    ['nothing left', [], `leaf 0, of event ${events[0]?.id}, has no event in the store any more`],
  ])('of the events: %s', async (_, history, difference) => {
    expect((await reconcile(history)).difference).toContain(difference)
  })

  it.each<[string, string, string]>([
    [
      'a leaf changed',
      "update log.leaves set hash = decode(repeat('00', 32), 'hex') where index = 7",
      'is not what leaf 7 says',
    ],
    [
      'a leaf of another event',
      'update log.leaves set event_id = gen_random_uuid() where index = 7',
      'leaf 7 is of event',
    ],
    ['a leaf gone', 'delete from log.leaves where index = 599', 'leaf 599, of event'],
    [
      'a subtree changed',
      "update log.subtrees set hash = decode(repeat('00', 32), 'hex') where index = 1",
      'the stored subtree 1 at level 4',
    ],
    ['a subtree gone', 'delete from log.subtrees where index = 0', 'the stored subtree 0 at level 4'],
    [
      'the edge changed',
      "update log.tree set frontier = decode(repeat('00', 128), 'hex')",
      'the right edge of the log',
    ],
    [
      'a root changed',
      "update log.checkpoints set root = decode(repeat('00', 32), 'hex') where size = 1",
      'the checkpoint of 1 leaves is not of the events',
    ],
    [
      'a size changed',
      'update log.checkpoints set size = 301 where size = 300',
      'the checkpoint of 301 leaves is not of the events',
    ],
    [
      'a note changed',
      "update log.checkpoints set note = replace(note, E'\\n300\\n', E'\\n301\\n')",
      'the checkpoint of 300 leaves is not signed',
    ],
    ['the key changed', "update log.tree set verifier_key = 'x'", 'the key of the log'],
    ['the origin changed', "update log.tree set origin = 'x'", 'the key of the log'],
  ])('of the log: %s', async (_, statement, difference) => {
    await database.tamper(statement)
    expect((await reconcile()).difference).toContain(difference)
  })

  it.each<[string, string, string]>([
    [
      'a checkpoint larger than the log',
      'insert into log.checkpoints (size, root, note) select 601, root, note from log.checkpoints where size = 600',
      'there is a checkpoint of 601 leaves, and the log has 600',
    ],
    [
      'a checkpoint of less than nothing',
      'insert into log.checkpoints (size, root, note) select -1, root, note from log.checkpoints where size = 600',
      'there is a checkpoint of -1 leaves, and the log has 600',
    ],
    [
      'a leaf behind the last',
      "insert into log.leaves (index, event_id, hash) values (700, gen_random_uuid(), sha256('x'))",
      'there is a leaf 700, which a log of 600 leaves does not have',
    ],
    [
      'a subtree behind the last',
      "insert into log.subtrees (level, index, hash) values (8, 2, sha256('x'))",
      'there is a subtree 2 at level 8, which a log of 600 leaves does not have',
    ],
    [
      'a subtree at a level where none is stored',
      "insert into log.subtrees (level, index, hash) values (1, 0, sha256('x'))",
      'there is a subtree 0 at level 1',
    ],
  ])('outside the log: %s', async (_, statement, difference) => {
    await database.tamper(statement)
    expect((await reconcile()).difference).toContain(difference)
  })

  it('outside the log: the signed checkpoint of a log that was cut together with its events', async () => {
    const { roots } = treeOf(events.slice(0, 300))
    await database.tamper('delete from log.leaves where index >= 300')
    await database.tamper('delete from log.subtrees where (index + 1) * (1 << level) > 300')
    await database.tamper('update log.tree set size = 300, frontier = $1', [Buffer.concat(roots)])
    expect((await reconcile(events.slice(0, 300))).difference).toBe(
      'there is a checkpoint of 600 leaves, and the log has 300',
    )
    await database.tamper('delete from log.checkpoints where size = 600')
    expect(await reconcile(events.slice(0, 300))).toMatchObject({ leaves: 300, difference: null })
  })

  it('of what was signed while the events were read: a checkpoint that is not what was signed', async () => {
    const verdict = await reconcileWhile(async () => {
      await grow([event(COUNT)])
      await database.tamper('update log.checkpoints set root = $1 where size = 601', [Buffer.alloc(32, 1)])
    })
    expect(verdict.difference).toBe("the checkpoint of 601 leaves is not signed by the log's key")
  })

  it('of the key: one that somebody has put there, and signed every checkpoint with', async () => {
    const { key, signingKey } = database.log
    const stranger = ed25519KeyOf(Buffer.alloc(32, 2))
    const own = verifierKeyOf(key.name, createPublicKey(stranger))
    await database.tamper('update log.tree set verifier_key = $1', [formatVerifierKey(own)])
    const { rows } = await database.pool.query<{ size: string; root: Buffer }>('select size, root from log.checkpoints')
    for (const { size, root } of rows) {
      const note = signCheckpoint({ origin: key.name, size: Number(size), root }, own, stranger)
      await database.tamper('update log.checkpoints set note = $1 where size = $2', [note, size])
    }
    // By what lies in the database alone nobody can tell.
    expect((await reconcile()).difference).toBeNull()
    const held = await reconcileLog(queryableOf(database.pool), historyOf(events), signingKey.publicKey)
    expect(held.difference).toBe(
      `the key of the log, ${formatVerifierKey(own)}, is not that of the signing key at hand`,
    )
  })

  it("of the checkpoints: one that somebody else has signed, under the log's name", async () => {
    const { key } = database.log
    const root = Buffer.alloc(32, 1)
    const forged = signCheckpoint({ origin: key.name, size: 300, root }, key, ed25519KeyOf(Buffer.alloc(32, 2)))
    await database.tamper('update log.checkpoints set note = $1, root = $2 where size = 300', [forged, root])
    expect((await reconcile()).difference).toBe("the checkpoint of 300 leaves is not signed by the log's key")
  })
})
