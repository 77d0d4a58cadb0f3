/** A row as PostgreSQL's text format of COPY spells it (manual, COPY, "Text Format"), and back. */
import type { TableLayout } from './layout.ts'
import type { ColumnValue } from './row-operation.ts'
import type { Column } from './values.ts'

type Values = readonly ColumnValue[]

/** Canonical values as a line, with its end. */
export function lineText(values: Values): string {
  const fields: string[] = []
  for (const value of values) fields.push(fieldOf(value))
  return `${fields.join('\t')}\n`
}

export const lineOf = (values: Values): Buffer => Buffer.from(lineText(values))

function fieldOf(value: ColumnValue): string {
  if (value === null) return '\\N'
  if (typeof value !== 'string') return String(value)
  return SPECIAL.test(value) ? value.replace(ALL_SPECIAL, escaped) : value
}

const SPECIAL = /[\\\n\r\t]/
const ALL_SPECIAL = /[\\\n\r\t]/g

const escaped = (character: string): string =>
  character === '\n' ? '\\n' : character === '\r' ? '\\r' : character === '\t' ? '\\t' : '\\\\'

/** The values of a line that was made of a row of this table. */
export function valuesOf({ columns }: TableLayout, line: Buffer): Values {
  const fields = line.toString().slice(0, -1).split('\t')
  return columns.map((column, index) => fieldIn(column, fields[index] ?? ''))
}

function fieldIn({ type }: Column, field: string): ColumnValue {
  if (field === '\\N') return null
  if (type === 'bigint') return BigInt(field)
  if (type === 'integer') return Number(field)
  if (type === 'boolean') return field === 'true'
  return field.includes('\\') ? field.replace(ESCAPE, unescaped) : field
}

const ESCAPE = /\\(.)/g

const unescaped = (_: string, letter: string): string =>
  letter === 'n' ? '\n' : letter === 'r' ? '\r' : letter === 't' ? '\t' : letter
