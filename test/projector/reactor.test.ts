import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { migrate } from '../../src/platform/migrations.ts'
import { type Reactor, registerReactors, runReactor } from '../../src/projector/reactor.ts'
import type { RunningWorker } from '../../src/projector/worker.ts'
import { vaultMigrations } from '../../src/secrets/vault-schema.ts'
import { append, fill } from './ledger.ts'
import { type Harness, openHarness, until } from './support.ts'

let harness: Harness
const running: RunningWorker[] = []

beforeEach(async () => {
  harness = await openHarness()
  await migrate(harness.pool, 'vault', vaultMigrations)
  await harness.pool.query('create table done (event_id text)')
})
afterEach(async () => {
  await Promise.all(running.splice(0).map((reactor) => reactor.stop()))
  await harness.close()
})

/** Notes every event in a table that lets the same one in twice. */
const noting: Reactor<RecordedEvent> = {
  name: 'noting',
  async handle(events, transaction) {
    for (const { id } of events) await transaction.query('insert into done values ($1)', [id])
  },
}

const run = (reactor: Partial<Reactor<RecordedEvent>> = {}, options: { owner?: string; batchSize?: number } = {}) => {
  const { store, pool, notifications, log } = harness
  const worker = runReactor({
    reactor: { ...noting, ...reactor },
    ...{ store, pool, notifications, log },
    decode: async (event) => event,
    owner: 'test',
    leaseSeconds: 1,
    ...options,
  })
  running.push(worker)
  return worker
}

const done = async (): Promise<readonly string[]> => {
  const { rows } = await harness.pool.query<{ event_id: string }>('select event_id from done')
  return rows.map(({ event_id }) => event_id)
}

const untilDone = (count: number) => until(done, (ids) => ids.length >= count)

const idsOf = async (stream: string): Promise<readonly string[]> => {
  const ids: string[] = []
  for await (const { id } of harness.store.read(stream)) ids.push(id)
  return ids
}

test('begins at the end of the log, and misses nothing that comes between its registration and its first run', async () => {
  const { store, pool } = harness
  await fill(store, 20)
  await registerReactors(pool, store, ['noting'])
  await append(store, 'later', 'happened')
  // Another process registers it too, or this one starts again.
  await registerReactors(pool, store, ['noting'])
  await append(store, 'later', 'happened')
  run()
  await untilDone(2)
  await append(store, 'later', 'happened')
  expect(await untilDone(3)).toEqual(await idsOf('later'))
})

test('registered in front of an empty log it sees the first event', async () => {
  await registerReactors(harness.pool, harness.store, ['noting'])
  await append(harness.store, 'first', 'happened')
  run()
  expect(await untilDone(1)).toEqual(await idsOf('first'))
})

test('goes on behind the last event handled after a restart, also where schema read was dropped meanwhile', async () => {
  const { store, pool } = harness
  const first = run()
  await until(
    () => first.status().state,
    (state) => state === 'running',
  )
  await append(store, 's', 'happened')
  await untilDone(1)
  await first.stop()
  await append(store, 's', 'happened')
  await pool.query('drop schema if exists read cascade')
  run()
  await untilDone(2)
  await append(store, 's', 'happened')
  expect(await untilDone(3)).toEqual(await idsOf('s'))
})

test('what it writes and its checkpoint are one: a batch that fails at its end leaves nothing behind', async () => {
  const { store, pool } = harness
  await registerReactors(pool, store, ['noting'])
  await fill(store, 9)
  await append(store, 'poison', 'happened')
  await fill(store, 5)
  run({
    async handle(events, transaction) {
      await noting.handle(events, transaction)
      if (events.some(({ stream }) => stream === 'poison')) throw new Error('it cannot be')
    },
  })
  const { rows } = await until(
    () => pool.query<{ state: string; halted_at: string; position: string }>('select * from vault.reactors'),
    (result) => result.rows[0]?.state === 'halted',
  )
  expect(rows[0]).toMatchObject({ halted_at: '10', position: '9' })
  const ids = await done()
  expect(new Set(ids).size).toBe(9)
  expect(ids).toHaveLength(9)
  // Its row tells first.
  const told =
    'the reactor is halted: it cannot handle this event. Everything before it is done; a restart tries it again'
  await until(
    () => harness.lines.map(({ msg }) => msg),
    (messages) => messages.includes(told),
  )
})

test('two processes that take turns handle each event once', async () => {
  const { store, pool } = harness
  await registerReactors(pool, store, ['noting'])
  let current = run({}, { owner: 'left', batchSize: 3 })
  for (let turn = 0; turn < 5; turn += 1) {
    await fill(store, 20)
    const next = run({}, { owner: `turn ${turn}`, batchSize: 3 })
    await current.stop()
    current = next
  }
  const ids = await untilDone(100)
  expect(new Set(ids).size).toBe(100)
  expect(ids).toHaveLength(100)
})

test('says so after each transaction, and not before', async () => {
  const { store, pool } = harness
  await registerReactors(pool, store, ['noting'])
  const seen: Promise<number>[] = []
  run({ committed: () => void seen.push(done().then((ids) => ids.length)) })
  await append(store, 's', 'happened')
  await until(
    () => seen.length,
    (count) => count === 1,
  )
  expect(await seen[0]).toBe(1)
})

test('does not listen to projections of its own name, and they not to it', async () => {
  const { store } = harness
  harness.run({ projection: { name: 'noting', version: 1, tables: [], apply: () => [] } })
  run()
  await until(
    () => running.map((worker) => worker.status().state),
    (states) => states.every((state) => state === 'running'),
  )
  await append(store, 's', 'happened')
  await untilDone(1)
})
