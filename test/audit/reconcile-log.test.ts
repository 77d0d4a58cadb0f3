import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { signCheckpoint } from '../../src/audit/checkpoint.ts'
import { LogMissing, queryableOf } from '../../src/audit/log-store.ts'
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

async function* historyOf(given: readonly RecordedEvent[]): AsyncGenerator<RecordedEvent> {
  yield* given
}
const reconcile = (history: readonly RecordedEvent[] = events) =>
  reconcileLog(queryableOf(database.pool), historyOf(history))

it('agrees with the events it was made of, whatever lies between them', async () => {
  expect(await reconcile()).toStrictEqual({ leaves: COUNT, checkpoints: 4, notLogged: 0, difference: null })
  const others = events.flatMap((each, n) => [event(n, 'orders-1'), each])
  expect(await reconcile(others)).toMatchObject({ leaves: COUNT, difference: null })
})

it('may be behind the events', async () => {
  expect(await reconcile([...events, event(COUNT), event(COUNT + 1)])).toMatchObject({ notLogged: 2, difference: null })
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

  it("of the checkpoints: one that somebody else has signed, under the log's name", async () => {
    const { key } = database.log
    const root = Buffer.alloc(32, 1)
    const forged = signCheckpoint({ origin: key.name, size: 300, root }, key, ed25519KeyOf(Buffer.alloc(32, 2)))
    await database.tamper('update log.checkpoints set note = $1, root = $2 where size = 300', [forged, root])
    expect((await reconcile()).difference).toBe("the checkpoint of 300 leaves is not signed by the log's key")
  })
})
