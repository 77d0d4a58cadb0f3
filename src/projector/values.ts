import { ProjectionFault } from './fault.ts'
import type { ColumnType, ColumnValue } from './row-operation.ts'

/** A column as the row writer works with it. `label` names it in errors. */
export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly nullable: boolean
  readonly label: string
}

/**
 * The one spelling of a value in its column, so that two values are equal in memory exactly when they are equal in
 * PostgreSQL: the fold of a batch rests on that. Throws ProjectionFault for a value the column cannot hold.
 */
export function canonical(column: Column, value: unknown): ColumnValue {
  if (value === null) {
    if (column.nullable) return null
    throw new ProjectionFault(`${column.label} must not be null`)
  }
  const spelled = spell(column.type, value)
  if (spelled === undefined) throw new ProjectionFault(`${column.label} got a value that is no ${column.type}`)
  return spelled
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** As nearly all times here are spelled. */
const MILLISECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const UTC_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z$/

function spell(type: ColumnType, value: unknown): ColumnValue | undefined {
  switch (type) {
    case 'uuid': {
      if (typeof value !== 'string') return undefined
      if (UUID.test(value)) return value
      const lower = value.toLowerCase()
      return UUID.test(lower) ? lower : undefined
    }
    case 'text':
      return typeof value === 'string' && !value.includes('\0') ? value : undefined
    case 'bigint':
      return typeof value === 'bigint' ? value : undefined
    case 'integer':
      // `+ 0` makes the negative zero an ordinary one.
      return typeof value === 'number' && Number.isInteger(value) ? value + 0 : undefined
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined
    case 'timestamptz': {
      if (typeof value === 'string' && MILLISECONDS.test(value)) return `${value.slice(0, -1)}000Z`
      const parts = typeof value === 'string' ? UTC_TIME.exec(value) : null
      return parts ? `${parts[1]}.${(parts[2] ?? '').padEnd(6, '0')}Z` : undefined
    }
  }
}

/** PostgreSQL's text form of an array of canonical values. (PostgreSQL manual, section 8.15.6.) */
export function arrayLiteral(type: ColumnType, values: readonly ColumnValue[]): string {
  const quote = type === 'text'
  let text = '{'
  for (const [index, value] of values.entries()) {
    if (index > 0) text += ','
    if (value === null) text += 'NULL'
    else if (quote) text += `"${escaped(String(value))}"`
    else text += value
  }
  return `${text}}`
}

function escaped(text: string): string {
  return text.includes('"') || text.includes('\\') ? text.replace(/["\\]/g, '\\$&') : text
}
