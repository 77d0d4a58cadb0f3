import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { isAlive } from './alive.ts'
import { POSTGRES_USER } from './cluster.ts'
import { codeOf } from './error.ts'
import { POSTGRES_PORT } from './socket-folder.ts'

/**
 * A connection that a user of the server keeps open as long as it uses it, holding a lock that all users share. It ends
 * with its process however that dies, so nobody is ever counted who is gone.
 */
export interface Presence {
  /** Resolves when the connection is lost (not when it is closed). */
  readonly lost: Promise<void>
  /** Makes the database unless it is there. */
  ensureDatabase(name: string): Promise<void>
  /**
   * Gives up being a user of the server. `last`: nobody else uses it, and nobody can begin to until `close`. `shared`:
   * others do. `strangers`: connections that belong to no user's presence have stayed open, such as a psql's.
   */
  leave(): Promise<'last' | 'shared' | 'strangers'>
  close(): Promise<void>
}

export type PresenceAnswer =
  | { readonly kind: 'open'; readonly presence: Presence }
  /** Nobody listens. */
  | { readonly kind: 'nobody' }
  /** Somebody is there and lets nobody in for now; `alive` where it says that it is on its way up or down. */
  | { readonly kind: 'busy'; readonly alive: boolean; readonly reason: string }

/** Any number that the application's advisory locks, which are in another database, need not avoid. */
const USERS_LOCK = 7_267_402_119
/** Followed by the user's process number. */
const APPLICATION_NAME = 'strongroom presence '
const CONNECT_LIMIT_MS = 2_000
const LINGERING_LIMIT_MS = 2_000

/** Opens a presence at the server behind this socket if it is the server of this cluster. */
export async function openPresence(socketFolder: string, systemIdentifier: string): Promise<PresenceAnswer> {
  const client = new pg.Client({
    host: socketFolder,
    port: POSTGRES_PORT,
    user: POSTGRES_USER,
    database: 'postgres',
    ssl: false,
    application_name: `${APPLICATION_NAME}${process.pid}`,
    connectionTimeoutMillis: CONNECT_LIMIT_MS,
    query_timeout: 10_000,
  })
  // Registered before anything can happen: an error event without a listener ends the process.
  const lost = new Promise<void>((resolve) => {
    client.once('error', () => resolve())
    client.once('end', () => resolve())
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ id: string; welcome: boolean }>(
      'select system_identifier::text as id, pg_try_advisory_lock_shared($1::bigint) as welcome from pg_control_system()',
      [USERS_LOCK],
    )
    const refusal = refusalOf(rows[0], systemIdentifier)
    if (refusal !== undefined) {
      await client.end()
      return refusal
    }
    return { kind: 'open', presence: presenceOf(client, lost) }
  } catch (error) {
    // Not waited for: a connection that has failed may never say that it has ended.
    client.end().catch(() => {})
    return explain(error)
  }
}

function refusalOf(
  row: { id: string; welcome: boolean } | undefined,
  systemIdentifier: string,
): PresenceAnswer | undefined {
  if (row?.id !== systemIdentifier) {
    return { kind: 'busy', alive: false, reason: 'the server that answers belongs to another data folder' }
  }
  return row.welcome ? undefined : { kind: 'busy', alive: true, reason: 'it is about to be stopped' }
}

function explain(error: unknown): PresenceAnswer {
  if (!(error instanceof Error)) throw error
  if (['ENOENT', 'ECONNREFUSED'].includes(codeOf(error))) return { kind: 'nobody' }
  // 57P03: starting, recovering from a crash, or stopping; 57P01 and 57P02: stopped or crashed while we came in.
  const alive = ['57P01', '57P02', '57P03'].includes(codeOf(error))
  const passing = ['53300', 'ECONNRESET', 'EPIPE', 'EAGAIN', ''].includes(codeOf(error))
  if (alive || passing) return { kind: 'busy', alive, reason: error.message }
  throw error
}

function presenceOf(client: pg.Client, lost: Promise<void>): Presence {
  return {
    lost,
    async ensureDatabase(name) {
      const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
      if (rowCount !== 0) return
      try {
        await client.query(`create database ${pg.escapeIdentifier(name)}`)
      } catch (error) {
        // 42P04, 23505: another process made it at the same moment.
        if (!['42P04', '23505'].includes(codeOf(error))) throw error
      }
    },
    async leave() {
      await client.query('select pg_advisory_unlock_shared($1::bigint)', [USERS_LOCK])
      if (!(await othersAreGone(client))) return 'shared'
      return (await strangersAreGone(client)) ? 'last' : 'strangers'
    },
    close: () => Promise.race([client.end().catch(() => {}), lost]),
  }
}

/**
 * Takes the users' lock for itself alone. The server needs a moment to notice that a user was killed, so where every
 * other one is dead, it is given that moment: else nobody would be left to stop it.
 */
async function othersAreGone(client: pg.Client): Promise<boolean> {
  return await within(LINGERING_LIMIT_MS, async () => {
    const { rows } = await client.query('select pg_try_advisory_lock($1::bigint) as alone', [USERS_LOCK])
    if (rows[0]?.alone === true) return true
    const others = await client.query<{ pid: number }>(
      `select substring(application_name from '[0-9]+$')::int as pid from pg_stat_activity
        where starts_with(application_name, $1) and pid <> pg_backend_pid()`,
      [APPLICATION_NAME],
    )
    return others.rows.some(({ pid }) => isAlive(pid)) ? false : undefined
  })
}

/** The connections of a pool that was closed just now take a moment to go. */
async function strangersAreGone(client: pg.Client): Promise<boolean> {
  return await within(LINGERING_LIMIT_MS, async () => {
    const { rows } = await client.query(
      `select count(*)::int as strangers from pg_stat_activity
        where backend_type = 'client backend' and not starts_with(application_name, $1)`,
      [APPLICATION_NAME],
    )
    return rows[0]?.strangers === 0 ? true : undefined
  })
}

/** Asks again and again until there is an answer, and takes `false` for one when the time is over. Milliseconds. */
async function within(limit: number, ask: () => Promise<boolean | undefined>): Promise<boolean> {
  const deadline = Date.now() + limit
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) return false
    await delay(20)
  }
}
