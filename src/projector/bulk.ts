/**
 * Filling the tables of a build: rows are folded in memory a batch at a time and sent by COPY, into tables without
 * indexes for as long as no operation asks for a row that is there already; from then on the table has its primary key.
 * What an event asks for is packed when it arrives (`page-steps.ts`): of all that was opened and parsed for it, nothing
 * else has to be kept until the batch is written.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { inTransaction } from '../platform/postgres.ts'
import { WorkMustBeginAgain } from './batch.ts'
import { lineOf } from './copy-line.ts'
import { type BuildTable, indexesSql, patiently, primaryKeyName, primaryKeySql } from './ddl.ts'
import { type FoldedRow, foldTable, valuesIn } from './fold.ts'
import { columnArrays, type TableLayout } from './layout.ts'
import { type PageSteps, stepsIn, type TableSteps } from './page-steps.ts'
import { meetConditions } from './rows.ts'

/**
 * As `writeOperations`, but for tables whose key may be missing still. An insert that replaces a row of an earlier batch
 * goes unseen there, until the key is made: here, or by `addKeys`. Throws WorkMustBeginAgain where that finds one,
 * ProjectionFault, and what PostgreSQL throws.
 */
export async function writeInBulk(
  client: pg.ClientBase,
  tables: readonly BuildTable[],
  pages: readonly PageSteps[],
): Promise<void> {
  for (const table of tables) {
    const ofTable = pages.flatMap((page) => page.tables.find((one) => one.table === table.layout.name) ?? [])
    if (ofTable.length === 0) continue
    const keyed = await hasKey(client, table.layout)
    if (!keyed && onlyNewRows(ofTable))
      await copy(
        client,
        table.layout,
        ofTable.map(({ lines }) => lines),
      )
    else await writeFolded(client, table, ofTable, keyed)
  }
}

/** Nothing is to be folded then. */
function onlyNewRows(pages: readonly TableSteps[]): boolean {
  if (pages.some(({ others }) => others.length > 0)) return false
  const keys = new Set<string>()
  let rows = 0
  for (const page of pages) {
    for (const key of page.keys) keys.add(key)
    rows += page.keys.length
  }
  return keys.size === rows
}

async function writeFolded(
  client: pg.ClientBase,
  table: BuildTable,
  pages: readonly TableSteps[],
  hasItsKey: boolean,
): Promise<void> {
  const { layout } = table
  const steps = pages.flatMap((page) => [...stepsIn(page, layout)])
  const { conditions, upserts, needsKey } = foldTable({ layout, steps })
  if (needsKey && !hasItsKey) await addKeyAmidTheLoad(client, table)
  await meetConditions(client, layout, conditions)
  if (upserts.length === 0) return
  if (needsKey || hasItsKey) await copyOver(client, layout, upserts)
  else await copy(client, layout, upserts.map(lineOfRow))
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

/** Into a table with its key, where an insert may replace a row. */
async function copyOver(client: pg.ClientBase, layout: TableLayout, rows: readonly FoldedRow[]): Promise<void> {
  await client.query('savepoint copy')
  try {
    await copy(client, layout, rows.map(lineOfRow))
    await client.query('release savepoint copy')
  } catch (error) {
    if (!isDuplicate(error)) throw error
    // An insert that replaces a row.
    await client.query('rollback to savepoint copy')
    const values = rows.map((row) => valuesIn(layout, row))
    await client.query({ ...layout.upsert, values: columnArrays(layout.columns, values) })
  }
}

/** Some of the way to a socket's buffer. Between pieces other work of the process runs. */
const PIECE_BYTES = 131_072

async function copy(client: pg.ClientBase, layout: TableLayout, lines: readonly Buffer[]): Promise<void> {
  const columns = layout.columns.map(({ name }) => pg.escapeIdentifier(name)).join(', ')
  const sink = client.query(copyFrom(`copy ${layout.relation} (${columns}) from stdin`))
  await pipeline(Readable.from(pieces(lines)), sink)
}

function* pieces(lines: readonly Buffer[]): Generator<Buffer> {
  let piece: Buffer[] = []
  let bytes = 0
  for (const line of lines) {
    piece.push(line)
    bytes += line.length
    if (bytes < PIECE_BYTES) continue
    yield piece.length === 1 ? line : Buffer.concat(piece, bytes)
    piece = []
    bytes = 0
  }
  if (piece.length > 0) yield Buffer.concat(piece, bytes)
}

const lineOfRow = (row: FoldedRow): Buffer => (Buffer.isBuffer(row) ? row : lineOf(row))
