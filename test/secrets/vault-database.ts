/** A database of its own with the vault's tables, for tests of what lies beside the events. */
import { createHash } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import { pino } from 'pino'
import type { Database } from '../../src/platform/database.ts'
import { migrate } from '../../src/platform/migrations.ts'
import { openPool } from '../../src/platform/postgres.ts'
import type { MasterKey } from '../../src/secrets/master-key.ts'
import { vaultMigrations } from '../../src/secrets/vault-schema.ts'
import { createDatabase } from '../support/postgres.ts'

export interface VaultDatabase {
  readonly db: Kysely<Database>
  readonly pool: pg.Pool
  close(): Promise<void>
}

export const openVaultDatabase = async (): Promise<VaultDatabase> => {
  const database = await createDatabase()
  const pool = openPool(database.connection, { applicationName: 'vault test', max: 12, log: pino({ level: 'silent' }) })
  await migrate(pool, 'vault', vaultMigrations)
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  return {
    db,
    pool,
    async close() {
      await db.destroy()
      await database.drop()
    },
  }
}

export const masterKeyOf = (byte: number): MasterKey => {
  const key = Buffer.alloc(32, byte)
  return { key, id: createHash('sha256').update(key).digest('hex').slice(0, 16) }
}
