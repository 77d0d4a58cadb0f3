/** A database with a log in it, and what a test does to it. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { pino } from 'pino'
import { appendLeaves, type Leaf, queryableOf } from '../../src/audit/log-store.ts'
import { leafHash } from '../../src/audit/merkle.ts'
import { migrateLog, prepareLog, type SignedLog } from '../../src/audit/prepare-log.ts'
import { inTransaction, openPool, type PostgresConnection } from '../../src/platform/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

export interface LogDatabase {
  readonly connection: PostgresConnection
  readonly pool: pg.Pool
  readonly log: SignedLog
  /** Where the log's key lies. */
  readonly dataDir: string
  /** In a transaction of its own; the size then. */
  append(leaves: readonly Leaf[]): Promise<number>
  /** With the triggers off, as a superuser may. */
  tamper(statement: string, values?: readonly unknown[]): Promise<void>
  close(): Promise<void>
}

export const openLogDatabase = async (): Promise<LogDatabase> => {
  const database = await createDatabase()
  const dataDir = await mkdtemp(join(tmpdir(), 'strongroom-log-'))
  const pool = openPool(database.connection, { applicationName: 'log test', max: 10, log: pino({ level: 'silent' }) })
  await migrateLog(pool)
  const log = await prepareLog(pool, settingsOf(dataDir))
  return {
    connection: database.connection,
    pool,
    log,
    dataDir,
    append: (leaves) => inTransaction(pool, (client) => appendLeaves(queryableOf(client), leaves)),
    tamper: (statement, values = []) =>
      inTransaction(pool, async (client) => {
        await client.query('set local session_replication_role = replica')
        await client.query(statement, [...values])
      }),
    async close() {
      await pool.end()
      await database.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export const settingsOf = (dataDir: string, logSigningKeyFile?: string) => ({
  dataDir,
  logSigningKeyFile,
  http: { publicUrl: 'https://id.example.com' },
})

/** Leaves with ids of their own, and hashes that follow from a name. */
export const someLeaves = (count: number, name: string = randomUUID()): readonly Leaf[] =>
  Array.from({ length: count }, (_, i) => ({ eventId: randomUUID(), hash: leafHash(`${name} ${i}`) }))
