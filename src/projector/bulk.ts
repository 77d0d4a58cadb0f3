/**
 * Filling the tables of a build: rows are folded in memory a batch at a time and sent by COPY, into tables without
 * indexes for as long as no operation asks for a row that is there already; from then on the table has its primary key.
 * A row is spelled as its line for COPY when its event arrives: of all that was opened and parsed for it, nothing else
 * has to be kept until the batch is written.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { inTransaction } from '../platform/postgres.ts'
import { WorkMustBeginAgain } from './batch.ts'
import { lineOf } from './copy-line.ts'
import { type BuildTable, indexesSql, patiently, primaryKeyName, primaryKeySql } from './ddl.ts'
import { type FoldedRow, foldTable, planSteps, type Step, stepOf, valuesIn } from './fold.ts'
import { columnArrays, deleteSql, pick, type TableLayout } from './layout.ts'
import type { ColumnValue, RowOperation } from './row-operation.ts'
import { meetConditions, prefetchedRows } from './rows.ts'

type Values = readonly ColumnValue[]

/** What an event asks of the tables, ready to be written in bulk. Throws ProjectionFault where it does not fit them. */
export function stepsInBulk(
  layouts: ReadonlyMap<string, TableLayout>,
  operations: readonly RowOperation[],
): readonly Step[] {
  return operations.map((operation) => stepOf(layouts, operation, lineOf))
}

/**
 * As `writeOperations`, but for tables whose key may be missing still. An insert that replaces a row of an earlier batch
 * goes unseen there, until the key is made: here, or by `addKeys`. Throws WorkMustBeginAgain where that finds one,
 * ProjectionFault, and what PostgreSQL throws.
 */
export async function writeInBulk(
  client: pg.ClientBase,
  tables: readonly BuildTable[],
  steps: readonly Step[],
): Promise<void> {
  for (const plan of planSteps(steps)) {
    const { layout } = plan
    const table = tables.find((one) => one.layout === layout)
    let keyed = await hasKey(client, layout)
    if (!keyed && table && plan.prefetch.size > 0) {
      await addKeyAmidTheLoad(client, table)
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

async function addKeyAmidTheLoad(client: pg.ClientBase, table: BuildTable): Promise<void> {
  try {
    await client.query('set local statement_timeout = 0')
    await client.query(patiently(primaryKeySql(table)))
  } catch (error) {
    throw isDuplicate(error) ? new WorkMustBeginAgain('an insert has replaced a row', { cause: error }) : error
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
        // A first look at the values is enough to plan by, and takes a tenth of the time; autovacuum looks again.
        await client.query(
          `set local statement_timeout = 0; set local maintenance_work_mem = '128MB'; set local default_statistics_target = 10`,
        )
        if (!(await hasKey(client, one.layout))) await client.query(patiently(primaryKeySql(one)))
        for (const [name, statement] of indexesSql(one)) {
          if (!(await exists(client, name))) await client.query(patiently(statement))
        }
        await client.query(patiently(`analyze ${one.layout.relation}`))
      })
    } catch (error) {
      if (isDuplicate(error)) return false
      throw error
    }
  }
  return true
}

const UNIQUE_VIOLATION = '23505'
const isDuplicate = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION
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
  rows: readonly FoldedRow[],
  base: ReadonlyMap<string, Values>,
): Promise<void> {
  const replaced = [...base.values()].map((row) => pick(row, layout.key))
  if (replaced.length > 0) {
    await client.query(deleteSql(layout, layout.key), columnArrays(pick(layout.columns, layout.key), replaced))
  }
  await client.query('savepoint copy')
  try {
    await copy(client, layout, rows)
    await client.query('release savepoint copy')
  } catch (error) {
    if (!isDuplicate(error)) throw error
    // An insert that replaces a row.
    await client.query('rollback to savepoint copy')
    const values = rows.map((row) => valuesIn(layout, row))
    await client.query({ ...layout.upsert, values: columnArrays(layout.columns, values) })
  }
}

/** Rows in one piece, some of the way to a socket's buffer. Between pieces other work of the process runs. */
const ROWS_AT_ONCE = 200

async function copy(client: pg.ClientBase, layout: TableLayout, rows: readonly FoldedRow[]): Promise<void> {
  const columns = layout.columns.map(({ name }) => pg.escapeIdentifier(name)).join(', ')
  const sink = client.query(copyFrom(`copy ${layout.relation} (${columns}) from stdin`))
  await pipeline(Readable.from(pieces(rows)), sink)
}

function* pieces(rows: readonly FoldedRow[]): Generator<Buffer> {
  for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
    yield Buffer.concat(
      rows.slice(start, start + ROWS_AT_ONCE).map((row) => (Buffer.isBuffer(row) ? row : lineOf(row))),
    )
  }
}
