/**
 * The lock of addresses that belong to no account: the same rule as an account's, kept in a table under the keyed
 * look-up of the address, and forgotten when it can no longer matter.
 */
import { type Kysely, sql } from 'kysely'
import type { Limits } from '../account/commands.ts'
import { countedFailures } from '../account/throttle.ts'
import type { Database } from '../platform/database.ts'

export interface ThrottleStanding {
  readonly failures: number
  /** Milliseconds since 1970; 0 where it is open. */
  readonly lockedUntil: number
}

export interface Throttles {
  standing(lookup: string, now: number): Promise<ThrottleStanding>
  /** Counts one failure, and locks at the limit. Returns the standing BEFORE it: locked means that it did not count. */
  fail(lookup: string, now: number): Promise<ThrottleStanding>
  /** Deletes rows that can no longer matter. */
  forget(now: number): Promise<void>
}

const FORGET_EVERY = 100

export const openThrottles = (db: Kysely<Database>, limits: Limits): Throttles => {
  let sinceForgotten = 0

  const throttles: Throttles = {
    async standing(lookup, now) {
      const row = await db.selectFrom('vault.throttles').selectAll().where('lookup', '=', lookup).executeTakeFirst()
      return standingOf(row, now, limits)
    },
    async fail(lookup, now) {
      const before = await db.transaction().execute(async (trx) => {
        // Parallel failures of one address are counted one after another, also those of different processes.
        await sql`select pg_advisory_xact_lock(hashtextextended(${lookup}, 7))`.execute(trx)
        const row = await trx.selectFrom('vault.throttles').selectAll().where('lookup', '=', lookup).executeTakeFirst()
        const standing = standingOf(row, now, limits)
        if (standing.lockedUntil > now) return standing
        const failures = standing.failures + 1
        const locks = failures >= limits.lockAfterFailures
        const next = {
          failures: locks ? 0 : failures,
          last_at: new Date(now),
          locked_until: locks ? new Date(now + limits.lockMs) : null,
        }
        await trx
          .insertInto('vault.throttles')
          .values({ lookup, ...next })
          .onConflict((conflict) => conflict.column('lookup').doUpdateSet(next))
          .execute()
        return standing
      })
      // Somebody who tries many addresses makes rows faster than the sweeper comes round.
      sinceForgotten = (sinceForgotten + 1) % FORGET_EVERY
      if (sinceForgotten === 0) await throttles.forget(now)
      return before
    },
    async forget(now) {
      await db
        .deleteFrom('vault.throttles')
        .where('last_at', '<', new Date(now - limits.lockMs))
        .where((eb) => eb.or([eb('locked_until', 'is', null), eb('locked_until', '<', new Date(now))]))
        .execute()
    },
  }
  return throttles
}

const standingOf = (
  row: { readonly failures: number; readonly last_at: Date; readonly locked_until: Date | null } | undefined,
  now: number,
  limits: Limits,
): ThrottleStanding => {
  if (row === undefined) return { failures: 0, lockedUntil: 0 }
  const lockedUntil = row.locked_until?.getTime() ?? 0
  return {
    failures: countedFailures({ count: row.failures, lastAt: row.last_at.getTime() }, now, limits),
    lockedUntil: lockedUntil > now ? lockedUntil : 0,
  }
}
