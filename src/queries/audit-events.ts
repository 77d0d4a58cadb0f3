/** The audit log of one user, or of all, in the order of the log itself. */
import type { CompiledQuery, Kysely, Selectable, SelectQueryBuilder } from 'kysely'
import type { AuditRow, Database } from '../platform/database.ts'
import { csvColumns, jsonLine, PERSONAL } from './audit-export-columns.ts'

export interface AuditFilter {
  readonly codes?: readonly string[]
  readonly outcome?: 'success' | 'failure'
  /** Inclusive. */
  readonly from?: string
  /** Exclusive. */
  readonly to?: string
  readonly ip?: string
  readonly country?: string
  readonly device?: string
  /** Events that the session caused, and events about it. */
  readonly session?: { readonly id: string } | { readonly hash: string }
}

export type AuditEventRow = Selectable<AuditRow>
type Query = SelectQueryBuilder<Database, 'read.auditlog', AuditEventRow>

export const auditEvents = (
  db: Kysely<Database>,
  userId: string,
  filter: AuditFilter,
  page: { readonly before: string | null; readonly limit: number },
): Promise<readonly AuditEventRow[]> => auditEventsBefore(db, userId, filter, page).execute()

/** The query of it: newest first. */
export const auditEventsBefore = (
  db: Kysely<Database>,
  userId: string,
  filter: AuditFilter,
  { before, limit }: { readonly before: string | null; readonly limit: number },
): Query => {
  const query = filtered(ofUser(db, userId), filter)
  return (before === null ? query : query.where('position', '<', before)).orderBy('position', 'desc').limit(limit)
}

/** Of all users, newest first, and of those who read them. Nothing personal of who is being erased. */
export const auditEventsOfAll = async (
  db: Kysely<Database>,
  { userId, ...filter }: AuditFilter & { readonly userId?: string },
  page: { readonly before: string | null; readonly limit: number },
): Promise<readonly AuditEventRow[]> => {
  const erased = await underErasure(db, userId ?? null)
  let query = notFoundBy(filter, erased, filtered(userId === undefined ? ofAll(db) : ofUser(db, userId), filter))
  if (page.before !== null) query = query.where('position', '<', page.before)
  const rows = await query.orderBy('position', 'desc').limit(page.limit).execute()
  return erased.length === 0 ? rows : rows.map((row) => (erased.includes(row.user_id ?? '') ? blanked(row) : row))
}

/** Who looks for an address must not learn from a row without it whose it was. */
const notFoundBy = (filter: AuditFilter, erased: readonly string[], query: Query): Query =>
  filter.ip === undefined || erased.length === 0
    ? query
    : query.where((eb) => eb.or([eb('user_id', 'is', null), eb('user_id', 'not in', erased)]))

const blanked = (row: AuditEventRow): AuditEventRow => ({ ...row, ...NOTHING_PERSONAL })

const NOTHING_PERSONAL = Object.fromEntries([...PERSONAL].map((column) => [column, null]))

export interface ExportWish {
  /** Whose rows; null: everybody's, and then each row says whose. */
  readonly userId: string | null
  readonly filter: AuditFilter
  /** `array`: as `lines`, each line after a comma. */
  readonly format: 'csv' | 'lines' | 'array'
  /** Columns of the person whose row it is, for who reads the rows of several. */
  readonly named: boolean
  /** As `underErasure` told, after erasures began to be followed. Nothing personal is shown of them. */
  readonly erased?: readonly string[]
}

/**
 * Whose erasure is under way: that person, or of all (null) who. Their rows may still hold what has to go. Who asks
 * while following erasures, and then reads rows, has been told of everybody whose rows do: here, or by what is followed.
 */
export const underErasure = async (db: Kysely<Database>, userId: string | null): Promise<readonly string[]> => {
  const all = db.selectFrom('vault.erasures').select('user_id').where('done_at', 'is', null)
  const rows = await (userId === null ? all : all.where('user_id', '=', userId)).execute()
  return rows.map((row) => row.user_id)
}

/** The query of an export, oldest first: one text column of JSON, or the columns of a CSV file by their names. */
export const auditExportQuery = (
  db: Kysely<Database>,
  { userId, filter, format, named, erased = [] }: ExportWish,
): CompiledQuery => {
  const rows = notFoundBy(filter, erased, filtered(userId === null ? ofAll(db) : ofUser(db, userId), filter))
    .clearSelect()
    .orderBy('position')
  return format === 'csv'
    ? rows.select(csvColumns(named, erased)).compile()
    : rows.select(jsonLine(named, format === 'array' ? ',' : '', erased).as('line')).compile()
}

/** Whose session it is; null: nobody's that is listed. */
export const ownerOfSession = async (
  db: Kysely<Database>,
  session: { readonly id: string } | { readonly hash: string },
): Promise<string | null> => {
  const rows = db.selectFrom('read.sessions').select('user_id')
  const row = await ('id' in session ? rows.where('id', '=', session.id) : rows.where('hash', '=', session.hash))
    .limit(1)
    .executeTakeFirst()
  return row?.user_id ?? null
}

export const auditEventOf = async (
  db: Kysely<Database>,
  userId: string,
  eventId: string,
): Promise<AuditEventRow | null> => (await ofUser(db, userId).where('id', '=', eventId).executeTakeFirst()) ?? null

/** Of whomever. */
export const isInAuditLog = async (db: Kysely<Database>, eventId: string): Promise<boolean> =>
  (await db.selectFrom('read.auditlog').select('id').where('id', '=', eventId).executeTakeFirst()) !== undefined

const ofUser = (db: Kysely<Database>, userId: string): Query =>
  db.selectFrom('read.auditlog').selectAll().where('user_id', '=', userId)

const ofAll = (db: Kysely<Database>): Query => db.selectFrom('read.auditlog').selectAll()

const filtered = (query: Query, filter: AuditFilter): Query =>
  query
    .$if(filter.codes !== undefined, (q) => q.where('code', 'in', filter.codes ?? []))
    .$if(filter.outcome !== undefined, (q) => q.where('outcome', '=', filter.outcome ?? ''))
    .$if(filter.from !== undefined, (q) => q.where('occurred_at', '>=', new Date(filter.from ?? 0)))
    .$if(filter.to !== undefined, (q) => q.where('occurred_at', '<', new Date(filter.to ?? 0)))
    .$if(filter.ip !== undefined, (q) => q.where('ip', '=', filter.ip ?? ''))
    .$if(filter.country !== undefined, (q) => q.where('country', '=', filter.country ?? ''))
    .$if(filter.device !== undefined, (q) => q.where('device_type', '=', filter.device ?? ''))
    .$if(filter.session !== undefined, (q) => ofSession(q, filter.session ?? { hash: '' }))

const ofSession = (query: Query, session: { readonly id: string } | { readonly hash: string }): Query =>
  query.where((eb) => {
    if ('id' in session) return eb.or([eb('session_id', '=', session.id), eb('about_session_id', '=', session.id)])
    const ids = eb.selectFrom('read.sessions').select('read.sessions.id').where('hash', '=', session.hash)
    return eb.or([eb('session_hash', '=', session.hash), eb('about_session_id', 'in', ids)])
  })
