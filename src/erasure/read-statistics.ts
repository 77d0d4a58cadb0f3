/**
 * What ANALYZE has kept of the personal columns of the read models: their most frequent values, word for word, and
 * samples of the others, which no deletion of rows reaches. Tables are made so that it keeps nothing (`personal` in their
 * definition); those of earlier releases are set right here, in every build there is.
 */
import { quoted } from './quoted.ts'
import { personalTables } from './read-rows.ts'
import type { Query } from './vault-rows.ts'

/** Safe to repeat. Before PostgreSQL 18 what was kept already stays, until the table goes (docs/runbook.md). */
export const forgetReadStatistics = async (query: Query): Promise<void> => {
  const clears = await canForget(query)
  for (const { table, columns } of await personalTables(query)) {
    const sampled = await query<{ column: string }>(
      `select attname::text as column from pg_attribute
        where attrelid = format('read.%I', $1::text)::regclass and attname = any($2) and attstattarget is distinct from 0`,
      [table, columns],
    )
    if (sampled.length > 0) {
      const changes = sampled.map(({ column }) => `alter column ${quoted(column)} set statistics 0`)
      await query(`alter table read.${quoted(table)} ${changes.join(', ')}`, [])
    }
    if (!clears) continue
    await query(
      `select pg_clear_attribute_stats(schemaname::text, tablename::text, attname::text, inherited) from pg_stats
        where schemaname = 'read' and tablename = $1 and attname = any($2)`,
      [table, columns],
    )
  }
}

const canForget = async (query: Query): Promise<boolean> => {
  const found = await query<{ yes: boolean }>(`select current_setting('server_version_num')::int >= 180000 as yes`, [])
  return found[0]?.yes ?? false
}
