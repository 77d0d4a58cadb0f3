import pg from 'pg'
import { isDatabaseAway } from '../platform/postgres.ts'
import { type Position, StoreUnavailable } from './port.ts'
import type { EncodedAppend, EncodedEvent } from './validate.ts'

export type AppendOutcome =
  | { readonly kind: 'appended' | 'repeated'; readonly position: Position }
  /** Revision the stream is at; -1 where it does not exist. */
  | { readonly kind: 'conflict'; readonly actual: bigint }

/**
 * Writes a batch with one call of store.append: one round trip, one transaction.
 * Throws StoreUnavailable: `notCommitted` where nothing was sent or the server refused, `unknown` where the connection
 * was lost or fell silent after the batch had been sent.
 */
export async function appendBatch(pool: pg.Pool, batch: readonly EncodedAppend[]): Promise<readonly AppendOutcome[]> {
  const client = await connect(pool)
  try {
    const query = { name: 'append', text: APPEND, values: parameters(batch), rowMode: 'array' as const }
    const { rows } = await client.query<AppendRow>(query)
    client.release()
    return outcomes(batch, rows[0])
  } catch (error) {
    client.release(true)
    throw asStoreError(error)
  }
}

const APPEND = 'select head, actual, repeated from store.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)'

/** As the driver reads bigint and bigint[]. */
type AppendRow = readonly [head: string, actual: readonly string[], repeated: readonly (string | null)[] | null]

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw isDatabaseAway(error) ? new StoreUnavailable('notCommitted', error) : error
  }
}

/** An ERROR is the server's word that the transaction was rolled back; FATAL and a lost connection say nothing of it. */
function asStoreError(error: unknown): unknown {
  if (error instanceof pg.DatabaseError && error.severity === 'ERROR') {
    return isDatabaseAway(error) ? new StoreUnavailable('notCommitted', error) : error
  }
  return new StoreUnavailable('unknown', error)
}

function parameters(batch: readonly EncodedAppend[]): unknown[] {
  const owners: number[] = []
  const streams: string[] = []
  const revisions: bigint[] = []
  const events: EncodedEvent[] = []
  for (const [i, append] of batch.entries()) {
    for (const [offset, event] of append.events.entries()) {
      owners.push(i + 1)
      streams.push(append.stream)
      revisions.push(append.firstRevision + BigInt(offset))
      events.push(event)
    }
  }
  return [
    batch.map(({ stream }) => stream),
    plainArray(batch.map(({ firstRevision }) => firstRevision - 1n)),
    plainArray(batch.map((append) => append.events.length)),
    plainArray(owners),
    streams,
    plainArray(revisions),
    plainArray(events.map(({ id }) => id)),
    events.map(({ type }) => type),
    jsonArray(events.map(({ data }) => data)),
    jsonArray(events.map(({ metadata }) => metadata)),
  ]
}

/**
 * Arrays as PostgreSQL reads them (manual, 8.15.2): the driver makes them of any values, looking at each several times,
 * which was a fifth of what an append costs in this process. Here: numbers and UUIDs, which need no quotes.
 */
const plainArray = (items: readonly (number | bigint | string)[]): string => `{${items.join(',')}}`

/**
 * And texts that are JSON. In quotes PostgreSQL takes a backslash away and the next character as it is; a JSON text has
 * no raw control character, so all that JSON.stringify adds to it are quotes, and backslashes before quotes and
 * backslashes: the same.
 */
const jsonArray = (texts: readonly string[]): string => `{${JSON.stringify(texts).slice(1, -1)}}`

/** The function numbers the events it writes on from `head`, append by append. */
function outcomes(batch: readonly EncodedAppend[], row: AppendRow | undefined): readonly AppendOutcome[] {
  if (!row) throw new Error('store.append gave no row')
  const [head, actuals, repeated] = row
  let position = BigInt(head)
  return batch.map(({ firstRevision, events }, i) => {
    const actual = BigInt(actuals[i] ?? '')
    if (actual === firstRevision - 1n) {
      position += BigInt(events.length)
      return { kind: 'appended', position }
    }
    const repeat = repeated?.[i]
    return repeat ? { kind: 'repeated', position: BigInt(repeat) } : { kind: 'conflict', actual }
  })
}
