import { afterEach, beforeEach, expect, test } from 'vitest'
import { registerProjections } from '../../src/projector/schema.ts'
import { ledger } from './ledger.ts'
import { type Harness, openHarness } from './support.ts'

let harness: Harness
beforeEach(async () => {
  harness = await openHarness()
})
afterEach(() => harness.close())

test('several processes register the same projections at once', async () => {
  const { pool } = harness
  await Promise.all(Array.from({ length: 5 }, () => registerProjections(pool, [ledger])))
  const { rows } = await pool.query('select name, version, live, state, position, owner from read.projections')
  expect(rows).toEqual([{ name: 'ledger', version: 1, live: true, state: 'running', position: null, owner: null }])
})

test('makes the tables with their key and indexes, and views for the queries', async () => {
  const { pool } = harness
  await registerProjections(pool, [ledger])
  const { rows } = await pool.query(
    "select indexdef from pg_indexes where schemaname = 'read' and tablename = 'lines_v1' order by 1",
  )
  expect(rows.map((row) => row.indexdef)).toEqual([
    'CREATE INDEX lines_v1_1 ON read.lines_v1 USING btree (stream, revision)',
    'CREATE UNIQUE INDEX lines_v1_pkey ON read.lines_v1 USING btree ("position")',
  ])
  expect((await pool.query('select position, stream, revision from read.lines')).rows).toEqual([])
})

test('refuses tables that have changed without a new version, and takes them with one', async () => {
  const { pool } = harness
  await registerProjections(pool, [ledger])
  const [lines, heads] = ledger.tables
  if (!lines || !heads) throw new Error('the ledger has two tables')
  const changed = { ...ledger, tables: [lines, { ...heads, indexes: ['(revision)'] }] }
  await expect(registerProjections(pool, [changed])).rejects.toThrow(
    'the tables of ledger have changed: give it version 2, to be built anew',
  )
  await registerProjections(pool, [{ ...changed, version: 2 }])
  const { rows } = await pool.query('select version, live from read.projections order by version')
  expect(rows).toEqual([
    { version: 1, live: true },
    { version: 2, live: false },
  ])
})

test('a change in the order of tables or columns is no change', async () => {
  const { pool } = harness
  await registerProjections(pool, [ledger])
  const turned = ledger.tables.toReversed().map((table) => ({
    ...table,
    columns: Object.fromEntries(Object.entries(table.columns).reverse()),
  }))
  await registerProjections(pool, [{ ...ledger, tables: turned }])
})

test('registering again does not wait for a query that reads the view', async () => {
  const { pool } = harness
  await registerProjections(pool, [ledger])
  const reader = await pool.connect()
  await reader.query('begin; select * from read.lines')
  await registerProjections(pool, [ledger])
  await reader.query('commit')
  reader.release()
})
