import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { registerProjections } from '../../src/projector/schema.ts'
import { append, expectedTables, fill, fillStory, ledger } from './ledger.ts'
import { checkpoint, type Harness, openHarness, tables, until, untilAt } from './support.ts'

let harness: Harness
let child: ChildProcess | undefined
beforeEach(async () => {
  harness = await openHarness()
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await harness.close()
})

const terminateAll = () =>
  harness.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`,
  )

test('goes on by itself after its database connections were cut, again and again, in the middle of its work', async () => {
  const { store, pool } = harness
  await fill(store, 3_000)
  const projector = harness.run({ batchSize: 10, leaseSeconds: 1 })
  for (let round = 1; round <= 5; round += 1) {
    await until(
      () => projector.status().events,
      (events) => events >= round * 200,
    )
    await terminateAll()
  }
  const last = await append(store, 's1', 'happened')
  await untilAt(pool, last)
  expect(await tables(pool)).toEqual(await expectedTables(store))
  expect(projector.status().retries).toBeGreaterThan(0)
  expect(harness.lines.filter((line) => line.level === 50)).toEqual([])
})

test('starts before the database lets anybody in, and works once it does', async () => {
  const { store, pool, connection } = harness
  if (!('database' in connection)) throw new Error('the tests name their database')
  const { database } = connection
  const admin = await harness.connectElsewhere()
  await admin.query(`alter database ${database} with allow_connections false`)
  const last = await fill(store, 10)
  const projector = harness.run()
  await until(
    () => projector.status().retries,
    (retries) => retries >= 2,
  )
  expect(projector.status().state).toBe('waiting')
  await admin.query(`alter database ${database} with allow_connections true`)
  await admin.end()
  await untilAt(pool, last)
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

test('a batch too slow for the statement timeout is tried again in smaller ones', async () => {
  const { store, pool } = harness
  const last = await fill(store, 200)
  await registerProjections(pool, [ledger])
  // More than ten rows at once "take too long", with the error that the server gives then.
  await pool.query(`
    create function read.is_slow() returns trigger language plpgsql as $$ begin
      if (select count(*) from added) > 10 then
        raise exception 'canceling statement due to statement timeout' using errcode = '57014';
      end if;
      return null;
    end $$;
    create trigger slow after insert on read.lines_v1 referencing new table as added
      for each statement execute function read.is_slow()`)
  harness.run({ batchSize: 200 })
  await untilAt(pool, last)
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

test('waits for a store that is away, keeps its lease meanwhile, and goes on', async () => {
  const { store, pool } = harness
  let away = true
  await fill(store, 10)
  const projector = harness.run({
    leaseSeconds: 0.3,
    store: {
      read: store.read.bind(store),
      tail: store.tail.bind(store),
      subscribe: (after, signal) => {
        if (away) throw new Error('down', { cause: new Error('connect', { cause: refused() }) })
        return store.subscribe(after, signal)
      },
    },
  })
  await until(
    () => projector.status().retries,
    (retries) => retries >= 6,
  )
  expect((await checkpoint(pool)).owner).toMatch(/^test\//)
  away = false
  await untilAt(pool, 10n)
})

const refused = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

test('builds its tables anew after an operator dropped the schema under it', async () => {
  const { store, pool } = harness
  await fill(store, 30)
  harness.run()
  await untilAt(pool, 30n)
  await pool.query('drop schema read cascade')
  await untilAt(pool, await append(store, 's1', 'happened'))
  expect(await tables(pool)).toEqual(await expectedTables(store))
})

test('killed with SIGKILL between and within batches, its successors leave what one run would', async () => {
  const { pool, store } = harness
  const events = 600
  await fillStory(store, events)
  const script = fileURLToPath(new URL('./run-projector.ts', import.meta.url))
  for (const stage of [50, 200, 400, events]) {
    child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(harness.connection), String(events)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    await until(
      () => checkpoint(pool),
      ({ position }) => Number(position ?? 0) >= stage,
    )
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  expect((await checkpoint(pool)).epoch).toBe('4')
  expect(await tables(pool)).toEqual(await expectedTables(store))
}, 60_000)
