/** The database of the installation that the environment names, for the commands of its operators. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely, PostgresDialect } from 'kysely'
import type { Logger } from 'pino'
import type { Config } from '../../src/config.ts'
import type { Database } from '../../src/platform/database.ts'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import { migrate } from '../../src/platform/migrations.ts'
import { openPool, type PostgresConnection } from '../../src/platform/postgres.ts'
import { vaultMigrations } from '../../src/secrets/vault-schema.ts'

/** There is nothing to work on. The message is a sentence for the operator. */
export class NoInstallation extends Error {
  override readonly name = 'NoInstallation'
}

/**
 * Beside a running server its database is shared; without one it is started for as long as the work takes. Throws
 * NoInstallation, EmbeddedPostgresError, and what the work throws.
 */
export const withVaultDatabase = async <T>(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  log: Logger,
  work: (
    db: Kysely<Database>,
    below: { readonly pool: ReturnType<typeof openPool>; readonly connection: PostgresConnection },
  ) => Promise<T>,
): Promise<T> => {
  const { connection, release } = await reach(config, log)
  try {
    const pool = openPool(connection, { applicationName: 'strongroom operator', max: 2, log })
    const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
    try {
      await migrate(pool, 'vault', vaultMigrations)
      return await work(db, { pool, connection })
    } finally {
      await db.destroy()
      // Kysely leaves a pool alone that it was never asked to use, and its connections would hold the process a minute.
      if (!pool.ended) await pool.end()
    }
  } finally {
    await release()
  }
}

interface Reached {
  readonly connection: PostgresConnection
  release(): Promise<void>
}

const reach = async (
  { databaseUrl, dataDir }: Pick<Config, 'databaseUrl' | 'dataDir'>,
  log: Logger,
): Promise<Reached> => {
  if (databaseUrl !== undefined) return { connection: { connectionString: databaseUrl }, release: async () => {} }
  // In a mistyped folder a new, empty installation would be made, and the token be one of that.
  if (!existsSync(join(dataDir, 'postgres'))) {
    throw new NoInstallation(
      `there is no database in ${dataDir}: start Strongroom once, or set DATA_DIR or DATABASE_URL`,
    )
  }
  return startEmbeddedPostgres({ dataDir, log })
}
