/** A position means something in one store only: read models must not go on behind the positions of another one. */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import { DecodeError, type EventStore, StoreUnavailable, StreamGone } from '../../src/event-store/port.ts'
import { openPostgresEventStore } from '../../src/event-store/postgres.ts'
import { openProgress, type Progress } from '../../src/projector/progress.ts'
import { registerProjections } from '../../src/projector/schema.ts'
import { readAll } from '../event-store/helpers.ts'
import { createDatabase } from '../support/postgres.ts'
import { append, fill, ledger } from './ledger.ts'
import { checkpoint, type Harness, openHarness, tables, until, untilAt } from './support.ts'

let harness: Harness
let progress: Progress
beforeEach(async () => {
  harness = await openHarness()
  const { pool, notifications, log } = harness
  progress = openProgress({ pool, notifications, log })
})
afterEach(async () => {
  await progress.close()
  await harness.close()
})

/** Projects what the harness's store holds, and stops. */
async function projectAndStop(events: number): Promise<void> {
  const projector = harness.run()
  await untilAt(harness.pool, await fill(harness.store, events))
  await projector.stop()
}

async function identity(): Promise<unknown> {
  const { rows } = await harness.pool.query(
    'select last_stream as stream, last_revision as revision, last_event_id as id from read.projections',
  )
  return rows[0]
}

/** Another history of the same shape: its positions and streams are there, its events are not. */
async function anotherStore(events: number): Promise<MemoryEventStore> {
  const store = new MemoryEventStore()
  for (let index = 0; index < events; index += 1) {
    const revision = BigInt(Math.floor(index / 7))
    const event = { id: randomUUID(), type: 'happened', data: {}, metadata: {} }
    await store.append(`s${index % 7}`, [event], revision === 0n ? 'none' : revision - 1n)
  }
  return store
}

const untilHalted = () =>
  until(
    () => checkpoint(harness.pool),
    (row) => row.state === 'halted',
  )

/** The harness's store, with the answer to the one read that verifies in the place of the real one. */
const reading = (read: EventStore['read']) => ({
  read,
  subscribe: harness.store.subscribe.bind(harness.store),
  tail: harness.store.tail.bind(harness.store),
})

test('each checkpoint names its event, in the same transaction', async () => {
  const { store, pool } = harness
  harness.run({ batchSize: 3 })
  await untilAt(pool, await fill(store, 20))
  const [last] = await readAll(store, 's5', { backwards: true, limit: 1 })
  expect(await identity()).toEqual({ stream: 's5', revision: '2', id: last?.id })
})

test('on another store the projection halts before the first event, and says what to do', async () => {
  const { pool, lines } = harness
  await projectAndStop(20)
  const [rows, noted] = [await tables(pool), await identity()]
  const projector = harness.run({ store: await anotherStore(40) })
  const row = await untilHalted()
  expect(row).toMatchObject({
    position: '20',
    halted_at: '20',
    owner: null,
    halted: { position: '20', stream: 's5', revision: '2', fault: { error: 'OtherStore' } },
  })
  const remedy = /^the checkpoint of projection ledger is of another event store.*EVENT_STORE_URL.*drop schema read/
  expect(row.halted).toMatchObject({ fault: { message: expect.stringMatching(remedy) } })
  await until(
    () => projector.status().state,
    (state) => state === 'halted',
  )
  expect(lines.filter(({ level }) => level === 50)).toMatchObject([{ msg: expect.stringMatching(remedy) }])
  expect(await tables(pool)).toEqual(rows)
  expect(await identity()).toEqual(noted)
})

test('queries learn of the halt at once, also those that ask for a position the other store had reached', async () => {
  await projectAndStop(20)
  expect(await progress.waitFor('ledger', 7n, 5_000)).toBe('reached')
  const store = await anotherStore(40)
  harness.run({ store })
  await untilHalted()
  await until(
    () => progress.waitFor('ledger', 7n, 5_000),
    (outcome) => outcome === 'halted',
  )
  expect(await progress.waitFor('ledger', 30n, 5_000)).toBe('halted')
  expect(await progress.statusOf('ledger')).toMatchObject({ state: 'halted' })
})

test('back on its own store the projection runs again, without a new event', async () => {
  const { store, pool } = harness
  await projectAndStop(20)
  const wrong = harness.run({ store: await anotherStore(40) })
  await untilHalted()
  await wrong.stop()
  harness.run()
  await until(
    () => progress.statusOf('ledger'),
    (status) => status?.state === 'running' && status.lagSeconds === 0,
  )
  expect(await progress.waitFor('ledger', 20n, 5_000)).toBe('reached')
  expect(await checkpoint(pool)).toMatchObject({ halted: null, halted_at: null })
  await untilAt(pool, await append(store, 's1', 'happened'))
})

test('a halt in front of an event is not taken for one of another store', async () => {
  const { store } = harness
  await projectAndStop(5)
  const failing = harness.run()
  await append(store, 's1', 'poison')
  await untilHalted()
  await failing.stop()
  harness.run({ owner: 'next' })
  await until(
    () => harness.lines.filter(({ level }) => level === 50).length,
    (alerts) => alerts === 2,
  )
  expect((await untilHalted()).halted).toMatchObject({ type: 'poison', fault: { error: 'TypeError' } })
  expect(await progress.waitFor('ledger', 5n, 5_000)).toBe('reached')
})

test('the same event at another position is of another store: a copy of the history has other positions', async () => {
  const { store } = harness
  await projectAndStop(20)
  async function* shifted(...args: Parameters<EventStore['read']>) {
    for await (const event of store.read(...args)) yield { ...event, position: event.position + 100n }
  }
  harness.run({ store: reading(shifted) })
  expect((await untilHalted()).halted).toMatchObject({ fault: { error: 'OtherStore' } })
})

test('a store that was restored to an earlier moment, or has lost the stream, is another one', async () => {
  await projectAndStop(20)
  const earlier = harness.run({ store: await anotherStore(3) })
  await untilHalted()
  await earlier.stop()
  harness.run({
    owner: 'second',
    // biome-ignore lint/correctness/useYield: it fails before the first event.
    store: reading(async function* () {
      throw new StreamGone('s5')
    }),
  })
  await until(
    () => harness.lines.filter(({ level }) => level === 50).length,
    (alerts) => alerts === 2,
  )
})

test('an event that was damaged since it was handled is still at its place', async () => {
  const { store, pool } = harness
  await projectAndStop(20)
  harness.run({
    // biome-ignore lint/correctness/useYield: it fails before the first event.
    store: reading(async function* () {
      throw new DecodeError(20n, 'happened')
    }),
  })
  await untilAt(pool, await append(store, 's1', 'happened'))
})

test('a store that is away is waited for, and then looked at', async () => {
  const { store, pool } = harness
  await projectAndStop(20)
  let failures = 3
  const projector = harness.run({
    store: reading(async function* (...args: Parameters<EventStore['read']>) {
      failures -= 1
      if (failures >= 0) throw new StoreUnavailable('notCommitted')
      yield* store.read(...args)
    }),
  })
  await untilAt(pool, await append(store, 's1', 'happened'))
  expect(projector.status()).toMatchObject({ state: 'running', retries: 3 })
})

test('a store that hangs does not keep a projector from stopping', async () => {
  await projectAndStop(20)
  const projector = harness.run({
    store: reading(async function* () {
      await new Promise(() => {})
    }),
  })
  await until(
    () => projector.status().state,
    (state) => state === 'running',
  )
  await projector.stop()
  expect((await checkpoint(harness.pool)).owner).toBeNull()
})

test('a checkpoint of an earlier release names no event: it is believed, and the next batch fills it in', async () => {
  const { store, pool } = harness
  await projectAndStop(20)
  // As the release before left it.
  await pool.query(`
    delete from read.migrations where name > '0002';
    drop table read.parked;
    alter table read.projections
      drop column last_stream, drop column last_revision, drop column last_event_id,
      drop column build, drop column stage, drop column purpose, drop column forced, drop column bulk,
      drop column tables, drop column events, drop column target, drop column started_at, drop column report,
      drop column started_from,
      add constraint projections_pkey primary key (name, version)`)
  await registerProjections(pool, [ledger])
  expect(await identity()).toEqual({ stream: null, revision: null, id: null })
  harness.run()
  await untilAt(pool, await append(store, 's6', 'happened'))
  expect(await identity()).toMatchObject({ stream: 's6', revision: '2' })
})

test('two stores in PostgreSQL are told apart as well', async () => {
  const { log, pool } = harness
  const open = async () => {
    const database = await createDatabase()
    const store = await openPostgresEventStore({ connection: database.connection, log })
    onTestFinished(async () => {
      await store.close()
      await database.drop()
    })
    const event = () => ({ id: randomUUID(), type: 'happened', data: {}, metadata: {} })
    return { store, position: (await store.append('s1', [event(), event()], 'none')).position }
  }
  const [own, other] = [await open(), await open()]
  for (const expected of ['running', 'halted', 'running']) {
    const projector = harness.run({ store: expected === 'halted' ? other.store : own.store })
    await until(
      () => projector.status(),
      ({ state, lagSeconds }) => state === expected && (state === 'halted' || lagSeconds === 0),
    )
    expect(await checkpoint(pool)).toMatchObject({ position: String(own.position), state: expected })
    await projector.stop()
  }
})
