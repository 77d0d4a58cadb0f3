import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { Logger } from 'pino'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'

/** A database of its own for each contender, all on one server. */
export interface BenchDatabase {
  readonly connection: {
    readonly host: string
    readonly user: string
    readonly database: string
    readonly port: number
  }
  /** The same as `postgres://`, for those who want it so. */
  readonly url: string
}

export interface BenchServer {
  createDatabase(): Promise<BenchDatabase>
  /** As PostgreSQL names it: `18.1`. */
  readonly version: string
  stop(): Promise<void>
}

/** The embedded PostgreSQL exactly as the product runs it, fsync on, in a folder that is deleted at the end. */
export async function startDatabaseServer(log: Logger): Promise<BenchServer> {
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-bench-'))
  const server = await startEmbeddedPostgres({ dataDir: folder, log })
  const { connection } = server
  if (!('host' in connection)) throw new Error('the embedded database is reached by its socket')
  const admin = new pg.Pool({ ...connection, max: 1 })
  const { rows } = await admin.query<{ version: string; fsync: string }>(
    "select current_setting('server_version') as version, current_setting('fsync') as fsync",
  )
  if (rows[0]?.fsync !== 'on') throw new Error('fsync is off: the figures would be worth nothing')
  let made = 0
  return {
    version: rows[0].version,
    async createDatabase() {
      const database = `bench_${++made}`
      await admin.query(`create database ${database}`)
      const { host, user, port = 5432 } = connection
      const place = `${encodeURIComponent(user)}@${encodeURIComponent(host)}:${port}`
      return { connection: { host, user, database, port }, url: `postgres://${place}/${database}` }
    },
    async stop() {
      await admin.end()
      await server.release()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
