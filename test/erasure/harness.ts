/** People with traces in every place that the erasure knows, on a real database that holds the events too. */
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import { pino } from 'pino'
import { streamOf } from '../../src/accounts/accounts.ts'
import { type ErasureOptions, startErasure } from '../../src/erasure/erasure.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import type { EventStore } from '../../src/event-store/port.ts'
import type { Database } from '../../src/platform/database.ts'
import { migrate } from '../../src/platform/migrations.ts'
import { Notifications } from '../../src/platform/notifications.ts'
import { openPool, type PostgresConnection } from '../../src/platform/postgres.ts'
import type { RunningWorker } from '../../src/projector/worker.ts'
import { openVault, type Vault } from '../../src/secrets/vault.ts'
import { vaultMigrations } from '../../src/secrets/vault-schema.ts'
import { someEvent } from '../accounts/held-store.ts'
import { masterKeyOf } from '../secrets/vault-database.ts'
import { createDatabase } from '../support/postgres.ts'

export interface ErasureHarness {
  readonly connection: PostgresConnection
  readonly pool: pg.Pool
  readonly notifications: Notifications
  readonly vault: Vault
  readonly store: EventStore
  readonly dataDir: string
  /** Registered, with a row in every table and a mail; nothing of it says who it is but the id. */
  live(): Promise<string>
  /** Appends the event. */
  erase(userId: string): Promise<void>
  /** Stopped by `close`. */
  start(options?: Partial<ErasureOptions>): RunningWorker
  /** What there still is of the person, by place. */
  traces(userId: string): Promise<readonly string[]>
  isDone(userId: string): Promise<boolean>
  /** A mail about the first event of the person, as the mailer drops it. Returns its name. */
  dropMail(userId: string): Promise<string>
  close(): Promise<void>
}

/** Of a version that nobody projects any more, and of the one that is live. */
const TABLES = ['auditlog_v1', 'auditlog_v2b3'] as const

export const openErasureHarness = async (): Promise<ErasureHarness> => {
  const database = await createDatabase()
  const { connection } = database
  const log = pino({ level: 'silent' })
  const pool = openPool(connection, { applicationName: 'erasure test', max: 16, log })
  const notifications = new Notifications(connection, log)
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  await migrate(pool, 'vault', vaultMigrations)
  const vault = await openVault(db, masterKeyOf(5))
  const store = await openEventStore({ place: connection, log })
  const dataDir = await mkdtemp(join(tmpdir(), 'strongroom-erasure-'))
  await mkdir(join(dataDir, 'mail'))
  await pool.query('create schema read')
  for (const table of TABLES) {
    await pool.query(
      `create table read.${table} (id uuid, user_id uuid, code text, ip text, city text, user_agent text)`,
    )
  }
  const running: RunningWorker[] = []
  let count = 0

  const append = (userId: string, type: string, expected: 'none' | bigint) =>
    store.append(streamOf(userId), [someEvent(randomUUID(), type, {}, '2026-03-01T12:00:00.000Z')], expected)

  const dropMail = async (userId: string): Promise<string> => {
    for await (const { id } of store.read(streamOf(userId), { limit: 1 })) {
      const name = `2026-03-01T12-00-00.000Z-${id}-signed_in.json`
      await writeFile(join(dataDir, 'mail', name), '{"to":"ada@example.com"}')
      return name
    }
    throw new Error('nobody has this id')
  }

  return {
    ...{ connection, pool, notifications, vault, store, dataDir, dropMail },
    async live() {
      const lookup = vault.lookupOf(`person-${count++}@example.com`)
      const { userId } = await vault.claim(lookup)
      await append(userId, 'user:registered', 'none')
      await append(userId, 'user:logged_in', 0n)
      await pool.query('insert into vault.throttles values ($1, 3, now(), null)', [lookup])
      await pool.query('insert into vault.activity values ($1, $2, now())', [randomUUID(), userId])
      await pool.query(
        `insert into vault.outbox (event_id, kind, user_id, revision, occurred_at) values ($1, 'signed_in', $2, 1, now())`,
        [randomUUID(), userId],
      )
      for (const table of TABLES) {
        await pool.query(
          `insert into read.${table} values ($1, $2, 'user:logged_in', '203.0.113.7', 'Berlin', 'Firefox')`,
          [randomUUID(), userId],
        )
      }
      await dropMail(userId)
      return userId
    },
    erase: async (userId) => void (await append(userId, 'user:erased', 1n)),
    start(options = {}) {
      const worker = startErasure({
        ...{ store, db, dataDir, pool, notifications, log },
        owner: 'test',
        settleSeconds: 0,
        leaseSeconds: 1,
        ...options,
      })
      running.push(worker)
      return worker
    },
    async traces(userId) {
      const { rows } = await pool.query<{ place: string }>(
        `select 'users' as place from vault.users where user_id = $1
         union all select 'addresses' from vault.addresses where user_id = $1
         union all select 'activity' from vault.activity where user_id = $1
         union all select 'outbox' from vault.outbox where user_id = $1
         ${TABLES.map(
           (table) => `union all select '${table}' from read.${table}
             where user_id = $1 and coalesce(ip, city, user_agent) is not null`,
         ).join(' ')}`,
        [userId],
      )
      const throttles = await pool.query(
        'select 1 from vault.throttles where not exists (select from vault.addresses where lookup = email_lookup)',
      )
      const ids = new Set<string>()
      for await (const { id } of store.read(streamOf(userId))) ids.add(id)
      const mails = (await readdir(join(dataDir, 'mail'))).filter((name) => [...ids].some((id) => name.includes(id)))
      return [
        ...rows.map(({ place }) => place),
        ...throttles.rows.map(() => 'throttles'),
        ...mails.map(() => 'mail'),
      ].sort()
    },
    async isDone(userId) {
      const { rows } = await pool.query('select 1 from vault.erasures where user_id = $1 and done_at is not null', [
        userId,
      ])
      return rows.length === 1
    },
    async close() {
      await Promise.all(running.map((worker) => worker.stop()))
      await notifications.close()
      await store.close()
      await pool.end()
      await database.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** What `traces` finds of who has not been erased. */
export const ALL_TRACES = ['activity', 'addresses', 'auditlog_v1', 'auditlog_v2b3', 'mail', 'outbox', 'users'] as const
