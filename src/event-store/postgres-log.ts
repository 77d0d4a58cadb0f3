import type pg from 'pg'
import { isDatabaseAway } from '../platform/postgres.ts'
import type { StoredEvent } from './decode.ts'
import { type Position, StoreUnavailable } from './port.ts'
import type { ReadRange } from './read-range.ts'
import type { LogPage } from './subscription.ts'

const PAGE_EVENTS = 1_000
/** A page ends early before it would hold more: 1,000 events of the largest size would be a gigabyte. */
const PAGE_BYTES = 8 * 1_048_576

/**
 * Statements are not named: a named one may get a generic plan, made for any stream and any limit, that reads and
 * sorts the whole stream for every page.
 */
export class PostgresLog {
  readonly #pool: pg.Pool

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  async tail(): Promise<Position> {
    const [row] = await this.#rows('select coalesce(max(position), 0) from store.events', [])
    return BigInt(row?.[0] ?? 0)
  }

  pageAfter(position: Position): Promise<LogPage> {
    return this.#page('position > $1', 'position', [position], PAGE_EVENTS)
  }

  async *stream(stream: string, { from, backwards, limit }: ReadRange): AsyncGenerator<StoredEvent> {
    const condition = backwards ? 'stream = $1 and revision <= $2' : 'stream = $1 and revision >= $2'
    const order = backwards ? 'revision desc' : 'revision'
    let next = from
    let left = limit
    while (left > 0) {
      const { events, more } = await this.#page(condition, order, [stream, next], Math.min(left, PAGE_EVENTS))
      yield* events
      const last = events.at(-1)
      if (!last || !more) return
      left -= events.length
      next = backwards ? last.revision - 1n : last.revision + 1n
    }
  }

  async ping(): Promise<void> {
    await this.#rows('select 1', [])
  }

  async #page(condition: string, order: string, values: readonly unknown[], limit: number): Promise<LogPage> {
    const text = `
      select position, stream, revision, id, type, data, metadata, recorded_ms, found
      from (
        select *, (extract(epoch from recorded_at) * 1000)::bigint as recorded_ms,
          sum(octet_length(data) + octet_length(metadata)) over (order by ${order}) as bytes,
          row_number() over (order by ${order}) as number,
          count(*) over () as found
        from (select * from store.events where ${condition} order by ${order} limit ${limit}) page
      ) measured
      where bytes <= ${PAGE_BYTES} or number = 1
      order by ${order}`
    const rows = await this.#rows(text, values)
    const found = Number(rows[0]?.[8] ?? 0)
    return { events: rows.map(toStoredEvent), more: rows.length < found || found === limit }
  }

  async #rows(text: string, values: readonly unknown[]): Promise<string[][]> {
    try {
      const query = { text, values: [...values], rowMode: 'array' as const, types: TEXT_ONLY }
      const { rows } = await this.#pool.query<string[]>(query)
      return rows
    } catch (error) {
      throw isDatabaseAway(error) ? new StoreUnavailable('notCommitted', error) : error
    }
  }
}

/** Values stay text: the driver's parsing by type is the dearest part of reading, and would round no bigint but wrap it. */
const TEXT_ONLY: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value }

function toStoredEvent(row: readonly string[]): StoredEvent {
  const [position = '', stream = '', revision = '', id = '', type = '', data = '', metadata = '', recordedMs] = row
  return {
    stream,
    revision: BigInt(revision),
    position: BigInt(position),
    id,
    type,
    data,
    metadata,
    recordedAt: new Date(Number(recordedMs)),
  }
}
