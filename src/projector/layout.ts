import { createHash } from 'node:crypto'
import pg from 'pg'
import { ProjectionFault } from './fault.ts'
import type { ColumnValue, Projection, Table } from './row-operation.ts'
import { arrayLiteral, type Column } from './values.ts'

/** A table of one build of a projection, with the SQL that its rows are read and written by. */
export interface TableLayout {
  readonly name: string
  /** Schema and physical name, quoted. */
  readonly relation: string
  /** Physical name, without the schema. */
  readonly physical: string
  readonly columns: readonly Column[]
  readonly columnIndex: ReadonlyMap<string, number>
  /** Indexes into `columns`, in the order of the primary key. */
  readonly key: readonly number[]
  readonly upsert: Statement
  /** Of conditions, by what they are; made when they are first needed. */
  readonly conditions: Map<string, Statement>
}

/** Prepared once per connection: in the live tail planning it takes longer than doing it. */
export interface Statement {
  /** Differs wherever the text does, which the driver insists on. */
  readonly name: string
  readonly text: string
}

const NAME = /^[a-z][a-z0-9_]{0,39}$/

/** The tables of a projection by their names. Throws ProjectionFault where its definition contradicts itself. */
export function layoutsOf(
  projection: Pick<Projection<never>, 'name' | 'version' | 'tables'>,
  build = 1,
): Map<string, TableLayout> {
  const { name, version, tables } = projection
  if (!NAME.test(name)) throw new ProjectionFault(`"${name}" is not a name for a projection`)
  if (!Number.isInteger(version) || version < 1) throw new ProjectionFault(`${name}: versions count from 1`)
  const layouts = new Map(tables.map((table) => [table.name, layoutOf(table, version, build)]))
  if (layouts.size !== tables.length) throw new ProjectionFault(`${name} names a table twice`)
  return layouts
}

/** Quoted name of a build's table, with the schema. */
export function relationOf(table: string, version: number, build = 1): string {
  return `read.${pg.escapeIdentifier(physicalName(table, version, build))}`
}

/** The first build of a version has the plain name; who looks into the database meets no other most of the time. */
export function physicalName(table: string, version: number, build: number): string {
  return build === 1 ? `${table}_v${version}` : `${table}_v${version}b${build}`
}

function layoutOf(table: Table, version: number, build: number): TableLayout {
  if (!NAME.test(table.name)) throw new ProjectionFault(`"${table.name}" is not a name for a table`)
  const columns = Object.entries(table.columns).map(([name, { type, nullable = false }]): Column => {
    if (!NAME.test(name)) throw new ProjectionFault(`${table.name}: "${name}" is not a name for a column`)
    return { name, type, nullable, label: `${table.name}.${name}` }
  })
  const columnIndex = new Map(columns.map((column, index) => [column.name, index]))
  const key = table.primaryKey.map((name) => {
    const index = columnIndex.get(name)
    if (index === undefined || columns[index]?.nullable) {
      throw new ProjectionFault(`${table.name}: "${name}" cannot be part of the primary key`)
    }
    return index
  })
  const relation = relationOf(table.name, version, build)
  return {
    name: table.name,
    relation,
    physical: physicalName(table.name, version, build),
    columns,
    columnIndex,
    key,
    upsert: prepared(upsertSql(relation, columns, key)),
    conditions: new Map(),
  }
}

const quoted = (column: Column) => pg.escapeIdentifier(column.name)

const prepared = (text: string): Statement => ({ name: createHash('sha256').update(text).digest('base64url'), text })

function upsertSql(relation: string, columns: readonly Column[], key: readonly number[]): string {
  const rest = columns.filter((_, index) => !key.includes(index))
  const change = rest.map((column) => `${quoted(column)} = excluded.${quoted(column)}`).join(', ')
  return `
    insert into ${relation} (${columns.map(quoted).join(', ')})
    select * from ${unnest(columns)}
    on conflict (${pick(columns, key).map(quoted).join(', ')}) do ${change === '' ? 'nothing' : `update set ${change}`}`
}

/**
 * Deletes the rows whose columns `where` equal one of the combinations given as arrays; or, where it is given, changes the
 * columns `set` of them.
 */
export function conditionStatement(
  layout: TableLayout,
  where: readonly number[],
  set: readonly number[] | undefined,
): Statement {
  const name = `${where.join()} ${set?.join() ?? 'delete'}`
  const known = layout.conditions.get(name)
  if (known !== undefined) return known
  const statement = prepared(set === undefined ? deleteSql(layout, where) : updateSql(layout, where, set))
  layout.conditions.set(name, statement)
  return statement
}

function deleteSql(layout: TableLayout, where: readonly number[]): string {
  const columns = pick(layout.columns, where)
  return `
    delete from ${layout.relation} t
     using ${unnest(columns)} as gone(${columns.map(quoted).join(', ')})
     where ${columns.map((column) => `t.${quoted(column)} = gone.${quoted(column)}`).join(' and ')}`
}

function updateSql(layout: TableLayout, where: readonly number[], set: readonly number[]): string {
  const wanted = pick(layout.columns, where)
  const columns = pick(layout.columns, set)
  const names = [...wanted.map((_, index) => `w${index}`), ...columns.map((_, index) => `s${index}`)]
  return `
    update ${layout.relation} t
       set ${columns.map((column, index) => `${quoted(column)} = change.s${index}`).join(', ')}
      from ${unnest([...wanted, ...columns])} as change(${names.join(', ')})
     where ${wanted.map((column, index) => `t.${quoted(column)} = change.w${index}`).join(' and ')}`
}

/** One array parameter per column, for statements made by this file. */
export function columnArrays(columns: readonly Column[], rows: readonly (readonly ColumnValue[])[]): string[] {
  return columns.map((column, index) =>
    arrayLiteral(
      column.type,
      rows.map((row) => row[index] ?? null),
    ),
  )
}

function unnest(columns: readonly Column[]): string {
  return `unnest(${columns.map((column, index) => `$${index + 1}::${column.type}[]`).join(', ')})`
}

/** Indexes beyond the list are left out. */
export function pick<T>(list: readonly T[], indexes: readonly number[]): T[] {
  const picked: T[] = []
  for (const index of indexes) {
    const item = list[index]
    if (item !== undefined) picked.push(item)
  }
  return picked
}
