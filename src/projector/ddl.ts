/** The statements that make and drop what a build consists of. */
import pg from 'pg'
import type { TableLayout } from './layout.ts'
import { relationOf } from './layout.ts'
import type { Table } from './row-operation.ts'

/** One table of a build, with what it is called. */
export interface BuildTable {
  readonly table: Table
  readonly layout: TableLayout
}

/** Without primary key and indexes: what is loaded in bulk gets them afterwards. */
export function createTableSql({ table, layout }: BuildTable): string {
  const columns = layout.columns.map(
    ({ name, type, nullable }) => `${pg.escapeIdentifier(name)} ${type}${nullable ? '' : ' not null'}`,
  )
  const unsampled = Object.entries(table.columns)
    .filter(([, { personal }]) => personal)
    .map(([name]) => `alter column ${pg.escapeIdentifier(name)} set statistics 0`)
  return [
    `create table ${layout.relation} (${columns.join(', ')})`,
    ...(unsampled.length === 0 ? [] : [`alter table ${layout.relation} ${unsampled.join(', ')}`]),
  ].join('; ')
}

export function primaryKeySql({ table, layout }: BuildTable): string {
  const key = table.primaryKey.map((name) => pg.escapeIdentifier(name)).join(', ')
  const name = pg.escapeIdentifier(primaryKeyName(layout))
  return `alter table ${layout.relation} add constraint ${name} primary key (${key})`
}

export const primaryKeyName = ({ physical }: TableLayout): string => `${physical}_pkey`

/** By the names of the indexes, which are in the schema of the table. */
export function indexesSql({ table, layout }: BuildTable): ReadonlyMap<string, string> {
  return new Map(
    table.indexes.map((definition, index) => {
      const name = `${layout.physical}_${index + 1}`
      return [name, `create index ${pg.escapeIdentifier(name)} on ${layout.relation} ${definition}`]
    }),
  )
}

export function viewSql({ table, layout }: BuildTable): string {
  const columns = layout.columns.map((column) => pg.escapeIdentifier(column.name)).join(', ')
  return `create view ${viewOf(table.name)} as select ${columns} from ${layout.relation}`
}

/** What the queries read, whichever build is live. */
const viewOf = (table: string): string => `read.${pg.escapeIdentifier(table)}`

export const dropViewSql = (table: string): string => `drop view if exists ${viewOf(table)}`

export const dropTableSql = (table: string, version: number, build: number): string =>
  `drop table if exists ${relationOf(table, version, build)}`

const PATIENCE_MS = 60 * 60 * 1_000

/** The pool's limit for an answer does not apply: an index on millions of rows, or a pass over them, takes its time. */
export const patiently = (text: string): pg.QueryConfig => {
  const config: pg.QueryConfig & { query_timeout: number } = { text, query_timeout: PATIENCE_MS }
  return config
}
