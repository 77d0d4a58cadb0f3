import type pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openProgress, type Progress } from '../../src/projector/progress.ts'
import { registerProjections } from '../../src/projector/schema.ts'
import { append, fill, ledger } from './ledger.ts'
import { checkpoint, FreezablePool, type Harness, openHarness, until, untilAt } from './support.ts'

const LONG = 10_000

let harness: Harness
let progress: Progress
let queries: string[]
beforeEach(async () => {
  harness = await openHarness()
  queries = []
  const { notifications, log } = harness
  progress = openProgress({ pool: counting(harness.pool), notifications, log })
})
afterEach(async () => {
  await progress.close()
  await harness.close()
})

/** Notes the statements that go through it. */
function counting(pool: pg.Pool): pg.Pool {
  return new Proxy(pool, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (key === 'query') queries.push(String(args[0]))
        return Reflect.apply(value, target, args)
      }
    },
  })
}

test('a position that is reached later is waited for, and told as soon as it is', async () => {
  const { store, pool } = harness
  harness.run()
  await untilAt(pool, await fill(store, 5))
  const wait = progress.waitFor('ledger', 6n, LONG)
  const since = Date.now()
  await append(store, 's1', 'happened')
  expect(await wait).toBe('reached')
  expect(Date.now() - since).toBeLessThan(2_000)
})

test('a position known to be reached takes no query', async () => {
  const { store, pool } = harness
  harness.run()
  await untilAt(pool, await fill(store, 5))
  expect(await progress.waitFor('ledger', 5n, LONG)).toBe('reached')
  const before = queries.length
  for (let position = 1n; position <= 5n; position += 1n) {
    expect(await progress.waitFor('ledger', position, LONG)).toBe('reached')
  }
  // Nor does one that a notification has told of.
  const last = await append(store, 's1', 'happened')
  expect(await progress.waitFor('ledger', last, LONG)).toBe('reached')
  await append(store, 's1', 'happened')
  expect(await progress.waitFor('ledger', last, LONG)).toBe('reached')
  expect(queries.length - before).toBeLessThanOrEqual(1)
})

test('many waiters share one look at the row', async () => {
  const { store, pool } = harness
  let open = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  harness.run({
    decode: async (event) => {
      await gate
      return event
    },
  })
  await fill(store, 5)
  await until(
    () => checkpoint(pool),
    ({ owner }) => typeof owner === 'string',
  )
  queries = []
  const waits = Array.from({ length: 200 }, (_, index) => progress.waitFor('ledger', BigInt(1 + (index % 5)), LONG))
  await until(
    () => queries.length,
    (count) => count > 0,
  )
  open()
  expect(new Set(await Promise.all(waits))).toEqual(new Set(['reached']))
  expect(queries.length).toBeLessThan(10)
})

test('a position that is not reached in time is behind', async () => {
  const { store, pool } = harness
  harness.run()
  await untilAt(pool, await fill(store, 5))
  expect(await progress.waitFor('ledger', 6n, 100)).toBe('behind')
  expect(await progress.waitFor('ledger', 6n, 0)).toBe('behind')
  expect(await progress.waitFor('ledger', 5n, 0)).toBe('reached')
})

test('a caller that goes away waits no longer', async () => {
  const { store, pool } = harness
  harness.run()
  await untilAt(pool, await fill(store, 1))
  const gone = new AbortController()
  const wait = progress.waitFor('ledger', 2n, LONG, gone.signal)
  gone.abort()
  expect(await wait).toBe('behind')
  expect(await progress.waitFor('ledger', 2n, LONG, gone.signal)).toBe('behind')
})

test('a projection that does not exist, or that nobody has ever owned, is told as halted at once', async () => {
  const { pool } = harness
  await registerProjections(pool, [ledger])
  const since = Date.now()
  expect(await progress.waitFor('nothing', 1n, LONG)).toBe('halted')
  expect(await progress.waitFor('ledger', 1n, LONG)).toBe('halted')
  expect(Date.now() - since).toBeLessThan(2_000)
})

test('a halted projection is told at once, and still serves the positions before the halt', async () => {
  const { store, pool } = harness
  harness.run()
  await untilAt(pool, await fill(store, 5))
  const wait = progress.waitFor('ledger', 6n, LONG)
  await append(store, 's1', 'poison')
  const since = Date.now()
  expect(await wait).toBe('halted')
  expect(await progress.waitFor('ledger', 6n, LONG)).toBe('halted')
  expect(await progress.waitFor('ledger', 5n, LONG)).toBe('reached')
  expect(Date.now() - since).toBeLessThan(3_000)
})

test('a projector that stopped, or that died without a word, is told once its lease is over', async () => {
  const { store, pool } = harness
  const stopped = harness.run()
  await untilAt(pool, await fill(store, 1))
  await stopped.stop()
  expect(await progress.waitFor('ledger', 2n, LONG)).toBe('halted')
  const frozen = new FreezablePool(pool)
  harness.run({ pool: frozen.pool, leaseSeconds: 1 })
  await untilAt(pool, await append(store, 's1', 'happened'))
  frozen.freeze()
  const since = Date.now()
  expect(await progress.waitFor('ledger', 3n, LONG)).toBe('halted')
  expect(Date.now() - since).toBeLessThan(3_000)
  frozen.thaw()
})

test('what was known is not believed after notifications may have been missed', async () => {
  const { store, pool } = harness
  const projector = harness.run()
  await untilAt(pool, await fill(store, 5))
  expect(await progress.waitFor('ledger', 5n, LONG)).toBe('reached')
  await projector.stop()
  // As a crash of the database may leave it: the last transactions are gone.
  await pool.query('update read.projections set position = 3')
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'strongroom notifications'`,
  )
  await until(
    () => progress.waitFor('ledger', 5n, 0),
    (outcome) => outcome === 'halted',
  )
})

test('while the database is away the wait fails with its error', async () => {
  const { notifications, log, pool } = harness
  const away: pg.Pool = Object.create(pool, {
    query: { value: async () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })) },
  })
  const cutOff = openProgress({ pool: away, notifications, log })
  await expect(cutOff.waitFor('ledger', 1n, LONG)).rejects.toThrow('refused')
  await cutOff.close()
})

test('only the live version counts', async () => {
  const { pool } = harness
  await registerProjections(pool, [ledger, { ...ledger, version: 2 }])
  await pool.query("update read.projections set position = 5, owner = 'x', lease_until = 'infinity' where version = 2")
  expect(await progress.waitFor('ledger', 1n, LONG)).toBe('halted')
})

test('tells the status of the live version', async () => {
  const { store, pool } = harness
  expect(await progress.statusOf('ledger').catch(() => undefined)).toBeUndefined()
  const projector = harness.run({ leaseSeconds: 0.5 })
  await untilAt(pool, await fill(store, 5))
  await until(
    () => progress.statusOf('ledger'),
    (status) => status?.lagSeconds === 0,
  )
  expect(await progress.statusOf('ledger')).toEqual({
    name: 'ledger',
    version: 1,
    state: 'running',
    owned: true,
    position: 5n,
    lagSeconds: 0,
  })
  await projector.stop()
  const status = await progress.statusOf('ledger')
  expect(status).toMatchObject({ owned: false })
  expect(status?.lagSeconds).toBeGreaterThan(0)
})

test('a first build of a history that was there is partial until its end, or until it has caught up', async () => {
  const { store, pool } = harness
  const end = await fill(store, 20)
  await registerProjections(pool, [ledger], { tail: async () => end })
  const at = (position: bigint | null) =>
    pool.query('update read.projections set position = $1', [position === null ? null : String(position)])
  expect(await progress.isPartial('ledger')).toBe(true)
  await at(end - 1n)
  expect(await progress.isPartial('ledger')).toBe(true)
  await at(end)
  expect(await progress.isPartial('ledger')).toBe(false)
  // Known from then on, until something else than progress happens.
  const asked = queries.length
  expect(await progress.isPartial('ledger')).toBe(false)
  expect(queries).toHaveLength(asked)

  // The end of a log may be a record that is no event: nothing more comes, and nothing more is there.
  await pool.query('update read.projections set position = null, target = $1', [String(end + 100n)])
  const projector = harness.run({ leaseSeconds: 0.5 })
  await untilAt(pool, end)
  await until(
    () => progress.isPartial('ledger'),
    (partial) => !partial,
  )
  await projector.stop()
})

test('a first build of an empty log, and one whose end nobody asked for, is never partial', async () => {
  const { pool } = harness
  await registerProjections(pool, [ledger], { tail: async () => 'start' })
  expect(await progress.isPartial('ledger')).toBe(false)
  expect(await progress.isPartial('nothing')).toBe(false)
})
