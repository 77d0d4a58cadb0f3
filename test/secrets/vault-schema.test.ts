/** What PostgreSQL keeps beside the rows would outlive them, and with them the key of a person who is erased. */

import { pino } from 'pino'
import { expect, it } from 'vitest'
import { migrate } from '../../src/platform/migrations.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { vaultMigrations } from '../../src/secrets/vault-schema.ts'
import { createDatabase } from '../support/postgres.ts'

it('the planner has no samples of keys and addresses, and what it had of them in earlier releases is gone', async () => {
  const database = await createDatabase()
  const pool = openPool(database.connection, { applicationName: 'test', max: 2, log: pino({ level: 'silent' }) })
  try {
    const earlier = Object.entries(vaultMigrations).filter(([name]) => name < '010')
    await migrate(pool, 'vault', Object.fromEntries(earlier))
    await pool.query(`
      insert into vault.users (user_id, wrapped_key, master_key_id)
        select gen_random_uuid(), 'secret ' || n, 'm' from generate_series(1, 20) n;
      insert into vault.addresses select 'secret ' || user_id, user_id from vault.users;
      insert into vault.throttles select 'secret ' || n, 1, now() from generate_series(1, 20) n;
      insert into vault.snapshots select user_id, '1', 1, user_id, 'secret ' || user_id, now() from vault.users;
      insert into vault.address_limits select 'secret ' || n, 1, 1 from generate_series(1, 20) n`)
    const sampled = async () => {
      const { rows } = await pool.query<{ name: string }>(
        `select tablename || '.' || attname as name from pg_stats
          where schemaname = 'vault' and pg_stats::text like '%secret %' order by 1`,
      )
      return rows.map(({ name }) => name)
    }
    await pool.query('analyze')
    expect(await sampled()).toEqual([
      'address_limits.key',
      'addresses.email_lookup',
      'snapshots.sealed',
      'throttles.lookup',
      'users.wrapped_key',
    ])
    await migrate(pool, 'vault', vaultMigrations)
    expect(await sampled()).toEqual([])
    await pool.query('analyze')
    expect(await sampled()).toEqual([])
  } finally {
    await pool.end()
    await database.drop()
  }
})
