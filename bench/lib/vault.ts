import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import type { Logger } from 'pino'
import type { Database } from '../../src/platform/database.ts'
import { migrate } from '../../src/platform/migrations.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { openVault, type Vault } from '../../src/secrets/vault.ts'
import { vaultMigrations } from '../../src/secrets/vault-schema.ts'
import type { BenchDatabase } from './database.ts'

/** The vault of a database under a key that all processes of a benchmark know, and the pool it is reached by. */
export async function openVaultOf(
  connection: BenchDatabase['connection'],
  log: Logger,
): Promise<{ readonly pool: pg.Pool; readonly vault: Vault; close(): Promise<void> }> {
  const pool = openPool(connection, { applicationName: 'bench', max: 10, log })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  await migrate(pool, 'vault', vaultMigrations)
  const vault = await openVault(db, { key: Buffer.alloc(32, 1), id: 'bench' })
  return { pool, vault, close: () => db.destroy() }
}
