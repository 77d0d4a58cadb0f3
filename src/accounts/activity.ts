/**
 * When a session was last used: operational data, not history. Memory may say that a session is active, for it saw the
 * request; only the table may say that it is idle, for another process may have seen one. Writes are spaced by
 * `activityMs`, so a session used through two processes can be found idle up to that much early, never late.
 */
import { type Kysely, sql } from 'kysely'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { CoalescedReads } from '../platform/coalesced-reads.ts'
import type { Database } from '../platform/database.ts'

export interface SessionAccess {
  readonly sessionId: string
  readonly userId: string
  readonly signedInAt: number
}

export interface Activity {
  /** Milliseconds since 1970 of the last access, as far as it matters for telling whether the session is idle. */
  lastAccess(session: SessionAccess, now: number): Promise<number>
  /** Notes an access. The write goes its own way: a request does not wait for it. */
  touch(session: SessionAccess, now: number): void
  /** Last accesses of these sessions: what the table says, and what this process knows beyond it. */
  ofSessions(sessionIds: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Waits for writes under way. */
  flush(): Promise<void>
}

const REMEMBERED = 50_000

export const openActivity = (
  db: Kysely<Database>,
  { idleMs, activityMs, log }: { readonly idleMs: number; readonly activityMs: number; readonly log: Logger },
): Activity => {
  const seen = new LRUCache<string, { at: number; written: number }>({ max: REMEMBERED })
  const writes = new Set<Promise<void>>()

  const write = async ({ sessionId, userId }: SessionAccess, now: number): Promise<void> => {
    try {
      await db
        .insertInto('vault.activity')
        .values({ session_id: sessionId, user_id: userId, last_accessed_at: new Date(now) })
        .onConflict((conflict) =>
          conflict.column('session_id').doUpdateSet((eb) => ({
            last_accessed_at: eb.fn('greatest', ['vault.activity.last_accessed_at', 'excluded.last_accessed_at']),
          })),
        )
        .execute()
    } catch (error) {
      log.warn({ err: error }, 'the last access of a session could not be written')
    }
  }

  /** Requests that list sessions at once share a read; each picks its own. */
  const reads = new CoalescedReads<readonly string[], ReadonlyMap<string, number>>(async (lists) => {
    const rows = await db
      .selectFrom('vault.activity')
      .select(['session_id', 'last_accessed_at'])
      .where('session_id', '=', sql<string>`any(${[...new Set(lists.flat())]})`)
      .execute()
    const written = new Map(rows.map((row) => [row.session_id, row.last_accessed_at.getTime()]))
    return lists.map(() => written)
  })

  return {
    async lastAccess(session, now) {
      const memory = seen.get(session.sessionId)?.at ?? 0
      const known = Math.max(memory, session.signedInAt)
      if (now - known < idleMs) return known
      const row = await db
        .selectFrom('vault.activity')
        .select('last_accessed_at')
        .where('session_id', '=', session.sessionId)
        .executeTakeFirst()
      return Math.max(known, row?.last_accessed_at.getTime() ?? 0)
    },
    touch(session, now) {
      const entry = seen.get(session.sessionId)
      const due = entry === undefined || now - entry.written >= activityMs
      seen.set(session.sessionId, { at: Math.max(now, entry?.at ?? 0), written: due ? now : entry.written })
      if (!due) return
      const writing = write(session, now).finally(() => writes.delete(writing))
      writes.add(writing)
    },
    async ofSessions(sessionIds) {
      if (sessionIds.length === 0) return new Map()
      const written = await reads.read(sessionIds)
      return new Map(
        sessionIds.flatMap((id) => {
          const at = written.get(id)
          return at === undefined ? [] : [[id, Math.max(at, seen.peek(id)?.at ?? 0)] as const]
        }),
      )
    },
    async flush() {
      await Promise.all(writes)
    },
  }
}
