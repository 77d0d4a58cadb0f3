import { Kysely, Migrator, PostgresDialect, type PostgresPool, type PostgresPoolClient, sql } from 'kysely'
import pg from 'pg'

/** SQL by name. Names sort in the order to run (`0001 events`); what was released once never changes. */
export type Migrations = Readonly<Record<string, string>>

/** A migration may rewrite a large table, and other processes wait for it: the pool's short timeouts do not apply. */
const PATIENCE_MS = 60 * 60 * 1_000

/**
 * Brings one schema up to date, all pending migrations in one transaction; its bookkeeping lives inside the schema.
 * Processes that start at once take turns. Throws when a migration fails (nothing is changed then) and when the schema
 * was migrated by a newer version of the program than this one.
 */
export async function migrate(pool: pg.Pool, schema: string, migrations: Migrations): Promise<void> {
  try {
    if (await isUpToDate(pool, schema, migrations)) return
  } catch (error) {
    throw new Error(`schema ${schema} cannot be migrated: ${messageOf(error)}`, { cause: error })
  }
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: patient(pool) }) })
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => provided(migrations) },
    migrationTableSchema: schema,
    migrationTableName: 'migrations',
    migrationLockTableName: 'migrations_lock',
    // Not localeCompare, which Kysely would take for names of the same moment: the order must not depend on a locale.
    nameComparator: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
  })
  const { error, results } = await migrator.migrateToLatest()
  if (error === undefined) return
  const failed = results?.find((result) => result.status === 'Error')
  const reason = messageOf(error)
  throw new Error(
    failed
      ? `migration "${failed.migrationName}" of schema ${schema} failed: ${reason}`
      : reason.startsWith('corrupted migrations')
        ? `schema ${schema} does not fit this version of the program, a newer one may have migrated it: ${reason}`
        : `schema ${schema} cannot be migrated: ${reason}`,
    { cause: error },
  )
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * Told in two queries, which is what all starts but the first of a release need: the migrator wants a connection of its
 * own and looks through the whole catalogue.
 */
async function isUpToDate(pool: pg.Pool, schema: string, migrations: Migrations): Promise<boolean> {
  const names = Object.keys(migrations).sort()
  const table = `${pg.escapeIdentifier(schema)}.migrations`
  // To ask a table that is not there would leave an error in the database's log.
  const known = await pool.query<{ there: boolean }>('select to_regclass($1) is not null as there', [table])
  if (known.rows[0]?.there !== true) return false
  const done = await pool.query<{ name: string }>(`select name from ${table} order by timestamp, name collate "C"`)
  return done.rows.length === names.length && done.rows.every(({ name }, n) => name === names[n])
}

function provided(migrations: Migrations) {
  return Object.fromEntries(
    Object.entries(migrations).map(([name, text]) => [
      name,
      { up: async (db: Kysely<unknown>) => void (await sql.raw(text).execute(db)) },
    ]),
  )
}

/** The pool as Kysely wants it, with connections that wait long and are not given back with that setting. */
function patient(pool: pg.Pool): PostgresPool {
  return {
    connect: async () => {
      const client = await pool.connect()
      const query = (text: string, values: readonly unknown[] = []) => {
        // `pg` reads query_timeout here; its types do not know. (Kysely's other overload is for cursors, unused here.)
        const config: pg.QueryConfig & { query_timeout: number } = {
          text,
          values: [...values],
          query_timeout: PATIENCE_MS,
        }
        return client.query(config)
      }
      try {
        await query('set statement_timeout = 0')
      } catch (error) {
        client.release(true)
        throw error
      }
      return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release(true) }
    },
    end: async () => {},
  }
}
