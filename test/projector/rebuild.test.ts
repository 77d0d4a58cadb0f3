import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { type Build, listBuilds, requestRebuild, requestRollback } from '../../src/projector/builds.ts'
import { openProgress } from '../../src/projector/progress.ts'
import type { Projection, RowOperation } from '../../src/projector/row-operation.ts'
import { registerProjections } from '../../src/projector/schema.ts'
import { append, expectedTables, fill, fillStory, ledger } from './ledger.ts'
import { type Harness, openHarness, tables, until, untilAt } from './support.ts'

let harness: Harness
beforeEach(async () => {
  harness = await openHarness()
})
afterEach(() => harness.close())

const builds = () => listBuilds(harness.pool, 'ledger')
const stages = async () => (await builds()).map(({ version, build, stage }) => `${version}.${build} ${stage}`)
const untilStages = (...wanted: string[]) => until(stages, (now) => now.join() === wanted.join())

test('a rebuild makes the same rows again, flips, and keeps the old build', async () => {
  const { store, pool } = harness
  await fillStory(store, 500)
  harness.run({ batchSize: 50 })
  await untilAt(pool, 500n)
  expect(await requestRebuild(pool, ledger)).toEqual({ kind: 'accepted', version: 1, build: 2 })
  await untilStages('1.2 live', '1.1 kept')
  expect(await tables(pool)).toEqual(await expectedTables(store))
  const [live] = await builds()
  expect(live?.report).toMatchObject({ equal: true, position: '500', with: { version: 1, build: 1 } })
  expect(live).toMatchObject({ events: 500, target: 500n, bulk: 'done' })
  const { rows } = await pool.query("select indexname from pg_indexes where tablename = 'lines_v1b2' order by 1")
  expect(rows.map(({ indexname }) => indexname)).toEqual(['lines_v1b2_1', 'lines_v1b2_pkey'])
  await untilAt(pool, await append(store, 's1', 'happened'))
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

test('while one runs another one is refused; the next one drops what was kept', async () => {
  const { store, pool } = harness
  await fillStory(store, 60)
  const first = harness.run()
  await untilAt(pool, 60n)
  await first.stop()
  await requestRebuild(pool, ledger)
  expect(await requestRebuild(pool, ledger)).toEqual({ kind: 'conflict', version: 1, build: 2 })
  harness.run()
  await untilStages('1.2 live', '1.1 kept')
  await requestRebuild(pool, ledger)
  await untilStages('1.3 live', '1.2 kept')
  expect((await pool.query("select to_regclass('read.lines_v1') as gone")).rows).toEqual([{ gone: null }])
})

test('rows that differ from the live ones of the same version stop the flip, are named, and can be forced', async () => {
  const { store, pool, lines } = harness
  await fillStory(store, 200)
  harness.run()
  await untilAt(pool, 200n)
  await pool.query(
    `update read.lines_v1 set revision = revision + 100 where position = (select min(position) from read.lines_v1)`,
  )
  await pool.query(`delete from read.lines_v1 where position = (select max(position) from read.lines_v1)`)
  await requestRebuild(pool, ledger)
  await untilStages('1.2 refused', '1.1 live')
  const [refused] = await builds()
  const report = refused?.report as { tables: { table: string; differences: { kind: string }[] }[] }
  const { differences } = report.tables.find(({ table }) => table === 'lines') ?? { differences: [] }
  expect(differences).toContainEqual({
    key: { position: expect.stringMatching(/^\d+$/) },
    kind: 'changed',
    columns: ['revision'],
  })
  expect(differences.map(({ kind }) => kind).sort()).toEqual(['changed', 'extra'])
  expect(report.tables.find(({ table }) => table === 'heads')).toMatchObject({ equal: true, differences: [] })
  expect(lines.filter(({ level }) => level === 50)).toHaveLength(1)
  await untilAt(pool, await fill(store, 3))
  await requestRebuild(pool, ledger, { forced: true })
  await untilStages('1.2 live', '1.1 kept')
  const [taken] = await builds()
  expect(refused).toMatchObject({ events: 200, startedFrom: null, target: 200n })
  expect(taken).toMatchObject({ events: 3, startedFrom: 200n, target: 203n })
  expect(Number(taken?.startedAt)).toBeGreaterThan(Number(refused?.startedAt))
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

test("a store whose last record is nobody's is rebuilt to its end, though no event is there", async () => {
  const { store, pool } = harness
  await registerProjections(pool, [ledger])
  await requestRebuild(pool, ledger)
  harness.run({
    store: { read: store.read.bind(store), subscribe: store.subscribe.bind(store), tail: async () => 1_000n },
  })
  await untilStages('1.2 live', '1.1 kept')
  await untilAt(pool, await append(store, 's1', 'happened'))
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

test('a new version with another column takes over, though it differs, and the views have its columns', async () => {
  const { store, pool } = harness
  await fill(store, 50)
  const old = harness.run()
  await untilAt(pool, 50n)
  const [lines, heads] = ledger.tables
  if (!lines || !heads) throw new Error('the ledger has two tables')
  const next: Projection<RecordedEvent> = {
    ...ledger,
    version: 2,
    tables: [{ ...lines, columns: { ...lines.columns, kind: { type: 'text' } } }, heads],
    apply: (event) =>
      ledger
        .apply(event)
        .map((operation) =>
          operation.op === 'insert' && operation.table === 'lines'
            ? { ...operation, row: { ...operation.row, kind: event.type } }
            : operation,
        ),
  }
  harness.run({ projection: next, owner: 'next' })
  await untilStages('2.1 live', '1.1 kept')
  expect((await pool.query('select distinct kind from read.lines')).rows).toEqual([{ kind: 'happened' }])
  const [live] = await builds()
  expect(live?.report).toMatchObject({
    equal: false,
    tables: [
      { table: 'lines', added: ['kind'], equal: true, live: 50, built: 50 },
      { table: 'heads', added: [] },
    ],
  })
  await until(
    () => old.status().state,
    (state) => state !== 'running',
  )
  await untilAt(pool, await append(store, 's1', 'happened'))
})

test('a rollback brings the old build up to date and makes it live again', async () => {
  const { store, pool } = harness
  await fill(store, 30)
  const old = harness.run()
  await untilAt(pool, 30n)
  const next = harness.run({ projection: { ...ledger, version: 2, apply: () => [] }, owner: 'next' })
  await untilStages('2.1 live', '1.1 kept')
  await untilAt(pool, await fill(store, 5))
  await requestRollback(pool, 'ledger')
  await untilStages('2.1 kept', '1.1 live')
  // Counted from where it was taken up again: the thirty before were long done.
  expect((await builds())[1]).toMatchObject({ events: 5, startedFrom: 30n, target: 35n })
  expect(await tables(pool)).toEqual(await expectedTables(store))
  await untilAt(pool, await append(store, 's1', 'happened'))
  await Promise.all([old.stop(), next.stop()])
})

test('an older release that starts beside a newer live version changes nothing', async () => {
  const { store, pool } = harness
  harness.run({ projection: { ...ledger, version: 2 } })
  await untilAt(pool, await fill(store, 5))
  const old = harness.run()
  await untilAt(pool, await append(store, 's1', 'happened'))
  expect(await stages()).toEqual(['2.1 live'])
  expect(old.status().state).toBe('waiting')
})

test.each<[string, (event: RecordedEvent) => readonly RowOperation[]]>([
  ['is built with its keys from the beginning', () => []],
  [
    'is so also where an update asks for the key in mid-load',
    // Of a stream that this batch has no row of.
    ({ position }) =>
      position === 200n ? [{ op: 'update', table: 'heads', key: { stream: 'none' }, set: { note: 'x' } }] : [],
  ],
])('a projection whose inserts replace rows of earlier batches %s', async (_, more) => {
  const { store, pool } = harness
  const [, heads] = ledger.tables
  if (!heads) throw new Error('the ledger has two tables')
  const latest: Projection<RecordedEvent> = {
    ...ledger,
    tables: [heads],
    apply: (event) => {
      const row = { stream: event.stream, revision: Number(event.revision), note: null }
      return [{ op: 'insert', table: 'heads', row }, ...more(event)]
    },
  }
  // More than one batch of the bulk load.
  await fill(store, 300)
  harness.run({ projection: latest, bulkSize: 50 })
  await untilAt(pool, 300n)
  await requestRebuild(pool, latest)
  await untilStages('1.2 live', '1.1 kept')
  const { rows } = await pool.query('select stream, revision from read.heads order by stream limit 1')
  expect(rows).toEqual([{ stream: 's0', revision: 42 }])
  expect((await builds())[0]).toMatchObject({ events: 300 })
})

test('a long history, with rows changed and removed long after they were written, is the same in bulk', async () => {
  const { store, pool } = harness
  await fillStory(store, 1_000)
  harness.run({ bulkSize: 40 })
  await untilAt(pool, 1_000n)
  await requestRebuild(pool, ledger)
  await untilStages('1.2 live', '1.1 kept')
  expect((await builds())[0]?.report).toMatchObject({ equal: true })
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

test('whoever reads and waits while builds flip never sees rows go back, nor a half-built table', async () => {
  const { store, pool, notifications, log } = harness
  await fill(store, 200)
  harness.run({ batchSize: 20 })
  await untilAt(pool, 200n)
  const progress = openProgress({ pool, notifications, log })
  let done = false
  let seen = 0
  const reader = async () => {
    while (!done) {
      const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from read.lines')
      expect(rows[0]?.n).toBeGreaterThanOrEqual(seen)
      seen = rows[0]?.n ?? 0
    }
  }
  const writer = async () => {
    while (!done) {
      const position = await append(store, 's1', 'happened')
      expect(await progress.waitFor('ledger', position, 5_000)).toBe('reached')
      const { rows } = await pool.query('select 1 from read.lines where position = $1', [position])
      expect(rows).toHaveLength(1)
    }
  }
  const both = Promise.all([reader(), writer()])
  for (let build = 2; build <= 4; build += 1) {
    await requestRebuild(pool, ledger)
    await untilStages(`1.${build} live`, `1.${build - 1} kept`)
  }
  done = true
  await both
  await progress.close()
})

test('killed with SIGKILL again and again in mid-build, it is finished by the next process, and serves all the while', async () => {
  const { store, pool } = harness
  const events = 600
  await fillStory(store, events)
  const first = harness.run()
  await untilAt(pool, BigInt(events))
  await first.stop()
  const expected = await expectedTables(store)
  await requestRebuild(pool, ledger)
  const script = fileURLToPath(new URL('./run-projector.ts', import.meta.url))
  const process = () =>
    spawn(
      globalThis.process.execPath,
      ['--import', 'tsx', script, JSON.stringify(harness.connection), String(events)],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    )
  const own = async () => (await builds()).find(({ build }) => build === 2)
  /** Of the table that is filled: it has another one where it is made again. */
  const oid = async () =>
    (await pool.query<{ oid: number | null }>("select to_regclass('read.lines_v1b2')::oid as oid")).rows[0]?.oid
  let left: { readonly events: number; readonly oid: number | null | undefined } = { events: 0, oid: undefined }
  // Begun; the first batch in; the second; the keys are there.
  for (const stage of [
    (build: Build) => build.startedAt !== null,
    (build: Build) => build.events >= 100,
    (build: Build) => build.bulk === 'done',
  ]) {
    const child = process()
    const goneOn = async () => {
      const build = await own()
      // What was there at the last kill is gone on with, not begun again.
      expect(build?.events).toBeGreaterThanOrEqual(left.events)
      return build
    }
    await until(goneOn, (build) => build !== undefined && (build.stage === 'live' || stage(build)), 20_000)
    child.kill('SIGKILL')
    await once(child, 'exit')
    if (left.oid !== undefined) expect(await oid()).toBe(left.oid)
    const build = await own()
    // Before the first batch there is nothing to go on with, and the tables are made again.
    if (build && build.position !== null) left = { events: build.events, oid: await oid() }
    expect(await tables(pool)).toEqual(expected)
  }
  expect(left).toEqual({ events, oid: expect.any(Number) })
  harness.run({ leaseSeconds: 0.5, bulkSize: 20 })
  await untilStages('1.2 live', '1.1 kept')
  expect(await own()).toMatchObject({ report: { equal: true }, events })
  expect(await oid()).toBe(left.oid)
  expect(await tables(pool)).toEqual(expected)
}, 120_000)
