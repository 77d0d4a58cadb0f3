/**
 * Everything the vault holds of a person. Found by the catalogue of the database, not by a list: a table that some later
 * version adds, with a column `user_id`, cannot be forgotten here.
 */
import type { ReactorTransaction } from '../projector/reactor.ts'
import { quoted } from './quoted.ts'

export type Query = ReactorTransaction['query']

/** Safe to repeat. Inside a transaction: all or nothing. */
export const deleteFromVault = async (query: Query, userIds: readonly string[]): Promise<void> => {
  // First, while it can still be told which addresses were theirs.
  await query(
    `delete from vault.throttles where lookup in
       (select email_lookup from vault.addresses where user_id = any($1::uuid[]))`,
    [userIds],
  )
  for (const table of await tablesOfUsers(query)) {
    await query(`delete from vault.${quoted(table)} where user_id = any($1::uuid[])`, [userIds])
  }
  await query('delete from vault.users where user_id = any($1::uuid[])', [userIds])
}

/** All but the record of erasures; the users themselves come last. */
const tablesOfUsers = async (query: Query): Promise<readonly string[]> => {
  const rows = await query<{ relname: string }>(
    `select relname from pg_class
       join pg_namespace on pg_namespace.oid = relnamespace
       join pg_attribute on attrelid = pg_class.oid
      where nspname = 'vault' and relkind in ('r', 'p') and attname = 'user_id' and not attisdropped
        and relname not in ('users', 'erasures')
      order by relname`,
    [],
  )
  return rows.map(({ relname }) => relname)
}
