/**
 * Two builds side by side: how many rows, and whether they are the same. Rows are hashed where they are, by groups of
 * keys, and only groups that differ are read. What is told of a row is its key and the names of its columns, no value.
 */
import pg from 'pg'
import { type BuildTable, patiently } from './ddl.ts'
import { relationOf } from './layout.ts'

export interface Comparison {
  /** Up to which both had handled every event; null where there was none. */
  readonly position: string | null
  readonly with: { readonly version: number; readonly build: number }
  readonly equal: boolean
  readonly tables: readonly TableComparison[]
  /** Streams that are parked in the new build and not in the live one. */
  readonly parked: readonly string[]
}

export interface TableComparison {
  readonly table: string
  /** Rows in the live build; null: it has no such table. */
  readonly live: number | null
  readonly built: number
  readonly equal: boolean
  /** Columns of the new build that the live one has not, and the other way round: they are not compared. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly differences: readonly RowDifference[]
}

export interface RowDifference {
  readonly key: Readonly<Record<string, string>>
  /** `missing` from the new build, only there, or with other values in these columns. */
  readonly kind: 'missing' | 'extra' | 'changed'
  readonly columns: readonly string[]
}

interface Shape {
  readonly relation: string
  readonly key: readonly string[]
  readonly columns: readonly string[]
}

export interface TableSums {
  readonly rows: number
  readonly groups: ReadonlyMap<number, string>
}

const GROUPS = 1_024
const TOLD = 20

/** What of one table can be compared; undefined: the live build has no such table, or another key. */
export interface Comparable {
  readonly table: BuildTable
  readonly live: Shape | undefined
  readonly built: Shape
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/** Throws what PostgreSQL throws. */
export async function comparableTables(
  client: pg.ClientBase,
  live: { readonly version: number; readonly build: number },
  tables: readonly BuildTable[],
): Promise<Comparable[]> {
  const found: Comparable[] = []
  for (const table of tables) {
    const relation = relationOf(table.table.name, live.version, live.build)
    const { rows } = await client.query<{ name: string; type: string }>(
      `select attname as name, format_type(atttypid, null) as type from pg_attribute
        where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`,
      [relation],
    )
    const theirs = new Map(rows.map(({ name, type }) => [name, type]))
    const ours = table.layout.columns
    const columns = ours.filter(({ name, type }) => theirs.get(name) === FORMATTED[type]).map(({ name }) => name)
    const key = table.table.primaryKey
    const comparable = rows.length > 0 && key.every((name) => columns.includes(name))
    found.push({
      table,
      built: { relation: table.layout.relation, key, columns },
      live: comparable ? { relation, key, columns } : undefined,
      added: ours.map(({ name }) => name).filter((name) => !columns.includes(name)),
      removed: [...theirs.keys()].filter((name) => !columns.includes(name)),
    })
  }
  return found
}

const FORMATTED = {
  uuid: 'uuid',
  text: 'text',
  bigint: 'bigint',
  integer: 'integer',
  boolean: 'boolean',
  timestamptz: 'timestamp with time zone',
} as const

/** A whole pass over the table. */
export async function sumsOf(client: pg.ClientBase, shape: Shape): Promise<TableSums> {
  const { rows } = await client.query<{ group: number; rows: string; sum: string }>(
    patiently(
      `select ${groupOf(shape)} as group, count(*)::text as rows, sum(${hashOf(shape.columns)})::text as sum
         from ${shape.relation} group by 1`,
    ),
  )
  return {
    rows: rows.reduce((total, row) => total + Number(row.rows), 0),
    groups: new Map(rows.map(({ group, rows: count, sum }) => [group, `${count}:${sum}`])),
  }
}

/** The first rows that differ, in the groups that do. */
export async function differencesOf(
  sides: { readonly live: pg.ClientBase; readonly built: pg.ClientBase },
  { live, built }: { readonly live: Shape; readonly built: Shape },
  sums: { readonly live: TableSums; readonly built: TableSums },
): Promise<RowDifference[]> {
  const groups = [...new Set([...sums.live.groups.keys(), ...sums.built.groups.keys()])].filter(
    (group) => sums.live.groups.get(group) !== sums.built.groups.get(group),
  )
  const told: RowDifference[] = []
  for (const group of groups) {
    if (told.length >= TOLD) break
    const theirs = await rowsOf(sides.live, live, group)
    const ours = await rowsOf(sides.built, built, group)
    for (const [id, { key, values }] of theirs) {
      const other = ours.get(id)
      if (!other) told.push({ key, kind: 'missing', columns: [] })
      else {
        const columns = built.columns.filter((_, index) => values[index] !== other.values[index])
        if (columns.length > 0) told.push({ key, kind: 'changed', columns })
      }
    }
    for (const [id, { key }] of ours) if (!theirs.has(id)) told.push({ key, kind: 'extra', columns: [] })
  }
  return told.slice(0, TOLD)
}

interface ComparedRow {
  readonly key: Readonly<Record<string, string>>
  readonly values: readonly (string | null)[]
}

async function rowsOf(client: pg.ClientBase, shape: Shape, group: number): Promise<Map<string, ComparedRow>> {
  const { rows } = await client.query<(string | null)[]>({
    ...patiently(
      `select ${shape.columns.map((name) => `${pg.escapeIdentifier(name)}::text`).join(', ')}
         from ${shape.relation} where ${groupOf(shape)} = $1`,
    ),
    values: [group],
    rowMode: 'array',
  })
  return new Map(
    rows.map((values) => {
      const key = Object.fromEntries(shape.key.map((name) => [name, values[shape.columns.indexOf(name)] ?? '']))
      return [JSON.stringify(key), { key, values }]
    }),
  )
}

const groupOf = ({ key }: Shape): string => `(${hashOf(key)} & ${GROUPS - 1})::integer`

/** By each type's own hash of a value, which costs a fraction of the row's text. */
const hashOf = (columns: readonly string[]): string =>
  `hash_record_extended(row(${columns.map((name) => pg.escapeIdentifier(name)).join(', ')}), 0)`
