/** The log as it runs: reactor and signer on a real database, with a store in memory. */
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { openCheckpoint } from '../../src/audit/checkpoint.ts'
import { leafContentOf, leafHashOf } from '../../src/audit/leaf.ts'
import { type LogOptions, startLog } from '../../src/audit/log.ts'
import { type EventProof, type LogReader, openLogReader } from '../../src/audit/log-reader.ts'
import { queryableOf } from '../../src/audit/log-store.ts'
import { verifyInclusion } from '../../src/audit/merkle.ts'
import { formatVerifierKey } from '../../src/audit/note.ts'
import { reconcileLog } from '../../src/audit/reconcile-log.ts'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { NewEvent, RecordedEvent } from '../../src/event-store/port.ts'
import { migrate } from '../../src/platform/migrations.ts'
import { Notifications } from '../../src/platform/notifications.ts'
import type { RunningWorker } from '../../src/projector/worker.ts'
import { vaultMigrations } from '../../src/secrets/vault-schema.ts'
import { type LogDatabase, openLogDatabase } from './log-database.ts'

let database: LogDatabase
let notifications: Notifications
let store: MemoryEventStore
let reader: LogReader
let running: RunningWorker[]
const lines: string[] = []

beforeEach(async () => {
  database = await openLogDatabase()
  await migrate(database.pool, 'vault', vaultMigrations)
  notifications = new Notifications(database.connection, pino({ level: 'silent' }))
  store = new MemoryEventStore()
  reader = openLogReader(database.pool)
  running = []
  lines.length = 0
  return async () => {
    await Promise.all(running.map((each) => each.stop()))
    await notifications.close()
    await database.close()
  }
})

const start = (options: Partial<LogOptions> = {}): RunningWorker => {
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  const { log: signedLog, pool } = database
  const started = startLog({ signedLog, store, pool, notifications, owner: 'test', log, ...options })
  running.push(started)
  return started
}

const someEvent = (n: number): NewEvent => ({
  id: randomUUID(),
  type: 'user:happened',
  data: { n },
  metadata: { commit: null, boxes: { personal: null, credential: null } },
})

const appendTo = async (stream: string, count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await store.append(stream, [someEvent(n)], n === 0 ? 'none' : BigInt(n - 1))
}

async function* history(): AsyncGenerator<RecordedEvent> {
  const end = new AbortController()
  for await (const message of store.subscribe('start', end.signal)) {
    if (message.kind === 'caughtUp') end.abort()
    else yield* message.events
  }
}

const signedSize = async (): Promise<number> => {
  const note = await reader.checkpoint()
  return note === null ? -1 : (openCheckpoint(note, database.log.key)?.size ?? -1)
}

const untilSigned = (size: number) => vi.waitFor(async () => expect(await signedSize()).toBe(size), { timeout: 20_000 })

const mustProve = (event: RecordedEvent, proof: EventProof): void => {
  if (proof.kind !== 'proven') throw new Error(`${event.id} is ${proof.kind}`)
  const checkpoint = openCheckpoint(proof.checkpoint, database.log.key)
  expect(checkpoint?.size).toBe(proof.treeSize)
  expect(proof.leafHash).toStrictEqual(leafHashOf(leafContentOf(event)))
  expect(verifyInclusion({ ...proof, root: checkpoint?.root ?? Buffer.alloc(0) })).toBe(true)
}

it('has every event of our streams, also from before it was started, and no other', async () => {
  await appendTo('user-1', 30)
  await appendTo('orders-1', 5)
  await appendTo('access-1', 3)
  start()
  await untilSigned(33)
  await appendTo('user-2', 4)
  await untilSigned(37)
  expect(await reconcileLog(queryableOf(database.pool), history())).toMatchObject({ leaves: 37, difference: null })
  for await (const event of history()) {
    const proof = await reader.proofOf(event.id)
    if (event.stream === 'orders-1') expect(proof).toStrictEqual({ kind: 'unknown' })
    else mustProve(event, proof)
  }
  expect(await reader.verifierKey()).toBe(formatVerifierKey(database.log.key))
})

it('signs its empty state at once, and says of an event without a leaf that it is not known', async () => {
  start()
  await untilSigned(0)
  expect(await reader.proofOf(randomUUID())).toStrictEqual({ kind: 'unknown' })
})

it('says of an event behind the last checkpoint that it is not signed yet', async () => {
  await appendTo('user-1', 2)
  start()
  await untilSigned(2)
  await running[0]?.stop()
  await database.append([{ eventId: '6f0c8a52-9f3e-4a0f-8e36-0b9f2e2c1a11', hash: Buffer.alloc(32) }])
  expect(await reader.proofOf('6f0c8a52-9f3e-4a0f-8e36-0b9f2e2c1a11')).toStrictEqual({ kind: 'unsigned' })
})

it('is grown by one of several processes, with no leaf twice and none left out', async () => {
  for (let i = 0; i < 3; i++) start({ owner: `node ${i}`, leaseSeconds: 1, batchSize: 7 })
  await appendTo('user-1', 40)
  await untilSigned(40)
  await running[0]?.stop()
  await appendTo('user-2', 20)
  await untilSigned(60)
  await running[1]?.stop()
  await appendTo('user-3', 20)
  await untilSigned(80)
  expect(await reconcileLog(queryableOf(database.pool), history())).toMatchObject({ leaves: 80, difference: null })
})

it('that begins anew from the start of the store finds its own leaves, and goes on behind them', async () => {
  await appendTo('user-1', 25)
  start({ batchSize: 10 })
  await untilSigned(25)
  await running[0]?.stop()
  await database.pool.query('delete from vault.reactors')
  await appendTo('user-2', 5)
  start({ batchSize: 10 })
  await untilSigned(30)
  expect(await reconcileLog(queryableOf(database.pool), history())).toMatchObject({ leaves: 30, difference: null })
})

describe('what was tampered with', () => {
  it('halts a reactor that comes upon it, and says what it is', async () => {
    await appendTo('user-1', 5)
    start()
    await untilSigned(5)
    await running[0]?.stop()
    await database.pool.query('delete from vault.reactors')
    await database.tamper("update log.leaves set hash = decode(repeat('00', 32), 'hex') where index = 3")
    const again = start()
    await vi.waitFor(() => expect(again.status().state).toBe('halted'), { timeout: 20_000 })
    expect(lines.join()).toContain('is not what leaf 3 of the log says')
  })

  it('stops the signing, counts as halted, and is told once', async () => {
    await appendTo('user-1', 5)
    const first = start()
    await untilSigned(5)
    await database.tamper("update log.tree set frontier = decode(repeat('00', 64), 'hex')")
    await appendTo('user-2', 1)
    await vi.waitFor(() => expect(first.status().state).toBe('halted'), { timeout: 20_000 })
    expect(await signedSize()).toBe(5)
    expect(lines.filter((line) => line.includes('no checkpoint of the log is signed any more'))).toHaveLength(1)
    expect(lines.join()).toContain('does not continue the one of its checkpoint of 5 leaves')
  })
})
