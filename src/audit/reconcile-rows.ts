/** The audit log that people are shown, held against the events: every row is computed anew and compared. */
import type { Position, RecordedEvent } from '../event-store/port.ts'
import type { Row } from '../projector/row-operation.ts'
import type { Queryable } from './log-store.ts'

export interface RowsVerdict {
  /** Rows that were held against their events. */
  readonly rows: number
  /** Position of the last event that the audit log has handled; null before the first. */
  readonly upTo: Position | null
  /** The first thing that is not as it should be, in a sentence without values, which may be personal; null: nothing. */
  readonly difference: string | null
}

const BATCH = 1_000

/**
 * Takes the events of the whole store, and what the projection makes of one; null: it cannot be read. Events behind the
 * projection's checkpoint are left out, and a row there is of no event: whoever put it there would have it shown first.
 * Nothing is written.
 * Throws what store, projection and database throw.
 */
export const reconcileRows = async (
  database: Queryable,
  history: AsyncIterable<RecordedEvent>,
  rowsOf: (event: RecordedEvent) => Promise<readonly Row[] | null>,
): Promise<RowsVerdict> => {
  const { upTo, beyond } = await liveRows(database)
  if (upTo === null || beyond > 0) {
    const where = upTo === null ? 'though no event was handled' : `behind position ${upTo}, the last that was handled`
    return { rows: 0, upTo, difference: beyond === 0 ? null : `rows of the audit log ${where}: ${beyond}` }
  }
  let rows = 0
  let batch: Row[] = []
  for await (const event of history) {
    if (event.position > upTo) break
    const wanted = await rowsOf(event)
    if (wanted === null) return { rows, upTo, difference: `event ${event.id} cannot be read, nor its row be compared` }
    batch.push(...wanted)
    if (batch.length < BATCH) continue
    const difference = await differenceIn(database, batch)
    if (difference !== null) return { rows, upTo, difference }
    rows += batch.length
    batch = []
  }
  const difference = await differenceIn(database, batch)
  if (difference !== null) return { rows, upTo, difference }
  rows += batch.length
  const [count] = await database.query<{ count: string }>(
    'select count(*)::text as count from read.auditlog where position <= $1',
    [upTo],
  )
  const extra = Number(count?.count ?? 0) - rows
  return { rows, upTo, difference: extra === 0 ? null : `rows of the audit log that are of no event: ${extra}` }
}

/** In one statement, which sees one moment: rows are added with the position they belong to, in one transaction. */
const liveRows = async (database: Queryable): Promise<{ readonly upTo: Position | null; readonly beyond: number }> => {
  const [view] = await database.query<{ there: boolean }>(
    "select to_regclass('read.auditlog') is not null as there",
    [],
  )
  if (view?.there !== true) return { upTo: null, beyond: 0 }
  const [found] = await database.query<{ position: string | null; beyond: string }>(
    `select live.position::text, (
              select count(*)::text from read.auditlog
               where position > live.position or position is null or live.position is null) as beyond
       from (select) always
       left join read.projections live on live.name = 'auditlog' and live.live`,
    [],
  )
  const position = found?.position ?? null
  return { upTo: position === null ? null : BigInt(position), beyond: Number(found?.beyond ?? 0) }
}

const differenceIn = async (database: Queryable, wanted: readonly Row[]): Promise<string | null> => {
  if (wanted.length === 0) return null
  const found = await database.query<Record<string, unknown>>(
    'select * from read.auditlog where id = any($1::uuid[])',
    [wanted.map(({ id }) => id)],
  )
  const byId = new Map(found.map((row) => [row.id, row]))
  for (const row of wanted) {
    const shown = byId.get(row.id)
    if (shown === undefined) return `the audit log has no row for event ${row.id}`
    const wrong = Object.keys(row).find((column) => spelled(row[column]) !== spelled(shown[column]))
    if (wrong !== undefined) return `the row of event ${row.id} is not what its event says: column ${wrong}`
  }
  return null
}

/** The driver gives bigint as text and times as Date. */
const spelled = (value: unknown): string | null =>
  value === null || value === undefined ? null : value instanceof Date ? value.toISOString() : String(value)
