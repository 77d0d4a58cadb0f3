import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PROJECTION_CHANNEL, parseNews } from '../../src/projector/channel.ts'
import { append, expectedTables, fill, ledger } from './ledger.ts'
import { checkpoint, type Harness, openHarness, tables, until, untilAt } from './support.ts'

let harness: Harness
beforeEach(async () => {
  harness = await openHarness()
})
afterEach(() => harness.close())

test('projects what is in the store and then what comes, in order, through views of the live version', async () => {
  const { store, pool } = harness
  await fill(store, 100)
  const projector = harness.run()
  await untilAt(pool, 100n)
  await append(store, 's3', 'gone')
  const last = await append(store, 's3', 'happened')
  await untilAt(pool, last)
  expect(await tables(pool)).toEqual(await expectedTables(store))
  expect(projector.status()).toMatchObject({
    name: 'ledger',
    version: 1,
    state: 'running',
    position: last,
    events: 102,
  })
})

test('writes a catch-up in batches of the size asked for, and each in one transaction with its checkpoint', async () => {
  const { store, pool, notifications } = harness
  await fill(store, 1_000)
  const positions: bigint[] = []
  await notifications.listen(PROJECTION_CHANNEL, (payload) => {
    const position = payload === undefined ? null : parseNews(payload)?.position
    if (position) positions.push(position)
  })
  const projector = harness.run({ batchSize: 100 })
  await untilAt(pool, 1_000n)
  await until(
    () => positions,
    (seen) => seen.at(-1) === 1_000n,
  )
  const { batches, events } = projector.status()
  expect(events).toBe(1_000)
  // The first batch takes what is there when the first event arrives: one of the eleven may be small.
  expect(batches).toBeGreaterThanOrEqual(10)
  expect(batches).toBeLessThanOrEqual(12)
  expect(positions).toHaveLength(batches)
})

test('handles events that concern no table, so that their position is reached as well', async () => {
  const { store, pool } = harness
  harness.run({ projection: { ...ledger, apply: () => [] } })
  await untilAt(pool, await fill(store, 10))
  expect((await tables(pool)).lines).toEqual([])
})

test('keeps the order of events whose decoding takes unequally long, and decodes a batch side by side', async () => {
  const { store, pool } = harness
  await fill(store, 200, 1)
  const order: bigint[] = []
  let open = 0
  let most = 0
  harness.run({
    projection: {
      ...ledger,
      apply: (event) => {
        order.push(event.position)
        return ledger.apply(event)
      },
    },
    decode: async (event) => {
      open += 1
      most = Math.max(most, open)
      await delay(Number(200n - event.position) / 10)
      open -= 1
      return event
    },
  })
  await untilAt(pool, 200n)
  expect(order).toEqual(Array.from({ length: 200 }, (_, index) => BigInt(index + 1)))
  expect(most).toBeGreaterThan(100)
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

test('tells a lag of zero once caught up, however long ago the last event was, and its age before', async () => {
  const { store, pool } = harness
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  await fill(store, 2)
  const projector = harness.run({
    batchSize: 1,
    decode: async (event) => {
      if (event.position === 2n) await gate
      return event
    },
  })
  expect(projector.status().lagSeconds).toBeNull()
  await untilAt(pool, 1n)
  await until(
    () => projector.status().lagSeconds,
    (lag) => lag !== null && lag > 0,
  )
  release()
  await untilAt(pool, 2n)
  await until(
    () => projector.status().lagSeconds,
    (lag) => lag === 0,
  )
})

test('goes on from its checkpoint after a clean stop, and gives its lease back', async () => {
  const { store, pool } = harness
  await fill(store, 20)
  const first = harness.run()
  await untilAt(pool, 20n)
  await first.stop()
  expect(first.status().state).toBe('stopped')
  expect(await checkpoint(pool)).toMatchObject({ owner: null, position: '20', state: 'running' })
  await fill(store, 20)
  const second = harness.run()
  await untilAt(pool, 40n)
  expect(second.status()).toMatchObject({ events: 20, epoch: 2n })
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

test('stops promptly while a decode hangs, with nothing of its batch written', async () => {
  const { store, pool } = harness
  await fill(store, 5)
  const projector = harness.run({ decode: () => new Promise(() => {}) })
  await until(
    () => projector.status().state,
    (state) => state === 'running',
  )
  await projector.stop()
  expect(await checkpoint(pool)).toMatchObject({ owner: null, position: null })
})

test('a version beside the live one becomes the live one once it has caught up', async () => {
  const { store, pool } = harness
  await fill(store, 10)
  const live = harness.run()
  await untilAt(pool, 10n)
  await live.stop()
  const next = harness.run({ projection: { ...ledger, version: 2, apply: () => [] } })
  await until(
    () => next.status().position,
    (position) => position === 10n,
  )
  expect(await tables(pool)).toEqual({ lines: [], heads: [] })
  const { rows } = await pool.query('select version, stage, position from read.projections order by version')
  expect(rows).toEqual([
    { version: 1, stage: 'kept', position: '10' },
    { version: 2, stage: 'live', position: '10' },
  ])
  expect((await pool.query('select * from read.lines_v1')).rows).toHaveLength(10)
})
