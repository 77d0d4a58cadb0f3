/** The sessions of one user. Which of them can still act is the account's to say; this list follows the read model. */
import type { Kysely, Selectable } from 'kysely'
import type { Database, SessionRow } from '../platform/database.ts'

export type ListedSession = Selectable<SessionRow>

const sessionsOf = (db: Kysely<Database>, userId: string) =>
  db.selectFrom('read.sessions').selectAll().where('user_id', '=', userId)

/** All sessions that have not ended: at most SESSIONS_MAX. */
export const activeSessions = (db: Kysely<Database>, userId: string): Promise<readonly ListedSession[]> =>
  sessionsOf(db, userId).where('ended_position', 'is', null).execute()

/** Ended sessions, the last to end first, from before the position `before`. */
export const endedSessions = (
  db: Kysely<Database>,
  userId: string,
  page: { readonly before: string | null; readonly limit: number },
): Promise<readonly ListedSession[]> => {
  let query = sessionsOf(db, userId).where('ended_position', 'is not', null)
  if (page.before !== null) query = query.where('ended_position', '<', page.before)
  return query.orderBy('ended_position', 'desc').limit(page.limit).execute()
}

export const sessionOf = async (
  db: Kysely<Database>,
  userId: string,
  sessionId: string,
): Promise<ListedSession | null> =>
  (await sessionsOf(db, userId).where('id', '=', sessionId).executeTakeFirst()) ?? null
