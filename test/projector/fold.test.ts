import { expect, test } from 'vitest'
import { planTables } from '../../src/projector/fold.ts'
import { layoutsOf } from '../../src/projector/layout.ts'
import type { RowOperation, Table } from '../../src/projector/row-operation.ts'

const table: Table = {
  name: 't',
  columns: {
    id: { type: 'uuid' },
    name: { type: 'text', nullable: true },
    size: { type: 'bigint' },
    rank: { type: 'integer' },
    on: { type: 'boolean' },
    at: { type: 'timestamptz' },
  },
  primaryKey: ['id'],
  indexes: [],
}
const layouts = layoutsOf({ name: 'p', version: 1, tables: [table] })
const id = '00000000-0000-4000-8000-00000000000a'
const row = { id, name: null, size: 1n, rank: 1, on: true, at: '2026-03-01T00:00:00.000Z' }
const plan = (operation: RowOperation) => planTables(layouts, [operation])

test.each<[string, RowOperation]>([
  ['there is no table "u"', { op: 'insert', table: 'u', row }],
  ['an insert into t must give exactly its columns', { op: 'insert', table: 't', row: { id } }],
  ['an insert into t must give exactly its columns', { op: 'insert', table: 't', row: { ...row, more: 1 } }],
  ['t.id must not be null', { op: 'insert', table: 't', row: { ...row, id: null } }],
  ['t.id got a value that is no uuid', { op: 'insert', table: 't', row: { ...row, id: `{${id}}` } }],
  ['t.name got a value that is no text', { op: 'insert', table: 't', row: { ...row, name: 'a\0b' } }],
  ['t.size got a value that is no bigint', { op: 'insert', table: 't', row: { ...row, size: 1 } }],
  ['t.rank got a value that is no integer', { op: 'insert', table: 't', row: { ...row, rank: 0.5 } }],
  ['t.on got a value that is no boolean', { op: 'insert', table: 't', row: { ...row, on: 'true' } }],
  ['t.at got a value that is no timestamptz', { op: 'insert', table: 't', row: { ...row, at: '2026-03-01' } }],
  [
    't.at got a value that is no timestamptz',
    { op: 'insert', table: 't', row: { ...row, at: '2026-03-01T00:00:00.000+02:00' } },
  ],
  ['an update of t must give exactly its primary key', { op: 'update', table: 't', key: {}, set: { rank: 1 } }],
  ['an update of t must not move its primary key', { op: 'update', table: 't', key: { id }, set: { id } }],
  ['t has no column "ranks"', { op: 'update', table: 't', key: { id }, set: { ranks: 1 } }],
  ['a delete from t must name a column', { op: 'delete', table: 't', where: {} }],
  ['a delete from t must not look for null', { op: 'delete', table: 't', where: { name: null } }],
])('refuses an operation that does not fit: %s', (message, operation) => {
  expect(() => plan(operation)).toThrow(message)
})

test.each<[string, Partial<Table>]>([
  ['"t; drop" is not a name for a table', { name: 't; drop' }],
  ['t: "Id" is not a name for a column', { columns: { Id: { type: 'uuid' } } }],
  ['t: "name" cannot be part of the primary key', { primaryKey: ['name'] }],
  ['t: "nope" cannot be part of the primary key', { primaryKey: ['nope'] }],
])('refuses a table that contradicts itself: %s', (message, change) => {
  expect(() => layoutsOf({ name: 'p', version: 1, tables: [{ ...table, ...change }] })).toThrow(message)
})

test('an error about an operation names the column, never the value', () => {
  expect(() => plan({ op: 'insert', table: 't', row: { ...row, id: 'ann@example.org' } })).toThrow(
    /^t\.id got a value that is no uuid$/,
  )
})
