/**
 * The tables of a projection in memory: the same `apply`, the same row operations, no database. For questions about the
 * past of one account, and for events that are shown before a projector has handled them.
 */
import type { ColumnType, ColumnValue, Projection, Row, RowOperation, Table } from '../projector/row-operation.ts'

/** A row as a query of the read model gives it: bigint as text, timestamps as Date. */
export type QueriedRow = Readonly<Record<string, string | number | boolean | Date | null>>

export interface MemoryTables<Event> {
  apply(event: Event): void
  rows(table: string): readonly QueriedRow[]
}

export const openMemoryTables = <Event>(projection: Projection<Event>): MemoryTables<Event> => {
  const contents = new Map(projection.tables.map((table) => [table.name, { table, rows: new Map<string, Row>() }]))
  const contentsOf = (name: string) => {
    const found = contents.get(name)
    if (found === undefined) throw new Error(`projection ${projection.name} has no table ${name}`)
    return found
  }
  return {
    apply(event) {
      for (const operation of projection.apply(event)) {
        const { table, rows } = contentsOf(operation.table)
        carryOut(operation, table, rows)
      }
    },
    rows(name) {
      const { table, rows } = contentsOf(name)
      return [...rows.values()].map((row) => queriedRow(table, row))
    },
  }
}

/** The row as a query would give it. */
export const queriedRow = ({ columns }: Table, row: Row): QueriedRow =>
  Object.fromEntries(
    Object.entries(columns).map(([name, { type }]) => [name, queriedValue(type, row[name] ?? null)] as const),
  )

const queriedValue = (type: ColumnType, value: ColumnValue): QueriedRow[string] => {
  if (typeof value === 'bigint') return String(value)
  return type === 'timestamptz' && typeof value === 'string' ? new Date(value) : value
}

const carryOut = (operation: RowOperation, { primaryKey }: Table, rows: Map<string, Row>): void => {
  if (operation.op === 'insert') {
    rows.set(keyOf(primaryKey, operation.row), operation.row)
    return
  }
  if (operation.op === 'update' && 'key' in operation) {
    const key = keyOf(primaryKey, operation.key)
    const row = rows.get(key)
    if (row !== undefined) rows.set(key, { ...row, ...operation.set })
    return
  }
  for (const [key, row] of rows) {
    if (!Object.entries(operation.where).every(([name, value]) => row[name] === value)) continue
    if (operation.op === 'delete') rows.delete(key)
    else rows.set(key, { ...row, ...operation.set })
  }
}

const keyOf = (primaryKey: readonly string[], row: Row): string =>
  JSON.stringify(primaryKey.map((name) => String(row[name])))
