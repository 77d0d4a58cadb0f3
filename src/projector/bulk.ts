/**
 * Filling the tables of a build: rows are folded in memory a batch at a time and sent by COPY, into tables without
 * indexes for as long as no operation asks for a row that is there already; from then on the table has its primary key.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { inTransaction } from '../platform/postgres.ts'
import { type BuildTable, indexesSql, patiently, primaryKeyName, primaryKeySql } from './ddl.ts'
import { foldTable, keyOf, planTables } from './fold.ts'
import { columnArrays, deleteSql, pick, type TableLayout } from './layout.ts'
import type { ColumnValue, RowOperation } from './row-operation.ts'
import { meetConditions, prefetchedRows } from './rows.ts'

type Values = readonly ColumnValue[]

/**
 * As `writeOperations`, but for tables whose key may be missing still. An insert that replaces a row of an earlier batch
 * goes unseen there: `addKeys` finds it. Throws ProjectionFault, and what PostgreSQL throws.
 */
export async function writeInBulk(
  client: pg.ClientBase,
  tables: readonly BuildTable[],
  operations: readonly RowOperation[],
): Promise<void> {
  const layouts = new Map(tables.map(({ layout }) => [layout.name, layout]))
  for (const plan of planTables(layouts, operations)) {
    const { layout } = plan
    const table = tables.find((one) => one.layout === layout)
    let keyed = await hasKey(client, layout)
    if (!keyed && table && plan.prefetch.size > 0) {
      await client.query('set local statement_timeout = 0')
      await client.query(patiently(primaryKeySql(table)))
      keyed = true
    }
    const base = await prefetchedRows(client, plan)
    const { conditions, upserts } = foldTable(plan, base)
    await meetConditions(client, layout, conditions)
    if (upserts.length === 0) continue
    if (!keyed) await copy(client, layout, upserts)
    else await copyOver(client, layout, upserts, base)
  }
}

/**
 * Gives the tables their primary keys and indexes, where these are missing still. False: two rows have the same key, since
 * an insert has replaced one; such tables have to be filled with their keys from the beginning.
 */
export async function addKeys(pool: pg.Pool, tables: readonly BuildTable[]): Promise<boolean> {
  for (const one of tables) {
    try {
      await inTransaction(pool, async (client) => {
        await client.query(`set local statement_timeout = 0; set local maintenance_work_mem = '128MB'`)
        if (!(await hasKey(client, one.layout))) await client.query(patiently(primaryKeySql(one)))
        for (const [name, statement] of indexesSql(one)) {
          if (!(await exists(client, name))) await client.query(patiently(statement))
        }
        await client.query(patiently(`analyze ${one.layout.relation}`))
      })
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION) return false
      throw error
    }
  }
  return true
}

const UNIQUE_VIOLATION = '23505'
const hasKey = (client: pg.ClientBase, layout: TableLayout): Promise<boolean> => exists(client, primaryKeyName(layout))

async function exists(client: pg.ClientBase, name: string): Promise<boolean> {
  const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [
    `read.${pg.escapeIdentifier(name)}`,
  ])
  return rows[0]?.there === true
}

/** Into a table with its key: the rows that are known to be there make room first. */
async function copyOver(
  client: pg.ClientBase,
  layout: TableLayout,
  rows: readonly Values[],
  base: ReadonlyMap<string, Values>,
): Promise<void> {
  const replaced = rows.map((row) => pick(row, layout.key)).filter((key) => base.has(keyOf(key)))
  if (replaced.length > 0) {
    await client.query(deleteSql(layout, layout.key), columnArrays(pick(layout.columns, layout.key), replaced))
  }
  await client.query('savepoint copy')
  try {
    await copy(client, layout, rows)
    await client.query('release savepoint copy')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION)) throw error
    // An insert that replaces a row.
    await client.query('rollback to savepoint copy')
    await client.query({ ...layout.upsert, values: columnArrays(layout.columns, rows) })
  }
}

/** Rows in one piece of text, some of the way to a socket's buffer. Between pieces other work of the process runs. */
const ROWS_AT_ONCE = 200

async function copy(client: pg.ClientBase, layout: TableLayout, rows: readonly Values[]): Promise<void> {
  const columns = layout.columns.map(({ name }) => pg.escapeIdentifier(name)).join(', ')
  const sink = client.query(copyFrom(`copy ${layout.relation} (${columns}) from stdin`))
  await pipeline(Readable.from(pieces(rows)), sink)
}

function* pieces(rows: readonly Values[]): Generator<Buffer> {
  for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
    let text = ''
    for (const row of rows.slice(start, start + ROWS_AT_ONCE)) text += line(row)
    yield Buffer.from(text)
  }
}

/** PostgreSQL's text format of COPY (manual, COPY, "Text Format"). */
function line(row: Values): string {
  let text = ''
  for (let index = 0; index < row.length; index++) {
    const value = row[index]
    if (index > 0) text += '\t'
    if (value === null) text += '\\N'
    else if (typeof value === 'string') text += SPECIAL.test(value) ? value.replace(/[\\\n\r\t]/g, escapeOf) : value
    else text += String(value)
  }
  return `${text}\n`
}

const SPECIAL = /[\\\n\r\t]/

const escapeOf = (character: string): string =>
  character === '\n' ? '\\n' : character === '\r' ? '\\r' : character === '\t' ? '\\t' : '\\\\'
