import { afterEach, beforeEach, expect, test } from 'vitest'
import { append, expectedTables, fill, ledger } from './ledger.ts'
import { checkpoint, FreezablePool, type Harness, openHarness, tables, until, untilAt } from './support.ts'

let harness: Harness
beforeEach(async () => {
  harness = await openHarness()
})
afterEach(() => harness.close())

test('of two projectors one works and the other stands by', async () => {
  const { store, pool } = harness
  const first = harness.run({ owner: 'first' })
  const second = harness.run({ owner: 'second' })
  await untilAt(pool, await fill(store, 30))
  const events = [first.status().events, second.status().events]
  expect(events.sort()).toEqual([0, 30])
  expect((await checkpoint(pool)).epoch).toBe('1')
})

test('a clean stop hands over at once, long before the lease would run out', async () => {
  const { store, pool } = harness
  const first = harness.run({ leaseSeconds: 60 })
  await untilAt(pool, await fill(store, 10))
  const second = harness.run({ leaseSeconds: 60 })
  await first.stop()
  await until(
    () => second.status().state,
    (state) => state === 'running',
    2_000,
  )
  await untilAt(pool, await append(store, 's1', 'happened'))
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

test('an owner that is frozen past its lease is replaced within the lease, and its late batch is rolled back', async () => {
  const { store, pool } = harness
  await fill(store, 10)
  const frozen = new FreezablePool(pool)
  const first = harness.run({ pool: frozen.pool, owner: 'first', leaseSeconds: 1 })
  await untilAt(pool, 10n)
  frozen.freeze()
  // The batch that the frozen owner has in hand would bring this stream back to life.
  await append(store, 'late', 'happened')
  await until(
    () => frozen.held,
    (held) => held > 0,
  )
  const since = Date.now()
  harness.run({ owner: 'second', leaseSeconds: 1 })
  await untilAt(pool, 11n)
  expect(Date.now() - since).toBeLessThan(2_000)
  const last = await append(store, 'late', 'gone')
  await untilAt(pool, last)
  frozen.thaw()
  await until(
    () => first.status().state,
    (state) => state === 'waiting',
  )
  // How old its own last event is by now says nothing of how far the owner is.
  expect(first.status()).toMatchObject({ position: 10n, lagSeconds: null })
  expect(harness.lines.map((line) => line.msg)).toContain('the projector steps down')
  expect(await tables(pool)).toEqual(await expectedTables(store))
  expect(first.status().events).toBe(10)
  expect(await checkpoint(pool)).toMatchObject({ position: String(last), epoch: '2' })
})

test('an owner that froze inside its transaction does not keep its successor waiting for the row lock', async () => {
  const { store, pool } = harness
  await fill(store, 10)
  const frozen = new FreezablePool(pool)
  harness.run({ pool: frozen.pool, owner: 'first', leaseSeconds: 1 })
  await untilAt(pool, 10n)
  // After the checkpoint's row was taken, before the rows are written.
  frozen.freeze((text) => text.includes('insert into read'))
  await append(store, 's1', 'happened')
  await until(
    () => frozen.held,
    (held) => held > 0,
  )
  const since = Date.now()
  harness.run({ owner: 'second', leaseSeconds: 1 })
  await untilAt(pool, 11n)
  expect(Date.now() - since).toBeLessThan(4_000)
  frozen.thaw()
  await untilAt(pool, await append(store, 's2', 'happened'))
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

test('a lease is kept by its heartbeat while nothing happens', async () => {
  const { store, pool } = harness
  harness.run({ owner: 'first', leaseSeconds: 1 })
  await untilAt(pool, await fill(store, 1))
  harness.run({ owner: 'second', leaseSeconds: 1 })
  const lapsed = "select lease_until > registered_at + interval '2.5 seconds' as late, owner from read.projections"
  const { rows } = await until(
    () => pool.query<{ late: boolean; owner: string }>(lapsed),
    (result) => result.rows[0]?.late === true,
  )
  expect(rows[0]?.owner).toMatch(/^first\//)
  expect((await checkpoint(pool)).epoch).toBe('1')
})

test('two owners that take the lease from each other again and again leave what one alone would', async () => {
  const { store, pool } = harness
  const sides = ['left', 'right'].map((owner) => {
    const side = new FreezablePool(pool)
    harness.run({ pool: side.pool, owner, leaseSeconds: 0.2, batchSize: 5 })
    return side
  })
  let last = 0n
  for (let turn = 0; turn < 12; turn += 1) {
    const side = sides[turn % 2]
    side?.freeze()
    await fill(store, 20)
    last = await append(store, `s${turn % 7}`, 'gone')
    // The other one has it now; what the frozen one holds in hand is old.
    await untilAt(pool, last)
    side?.thaw()
  }
  expect(await tables(pool)).toEqual(await expectedTables(store))
  expect(Number((await checkpoint(pool)).epoch)).toBeGreaterThan(6)
})

test('projections of other names do not wait for each other', async () => {
  const { store, pool } = harness
  harness.run({ decode: () => new Promise(() => {}) })
  const [lines, heads] = ledger.tables
  const others = [lines, heads].flatMap((table) => (table ? [{ ...table, name: `other_${table.name}` }] : []))
  harness.run({ projection: { ...ledger, name: 'other', tables: others, apply: () => [] } })
  await untilAt(pool, await fill(store, 5), 'other')
  await until(
    () => checkpoint(pool),
    ({ owner, position }) => typeof owner === 'string' && position === null,
  )
})
