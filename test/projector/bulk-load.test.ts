import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { listBuilds, requestRebuild } from '../../src/projector/builds.ts'
import { listParked } from '../../src/projector/parking.ts'
import type { Projection } from '../../src/projector/row-operation.ts'
import { append, expectedTables, fill, ledger } from './ledger.ts'
import { type Harness, openHarness, tables, until, untilAt } from './support.ts'

let harness: Harness
beforeEach(async () => {
  harness = await openHarness()
})
afterEach(() => harness.close())

const builds = () => listBuilds(harness.pool, 'ledger')
const untilLive = (version: number, build: number) =>
  until(builds, (all) => all.some((one) => one.version === version && one.build === build && one.stage === 'live'))

test.each(['poison', 'indigestible'])(
  'a %s event in the middle of a page parks its stream there, as in the live one',
  async (type) => {
    const { store, pool } = harness
    // The store's pages have 16 events; some later ones hold the stream that is parked by then.
    await fill(store, 70)
    await append(store, 's4', type)
    const last = await fill(store, 140)
    harness.run({ onFailure: 'park', bulkSize: 40 })
    await untilAt(pool, last)
    await requestRebuild(pool, ledger)
    await untilLive(1, 2)
    const [built] = await builds()
    // What is left aside is not counted: one event, and twenty behind it.
    expect(built).toMatchObject({ report: { equal: true, parked: [] }, events: 190 })
    const parked = await pool.query('select build, stream, revision::int, type from read.parked order by build')
    const left = { stream: 's4', revision: 10, type }
    expect(parked.rows).toEqual([
      { build: 1, ...left },
      { build: 2, ...left },
    ])
    expect(await listParked(pool, 'ledger')).toHaveLength(1)
    await untilAt(pool, await append(store, 's1', 'happened'))
  },
)

test('a build halts at the event that it cannot take, in the middle of a page, and goes on from there once it can', async () => {
  const { store, pool } = harness
  const last = await fill(store, 200)
  harness.run()
  await untilAt(pool, last)
  let failing = true
  const next: Projection<RecordedEvent> = {
    ...ledger,
    version: 2,
    apply(event) {
      if (failing && event.position === 101n) throw new TypeError('cannot take it')
      return ledger.apply(event)
    },
  }
  const first = harness.run({ projection: next, owner: 'next', bulkSize: 30 })
  const { rows } = await until(
    () => pool.query('select position, state, halted from read.projections where version = 2'),
    (row) => row.rows[0]?.state === 'halted',
  )
  expect(rows).toMatchObject([{ position: '100', halted: { position: '101', type: 'happened' } }])
  expect((await builds()).find(({ version }) => version === 2)).toMatchObject({ events: 100, stage: 'building' })
  await first.stop()
  failing = false
  harness.run({ projection: next, owner: 'mended', bulkSize: 30 })
  await untilLive(2, 1)
  expect((await builds())[0]).toMatchObject({ events: 200, report: { equal: true } })
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

/** A live build at this position, and another one asked for, with nobody at work on either. */
const requestBesideLive = async (last: bigint, options: Parameters<Harness['run']>[0] = {}) => {
  const first = harness.run(options)
  await untilAt(harness.pool, last)
  await first.stop()
  await requestRebuild(harness.pool, ledger)
}

/** How many events each batch has had by the time that the build is live. */
const batchesOfRebuild = async (options: Parameters<Harness['run']>[0]) => {
  const sizes: number[] = []
  harness.run({ ...options, observe: ({ events }) => sizes.push(events) })
  await untilLive(1, 2)
  return sizes
}

test('a batch has no more events than it may, however many arrive together', async () => {
  const { store, pool } = harness
  await requestBesideLive(await fill(store, 100))
  const sizes = await batchesOfRebuild({ bulkSize: 5 })
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(100)
  expect(Math.max(...sizes)).toBe(5)
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

test('a build begins with batches of its own size, not with that of the live tail', async () => {
  await requestBesideLive(await fill(harness.store, 700))
  const sizes = await batchesOfRebuild({ batchSize: 100, bulkSize: 400 })
  expect(Math.max(...sizes)).toBeGreaterThan(300)
})

test('a stream that is parked costs the pages that hold its events nothing', async () => {
  const { store } = harness
  await fill(store, 70)
  await append(store, 's4', 'poison')
  await requestBesideLive(await fill(store, 700), { onFailure: 'park' })
  let subscriptions = 0
  const counted = {
    read: store.read.bind(store),
    tail: store.tail.bind(store),
    subscribe: (...args: Parameters<typeof store.subscribe>) => {
      subscriptions += 1
      return store.subscribe(...args)
    },
  }
  harness.run({ onFailure: 'park', bulkSize: 40, store: counted })
  await untilLive(1, 2)
  // The live one's, and of the build: up to the page at fault, its events, and the rest.
  expect(subscriptions).toBeLessThanOrEqual(6)
})

test('a build that begins again with its keys meets anew what it had parked', async () => {
  const { store, pool } = harness
  await fill(store, 70)
  await append(store, 's4', 'poison')
  const last = await fill(store, 140)
  harness.run({ onFailure: 'park' })
  await untilAt(pool, last)
  // Its inserts replace rows of earlier batches, which is found when all of them are in.
  const replacing: Projection<RecordedEvent> = {
    ...ledger,
    version: 2,
    apply: (event) =>
      ledger.apply(event).map((operation) => {
        if (operation.op !== 'update') return operation
        const row = { stream: event.stream, revision: Number(event.revision), note: null }
        return { op: 'insert', table: 'heads', row }
      }),
  }
  harness.run({ projection: replacing, owner: 'next', onFailure: 'park', bulkSize: 40 })
  await untilLive(2, 1)
  const { rows } = await pool.query(
    `select (select count(*)::int from read.lines_v1 where stream = 's4') as live,
            (select count(*)::int from read.lines_v2 where stream = 's4') as built`,
  )
  expect(rows).toEqual([{ live: 10, built: 10 }])
})
