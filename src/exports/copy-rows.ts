/**
 * Rows leave the database by COPY, as bytes that nobody in between looks at: whoever reads slowly slows the database
 * down, and not more than some buffers are ever held.
 */
import type { Readable } from 'node:stream'
import type { CompiledQuery } from 'kysely'
import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { streamFrom } from '../platform/stream-from.ts'

/** `csv`: with a first line of names. `lines`: the one text column, a line each, as it is. */
export type CopyFormat = 'csv' | 'lines'

export interface RowCopier {
  /**
   * The query's rows in its order. Destroying the stream ends the query. Throws what keeps the database from answering;
   * what PostgreSQL throws later is the stream's error.
   */
  start(query: CompiledQuery, format: CopyFormat): Promise<Readable>
}

/**
 * For the pool of exports. The indexes have the order already, and a sort would read all rows before the first leaves.
 * One export takes one processor, whatever the planner thinks of its many operators: others work beside it.
 * A query that finds nothing writes nothing, so it has to look whether anybody is there still; not every platform can.
 */
export const EXPORT_SETTINGS = `set enable_sort = off; set jit = off; set max_parallel_workers_per_gather = 0;
  set timezone = 'UTC'; set datestyle = 'ISO';
  do $$ begin
    perform set_config('client_connection_check_interval', '1s', false);
  exception when others then null;
  end $$`
export const EXPORT_TIMEOUT_MS = 86_400_000

export const openRowCopier = (pool: pg.Pool): RowCopier => ({
  async start(query, format) {
    const client = await pool.connect()
    const copy = copyTo(`copy (${inlined(query)}) to stdout with (${options[format]})`)
    client.query(copy)
    copy.once('error', () => {})
    copy.once('close', () => {
      // The driver's own time limit, which nothing else would stop.
      if ('callback' in copy && typeof copy.callback === 'function') copy.callback()
      // A COPY that is cut off leaves the connection in the middle of it: that connection is of no more use.
      client.release(!copy.readableEnded)
    })
    return copy
  },
})

/** Lines that each begin with a comma, as one array of JSON. */
export const asArray = (lines: Readable): Readable => {
  async function* parts(): AsyncGenerator<string> {
    let begun = false
    lines.setEncoding('utf8')
    for await (const chunk of lines as AsyncIterable<string>) {
      yield begun ? chunk : `[${chunk.slice(1)}`
      begun = true
    }
    yield begun ? ']\n' : '[]\n'
  }
  return streamFrom(parts(), () => lines.destroy())
}

const options: Readonly<Record<CopyFormat, string>> = {
  csv: 'format csv, header true',
  // Characters that JSON never holds, so that nothing is quoted and nothing escaped.
  lines: "format csv, header false, delimiter E'\\x01', quote E'\\x02'",
}

/** COPY takes no parameters. */
const inlined = ({ sql, parameters }: CompiledQuery): string =>
  sql.replace(/\$(\d+)/g, (_, number: string) => literalOf(parameters[Number(number) - 1]))

const literalOf = (value: unknown): string => {
  if (value instanceof Date) return pg.escapeLiteral(value.toISOString())
  if (typeof value === 'string') return pg.escapeLiteral(value)
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  throw new TypeError('an export filters by texts, numbers and times')
}
