import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inTransaction } from '../../src/platform/postgres.ts'
import { WorkMustBeginAgain } from '../../src/projector/batch.ts'
import { addKeys, writeInBulk } from '../../src/projector/bulk.ts'
import { type BuildTable, createTableSql, dropTableSql, primaryKeySql } from '../../src/projector/ddl.ts'
import { layoutsOf, relationOf } from '../../src/projector/layout.ts'
import { StepPacker } from '../../src/projector/page-steps.ts'
import type { ColumnValue, Row, RowOperation, Table } from '../../src/projector/row-operation.ts'
import { writeOperations } from '../../src/projector/rows.ts'
import { registerProjections, tablesOf } from '../../src/projector/schema.ts'
import { type Harness, openHarness } from './support.ts'

/** Every type, a key of two columns, and one table that is nothing but key. */
const things: Table = {
  name: 'things',
  columns: {
    user_id: { type: 'uuid' },
    slot: { type: 'text' },
    number: { type: 'bigint', nullable: true },
    order: { type: 'integer' },
    seen: { type: 'boolean' },
    at: { type: 'timestamptz', nullable: true },
  },
  primaryKey: ['slot', 'user_id'],
  indexes: ['(user_id, number desc)', '(at)'],
}
const marks: Table = { name: 'marks', columns: { mark: { type: 'text' } }, primaryKey: ['mark'], indexes: [] }
const folded = { name: 'folded', version: 1, tables: [things, marks] }
/** The same tables again, written by the plainest SQL there is. */
const plain = { name: 'folded', version: 2, tables: [things, marks] }

const layouts = layoutsOf(folded)

let harness: Harness
beforeAll(async () => {
  harness = await openHarness()
  await registerProjections(harness.pool, [folded, plain])
})
afterAll(() => harness.close())

const userId = fc.constantFrom(
  '00000000-0000-4000-8000-00000000000a',
  '00000000-0000-4000-8000-00000000000A',
  '00000000-0000-4000-8000-00000000000b',
)
const slot = fc.constantFrom('', 'NULL', '{"ä",\n\\}', '\\N', '\\.', '\t\r\n\\n\\\\t\v\b')
const number = fc.constantFrom(null, 0n, -1n, 9223372036854775807n)
const order = fc.constantFrom(0, -0, -2147483648)
const seen = fc.boolean()
const at = fc.constantFrom(null, '2026-03-01T00:00:00Z', '2026-03-01T00:00:00.000Z', '1999-12-31T23:59:59.123456Z')

const thing = fc.record({ user_id: userId, slot, number, order, seen, at })
const someOf = (values: Record<string, fc.Arbitrary<ColumnValue>>): fc.Arbitrary<Row> =>
  fc
    .subarray(Object.keys(values))
    .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, values[name] ?? fc.constant(null)]))))
const notNull = <T>(arbitrary: fc.Arbitrary<T>) => arbitrary.filter((value) => value !== null)

const insertion = thing.map((row): RowOperation => ({ op: 'insert', table: 'things', row }))
const update = fc
  .record({ key: fc.record({ user_id: userId, slot }), set: someOf({ number, order, seen, at }) })
  .map(({ key, set }): RowOperation => ({ op: 'update', table: 'things', key, set }))
const deletion = fc
  .oneof(
    fc.record({ user_id: userId, slot }),
    // Of one column: these meet rows that the same batch has changed, or would have met them before.
    fc.record({ order }),
    fc.record({ seen, number: notNull(number) }),
    someOf({ user_id: userId, slot, number: notNull(number), order, seen, at: notNull(at) }).filter(
      (where) => Object.keys(where).length > 0,
    ),
  )
  .map((where): RowOperation => ({ op: 'delete', table: 'things', where }))
const updateWhere = fc
  .record({
    where: fc.oneof(fc.record({ user_id: userId }), fc.record({ order }), fc.record({ seen, number: notNull(number) })),
    set: someOf({ number, order, seen, at }),
  })
  .map(({ where, set }): RowOperation => ({ op: 'update', table: 'things', where, set }))
const mark = fc.oneof(
  slot.map((mark): RowOperation => ({ op: 'insert', table: 'marks', row: { mark } })),
  slot.map((mark): RowOperation => ({ op: 'update', table: 'marks', key: { mark }, set: {} })),
  slot.map((mark): RowOperation => ({ op: 'delete', table: 'marks', where: { mark } })),
)
// Tables that are mostly empty would show little.
const operation = fc.oneof(
  { weight: 5, arbitrary: insertion },
  { weight: 4, arbitrary: update },
  { weight: 2, arbitrary: deletion },
  { weight: 2, arbitrary: updateWhere },
  { weight: 2, arbitrary: mark },
)
const program = fc.array(fc.array(operation, { maxLength: 15, size: 'max' }), {
  minLength: 1,
  maxLength: 5,
  size: 'max',
})

test('a batch written at once equals its operations one by one, for any program and any cut into batches', async () => {
  const { pool } = harness
  await fc.assert(
    fc.asyncProperty(program, async (batches) => {
      await pool.query('truncate read.things_v1, read.marks_v1, read.things_v2, read.marks_v2')
      for (const operations of batches) {
        await inTransaction(pool, (client) => writeOperations(client, layouts, operations))
      }
      await inTransaction(pool, async (client) => {
        for (const operation of batches.flat()) await runPlainly(client, operation)
      })
      expect(await contents(1)).toEqual(await contents(2))
    }),
    { numRuns: 60 },
  )
}, 60_000)

test('tables filled in bulk equal the operations one by one, for any program, text and cut into batches', async () => {
  const { pool } = harness
  await fc.assert(
    fc.asyncProperty(program, async (batches) => {
      await pool.query('truncate read.things_v2, read.marks_v2')
      // As a build: without keys at first, and from the beginning with them where that finds a row replaced.
      if (!(await fillInBulk(batches, []))) expect(await fillInBulk(batches, bulkTables)).toBe(true)
      await inTransaction(pool, async (client) => {
        for (const operation of batches.flat()) await runPlainly(client, operation)
      })
      expect(await contents(3)).toEqual(await contents(2))
    }),
    { numRuns: 100 },
  )
}, 60_000)

const bulkTables = tablesOf({ ...folded, version: 3 })

async function fillInBulk(batches: readonly RowOperation[][], keyed: readonly BuildTable[]): Promise<boolean> {
  const { pool } = harness
  const packer = new StepPacker(new Map(bulkTables.map(({ layout }) => [layout.name, layout])))
  for (const table of bulkTables) {
    await pool.query(dropTableSql(table.table.name, 3, 1))
    await pool.query(createTableSql(table))
  }
  for (const table of keyed) await pool.query(primaryKeySql(table))
  for (const operations of batches) {
    const pages = pagesOf(operations).map((page) => {
      packer.begin()
      packer.add(page)
      return packer.end(page.length)
    })
    try {
      await inTransaction(pool, (client) => writeInBulk(client, bulkTables, pages))
    } catch (error) {
      if (error instanceof WorkMustBeginAgain) return false
      throw error
    }
  }
  return addKeys(pool, bulkTables)
}

const pagesOf = (operations: readonly RowOperation[]): (readonly RowOperation[])[] =>
  Array.from({ length: Math.ceil(operations.length / 4) }, (_, page) => operations.slice(page * 4, (page + 1) * 4))

const key = { user_id: '00000000-0000-4000-8000-00000000000a', slot: 'a' }
const first: Row = { ...key, number: 1n, order: 1, seen: true, at: null }

test.each<[string, RowOperation]>([
  ['changes', { op: 'update', table: 'things', key, set: { order: 2 } }],
  ['replaces', { op: 'insert', table: 'things', row: { ...first, order: 2 } }],
])('a row that a batch %s and then removes is gone, whatever it looked like before', async (_, operation) => {
  const { pool } = harness
  await pool.query('truncate read.things_v1')
  const batches: RowOperation[][] = [
    [{ op: 'insert', table: 'things', row: first }],
    [operation, { op: 'delete', table: 'things', where: { order: 2 } }],
  ]
  for (const operations of batches) {
    await inTransaction(pool, (client) => writeOperations(client, layouts, operations))
  }
  expect((await pool.query('select * from read.things')).rows).toEqual([])
})

test('a row that has replaced another, unseen while there was no key, does not hide it by being removed', async () => {
  const batches: RowOperation[][] = [
    [{ op: 'insert', table: 'things', row: first }],
    [{ op: 'insert', table: 'things', row: { ...first, order: 2 } }],
    [{ op: 'delete', table: 'things', where: { order: 2 } }],
  ]
  expect(await fillInBulk(batches, [])).toBe(false)
  expect(await fillInBulk(batches, bulkTables)).toBe(true)
  expect(await contents(3)).toEqual([[], []])
})

test('a batch takes one statement per table, however many operations it has', async () => {
  const { pool } = harness
  await pool.query('truncate read.things_v1, read.marks_v1')
  const statements: string[] = []
  const user = '00000000-0000-4000-8000-00000000000a'
  const row = { user_id: user, number: 1n, order: 1, seen: true, at: null }
  await inTransaction(pool, async (client) => {
    const counted = Object.create(client, {
      query: {
        value: (first: string | { text: string }, ...rest: unknown[]) => {
          statements.push(typeof first === 'string' ? first : first.text)
          return Reflect.apply(client.query, client, [first, ...rest])
        },
      },
    })
    const operations = Array.from({ length: 300 }, (_, index): RowOperation[] => [
      { op: 'insert', table: 'things', row: { ...row, slot: `s${index}` } },
      { op: 'update', table: 'things', key: { user_id: user, slot: `s${index - 1}` }, set: { seen: false } },
      { op: 'insert', table: 'marks', row: { mark: `m${index % 5}` } },
    ])
    await writeOperations(counted, layouts, operations.flat())
  })
  // One for each table, and one to change the row that the batch updates without having inserted it.
  expect(statements).toHaveLength(3)
  const { rows } = await pool.query("select count(*)::int as n from read.things where not seen or slot = 's299'")
  expect(rows).toEqual([{ n: 300 }])
})

async function contents(version: number): Promise<unknown[][]> {
  const all = await Promise.all(
    [things, marks].map(({ name, primaryKey }) =>
      harness.pool.query(`select * from ${relationOf(name, version)} order by ${primaryKey.join()}`),
    ),
  )
  return all.map(({ rows }) => rows)
}

async function runPlainly(client: pg.ClientBase, operation: RowOperation): Promise<void> {
  const relation = relationOf(operation.table, plain.version)
  const values: ColumnValue[] = []
  const equal = (row: Row) =>
    Object.entries(row).map(([name, value]) => `${pg.escapeIdentifier(name)} = $${values.push(value)}`)
  if (operation.op === 'insert') {
    const table = operation.table === 'things' ? things : marks
    const key = Object.fromEntries(table.primaryKey.map((name) => [name, operation.row[name] ?? null]))
    const where = equal(key)
    await client.query(`delete from ${relation} where ${where.join(' and ')}`, values.splice(0))
    const columns = Object.keys(operation.row).map((name) => pg.escapeIdentifier(name))
    const places = Object.values(operation.row).map((value) => `$${values.push(value)}`)
    await client.query(`insert into ${relation} (${columns.join()}) values (${places.join()})`, values)
  } else if (operation.op === 'update') {
    const set = equal(operation.set)
    if (set.length === 0) return
    const where = equal('where' in operation ? operation.where : operation.key)
    await client.query(`update ${relation} set ${set.join()} where ${where.join(' and ')}`, values)
  } else {
    await client.query(`delete from ${relation} where ${equal(operation.where).join(' and ')}`, values)
  }
}
