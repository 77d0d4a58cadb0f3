/** The sessions of one user. Which of them can still act is the account's to say; this list follows the read model. */
import { type Kysely, type Selectable, sql } from 'kysely'
import type { Database, SessionRow } from '../platform/database.ts'

export type ListedSession = Selectable<SessionRow>

const sessionsOf = (db: Kysely<Database>, userId: string) =>
  db.selectFrom('read.sessions').selectAll().where('user_id', '=', userId)

/** All sessions of each of the users that have not ended, in the order of the users: at most SESSIONS_MAX of one. */
export const activeSessions = async (
  db: Kysely<Database>,
  userIds: readonly string[],
): Promise<readonly (readonly ListedSession[])[]> => {
  const rows = await db
    .selectFrom('read.sessions')
    .selectAll()
    .where('user_id', '=', sql<string>`any(${userIds})`)
    .where('ended_position', 'is', null)
    .execute()
  const byUser = new Map<string, ListedSession[]>(userIds.map((userId) => [userId, []]))
  for (const row of rows) byUser.get(row.user_id)?.push(row)
  return userIds.map((userId) => byUser.get(userId) ?? [])
}

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
