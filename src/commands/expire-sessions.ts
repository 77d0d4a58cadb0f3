/**
 * Records the end of sessions that nobody will meet: an abandoned one sends no request at which its expiry could be
 * noticed. The table of last accesses says where to look; the account decides.
 */
import { randomUUID } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import type { Logger } from 'pino'
import type { Limits } from '../account/commands.ts'
import type { Activity } from '../accounts/activity.ts'
import { StoreUnavailable } from '../event-store/port.ts'
import type { Database } from '../platform/database.ts'
import { isDatabaseAway } from '../platform/postgres.ts'
import type { CommandBus } from './command-bus.ts'

export interface Expiry {
  readonly db: Kysely<Database>
  readonly bus: CommandBus
  readonly activity: Pick<Activity, 'lastAccess'>
  readonly session: { readonly idleMs: number; readonly activityMs: number }
  readonly limits: Pick<Limits, 'sessionAbsoluteMs'>
  readonly now: () => number
  readonly log: Logger
}

export interface Expired {
  /** Sessions whose end was recorded just now. */
  readonly expired: number
  /** Sessions of accounts that could not be read or written; tried again the next time. */
  readonly failed: number
}

const PAGE = 100

/** Throws StoreUnavailable, or what the database throws where it is away; what was done until then stays done. */
export const expireSessions = async (expiry: Expiry, signal: AbortSignal): Promise<Expired> => {
  let [expired, failed] = [0, 0]
  let after: Candidate | null = null
  for (;;) {
    const page: readonly Candidate[] = await candidates(expiry, after)
    for (const candidate of page) {
      if (signal.aborted) return { expired, failed }
      try {
        if (await expireIfOver(expiry, candidate)) expired += 1
      } catch (error) {
        if (error instanceof StoreUnavailable || isDatabaseAway(error)) throw error
        // One history that cannot be read must not keep all others from being looked at.
        expiry.log.warn({ err: error, userId: candidate.user_id }, 'the sessions of an account could not be looked at')
        failed += 1
      }
    }
    after = page.at(-1) ?? null
    if (page.length < PAGE) return { expired, failed }
  }
}

/**
 * Gives a row of last access to live sessions that have none, because they were never used or because a write was
 * lost. The read model may be late: a row too many is found to be over by `expireSessions`. Reads all sessions, so it
 * is for now and then.
 */
export const adoptForgottenSessions = async (db: Kysely<Database>): Promise<void> => {
  await db
    .insertInto('vault.activity')
    .columns(['session_id', 'user_id', 'last_accessed_at'])
    .expression((eb) =>
      eb
        .selectFrom('read.sessions as session')
        .select(['session.id', 'session.user_id', 'session.signed_in_at'])
        .where('session.ended_position', 'is', null)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('vault.activity as known')
                .select('known.session_id')
                .whereRef('known.session_id', '=', 'session.id'),
            ),
          ),
        ),
    )
    .onConflict((conflict) => conflict.column('session_id').doNothing())
    .execute()
}

/** How long the last access of an ended session is kept, to be shown in the list of ended ones. */
const REMEMBERED_MS = 30 * 24 * 3_600_000

/** Deletes last accesses that are no longer shown to anybody. */
export const forgetOldAccesses = async (db: Kysely<Database>, now: number): Promise<void> => {
  await db
    .deleteFrom('vault.activity')
    .where('over', '=', true)
    .where('last_accessed_at', '<', new Date(now - REMEMBERED_MS))
    .execute()
}

interface Candidate {
  readonly session_id: string
  readonly user_id: string
  readonly last_accessed_at: Date
}

const candidates = (expiry: Expiry, after: Candidate | null): Promise<readonly Candidate[]> => {
  let query = expiry.db
    .selectFrom('vault.activity')
    .select(['session_id', 'user_id', 'last_accessed_at'])
    .where('over', '=', false)
    .where('last_accessed_at', '<=', new Date(expiry.now() - surelyIdleMs(expiry)))
  if (after !== null) {
    query = query.where(
      sql<boolean>`(last_accessed_at, session_id) > (${after.last_accessed_at}, ${after.session_id}::uuid)`,
    )
  }
  return query.orderBy('last_accessed_at').orderBy('session_id').limit(PAGE).execute()
}

/**
 * Another process may know of an access that it has not written: it writes once per `activityMs`, and a write takes
 * its time too, for which as much again is allowed. So nobody is thrown out here whom that process would still let in.
 */
const surelyIdleMs = ({ session: { idleMs, activityMs } }: Expiry): number => idleMs + 2 * activityMs

/** Whether it was live until now. */
const expireIfOver = async (
  expiry: Expiry,
  { session_id: sessionId, user_id: userId }: Candidate,
): Promise<boolean> => {
  const { bus, activity, limits, db } = expiry
  let over = false
  const result = await bus.run({
    userId,
    context: { actor: { kind: 'system', id: null }, correlationId: randomUUID(), client: null, sessionId: null },
    async establish({ state }) {
      const session = state.sessions.find(({ id }) => id === sessionId)
      const now = expiry.now()
      const isPastAge = session !== undefined && now >= session.signedInAt + limits.sessionAbsoluteMs
      const isIdle =
        session !== undefined &&
        now - (await activity.lastAccess({ sessionId, userId, signedInAt: session.signedInAt }, now)) >=
          surelyIdleMs(expiry)
      over = session === undefined || isPastAge || isIdle
      // The account knows its ages itself, and ends nothing by them too early; idleness it takes from here.
      return { kind: 'expireSession', sessionId, limit: isIdle && !isPastAge ? 'idle' : 'absolute' }
    },
  })
  if (result.kind !== 'accepted' || !over) return false
  await db.updateTable('vault.activity').set({ over: true }).where('session_id', '=', sessionId).execute()
  return result.appended
}
