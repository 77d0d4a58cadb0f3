/** The audit log of one user, newest first, in the order of the log itself. */
import type { Kysely, Selectable, SelectQueryBuilder } from 'kysely'
import type { AuditRow, Database } from '../platform/database.ts'

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
): Promise<readonly AuditEventRow[]> => {
  let query = filtered(ofUser(db, userId), filter)
  if (page.before !== null) query = query.where('position', '<', page.before)
  return query.orderBy('position', 'desc').limit(page.limit).execute()
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
