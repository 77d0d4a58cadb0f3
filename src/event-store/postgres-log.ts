import type pg from 'pg'
import { CoalescedReads } from '../platform/coalesced-reads.ts'
import { isDatabaseAway } from '../platform/postgres.ts'
import { asTextRows } from '../platform/text-rows.ts'
import { decodeEvents, type StoredEvent } from './decode.ts'
import { type Position, StoreUnavailable } from './port.ts'
import type { ReadRange } from './read-range.ts'
import { SharedPages } from './shared-pages.ts'
import type { PageReader } from './subscription.ts'

/** All values still text. */
interface LogPage {
  readonly events: readonly StoredEvent[]
  /** There probably are events after these. */
  readonly more: boolean
}

interface WantedTail {
  readonly stream: string
  /** First revision wanted. */
  readonly from: bigint
}

const PAGE_EVENTS = 250
/** A page ends early before it would hold more: 1,000 events of the largest size would be a gigabyte. */
const PAGE_BYTES = 8 * 1_048_576

/**
 * For the connections that pages are read on. Their statements are prepared once, for planning a page takes longer than
 * reading a short one. A plan made for any stream and any limit might read and sort the whole stream for every page:
 * these leave the planner nothing but the index, in whose order the rows are wanted.
 */
export const READER_SETTINGS = `
  set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off`

/** The events as pages. */
export class PostgresLog {
  readonly #pool: pg.Pool
  readonly #tails: CoalescedReads<WantedTail, LogPage>
  readonly #pages: SharedPages

  constructor(pool: pg.Pool) {
    this.#pool = pool
    this.#tails = new CoalescedReads((wanted) => this.#tailsOf(wanted))
    this.#pages = new SharedPages(async (position) => {
      const { events, more } = await this.#page(AFTER_POSITION, [position], PAGE_EVENTS)
      return { ...decodeEvents(events), more }
    })
  }

  async tail(): Promise<Position> {
    const [row] = await this.#rows({ text: 'select coalesce(max(position), 0) from store.events' }, [])
    return BigInt(row?.[0] ?? 0)
  }

  open(inStep: boolean): PageReader {
    return this.#pages.open(inStep)
  }

  async *stream(stream: string, { from, backwards, limit }: ReadRange): AsyncGenerator<StoredEvent> {
    const statement = backwards ? STREAM_BACKWARDS : STREAM_FORWARDS
    let next = from
    let left = limit
    if (!backwards && limit === Number.POSITIVE_INFINITY) {
      const { events, more } = await this.#tails.read({ stream, from })
      yield* events
      const last = events.at(-1)
      if (!last || !more) return
      next = last.revision + 1n
    }
    while (left > 0) {
      const { events, more } = await this.#page(statement, [stream, next], Math.min(left, PAGE_EVENTS))
      yield* events
      const last = events.at(-1)
      if (!last || !more) return
      left -= events.length
      next = backwards ? last.revision - 1n : last.revision + 1n
    }
  }

  async ping(): Promise<void> {
    await this.#rows({ text: 'select 1' }, [])
  }

  /** The first events from a revision on, of many streams at once. */
  async #tailsOf(wanted: readonly WantedTail[]): Promise<readonly LogPage[]> {
    const rows = await this.#rows(TAILS, [
      wanted.map(({ stream }) => stream),
      wanted.map(({ from }) => from),
      TAIL_EVENTS,
    ])
    const pages = wanted.map(() => ({ events: [] as StoredEvent[], more: false }))
    for (const row of rows) {
      const page = pages[Number(row[9]) - 1]
      if (page === undefined) throw new Error('the database answered for a stream that was not asked for')
      page.events.push(toStoredEvent(row))
      const found = Number(row[8])
      page.more = found === TAIL_EVENTS || page.events.length < found
    }
    return pages
  }

  async #page(statement: Statement, place: readonly unknown[], limit: number): Promise<LogPage> {
    const rows = await this.#rows(statement, [limit, ...place])
    const found = Number(rows[0]?.[8] ?? 0)
    return { events: rows.map(toStoredEvent), more: rows.length < found || found === limit }
  }

  async #rows(statement: Statement, values: readonly unknown[]): Promise<string[][]> {
    try {
      const { rows } = await this.#pool.query<string[]>(asTextRows(statement, values))
      return rows
    } catch (error) {
      throw isDatabaseAway(error) ? new StoreUnavailable('notCommitted', error) : error
    }
  }
}

interface Statement {
  readonly name?: string
  readonly text: string
}

/** $1 is the most events there may be in the page. */
const pageStatement = (name: string, condition: string, order: string): Statement => ({
  name,
  text: `
    select position, stream, revision, id, type, data, metadata, recorded_ms, found
    from (
      select *, (extract(epoch from recorded_at) * 1000)::bigint as recorded_ms,
        sum(octet_length(data) + octet_length(metadata)) over (order by ${order}) as bytes,
        row_number() over (order by ${order}) as number,
        count(*) over () as found
      from (select * from store.events where ${condition} order by ${order} limit $1) page
    ) measured
    where bytes <= ${PAGE_BYTES} or number = 1
    order by ${order}`,
})

const AFTER_POSITION = pageStatement('page', 'position > $2', 'position')
const STREAM_FORWARDS = pageStatement('stream forwards', 'stream = $2 and revision >= $3', 'revision')
const STREAM_BACKWARDS = pageStatement('stream backwards', 'stream = $2 and revision <= $3', 'revision desc')

/**
 * Where most accounts are read: nothing or little is new. One statement for all that ask at once, in the order of $1;
 * a stream that may have more than its first events is read on by itself.
 */
const TAIL_EVENTS = 16
const TAIL_BYTES = 262_144

const TAILS: Statement = {
  name: 'tails',
  text: `
    select tail.*, wanted.number
      from unnest($1::text[], $2::bigint[]) with ordinality as wanted(stream, revision, number)
     cross join lateral (
       select position, stream, revision, id, type, data, metadata, recorded_ms, found
       from (
         select *, (extract(epoch from recorded_at) * 1000)::bigint as recorded_ms,
           sum(octet_length(data) + octet_length(metadata)) over (order by revision) as bytes,
           row_number() over (order by revision) as place,
           count(*) over () as found
         from (select * from store.events e
                where e.stream = wanted.stream and e.revision >= wanted.revision
                order by e.revision limit $3) page
       ) measured
       where bytes <= ${TAIL_BYTES} or place = 1) tail
     order by wanted.number, tail.revision`,
}

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
