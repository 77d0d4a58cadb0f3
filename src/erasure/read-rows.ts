/**
 * The personal columns of the read models. A build that is followed blanks them itself when it comes to `user:erased`,
 * in order with everything else; here they are blanked in every build there is, also in those that nobody brings up to
 * date any more: the one kept for a rollback, one that was refused, one that is halted, one whose stream is parked.
 */
import { quoted } from './quoted.ts'
import type { Query } from './vault-rows.ts'

/** In whatever table of schema `read` they are. test/erasure holds this list against the projections. */
export const PERSONAL_COLUMNS: readonly string[] = ['ip', 'region', 'city', 'user_agent']

/** Safe to repeat. */
export const blankReadRows = async (query: Query, userId: string): Promise<void> => {
  for (const { table, columns } of await personalTables(query)) {
    const set = columns.map((column) => `${quoted(column)} = null`).join(', ')
    const isThere = columns.map((column) => `${quoted(column)} is not null`).join(' or ')
    const some = `
      with changed as (
        update read.${quoted(table)} set ${set}
         where ctid = any(array(select ctid from read.${quoted(table)} where user_id = $1::uuid and (${isThere}) limit $2))
        returning 1)
      select count(*)::int as count from changed`
    while ((await query<{ count: number }>(some, [userId, AT_ONCE])).some(({ count }) => count > 0));
  }
}

/** Somebody may have a million rows, and a statement has seconds. */
const AT_ONCE = 5_000

export interface PersonalTable {
  readonly table: string
  readonly columns: readonly string[]
}

export const personalTables = (query: Query): Promise<readonly PersonalTable[]> =>
  query<PersonalTable>(
    `select relname as table, array_agg(attname::text order by attname) as columns
       from pg_class
       join pg_namespace on pg_namespace.oid = relnamespace
       join pg_attribute on attrelid = pg_class.oid
      where nspname = 'read' and relkind in ('r', 'p') and attname = any($1) and not attisdropped
        and exists (select from pg_attribute as owner
                     where owner.attrelid = pg_class.oid and owner.attname = 'user_id' and not owner.attisdropped)
      group by relname order by relname`,
    [PERSONAL_COLUMNS],
  )
