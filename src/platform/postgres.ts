import pg from 'pg'
import type { Logger } from 'pino'

/** Where a PostgreSQL database is. `host` may be the directory of a Unix socket. */
export type PostgresConnection =
  | { readonly connectionString: string }
  | { readonly host: string; readonly user: string; readonly database: string; readonly port?: number }

export interface PoolOptions {
  /** Shown in pg_stat_activity, so an operator can tell who holds a connection. */
  readonly applicationName: string
  /** Most connections open at once. */
  readonly max: number
  readonly log: Logger
  /** A statement that takes longer is ended with an error. Milliseconds; default 15,000. */
  readonly statementTimeoutMs?: number
  /** SET statements, run once on each new connection before anything else. */
  readonly settings?: string
}

export const CONNECT_TIMEOUT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 15_000

/**
 * How much longer than the server the client waits: normally the server ends a slow statement and its error says so;
 * only a server that no longer answers at all runs into the client's own limit.
 */
const CLIENT_GRACE_MS = 2_000

/**
 * Opens a pool whose every wait is bounded: for a free or new connection (5 s), for the server to run a statement, and
 * for the server to answer at all. A hung database becomes an error that `isDatabaseAway` knows.
 */
export function openPool(connection: PostgresConnection, options: PoolOptions): pg.Pool {
  const { applicationName, max, log, statementTimeoutMs = STATEMENT_TIMEOUT_MS, settings } = options
  const pool = new pg.Pool({
    ...connection,
    application_name: applicationName,
    max,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + CLIENT_GRACE_MS,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    ...(settings === undefined
      ? {}
      : { onConnect: async (client: pg.ClientBase) => void (await client.query(settings)) }),
  })
  // Both handlers keep the process alive when the server goes away: the pool reports for idle connections, but one
  // that is checked out reports for itself, between two statements too, and an 'error' nobody hears ends the process.
  pool.on('error', (error) =>
    log.warn({ ...errorSummary(error), applicationName }, 'an idle database connection was lost'),
  )
  pool.on('connect', (client) => {
    client.on('error', (error) =>
      log.debug({ ...errorSummary(error), applicationName }, 'a database connection was lost'),
    )
  })
  return pool
}

/**
 * What a log may hold of a database error. The error itself carries the connection's settings, and its details quote
 * rows, which may be personal.
 */
export function errorSummary(error: unknown): { readonly reason: string; readonly code?: string } {
  if (!(error instanceof Error)) return { reason: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  return { reason: error.message || error.name, ...code }
}

/**
 * Runs `work` in one transaction at READ COMMITTED and returns its result once that is committed. An error of `work`
 * rolls back and is thrown on. Where COMMIT itself fails with an error that `isDatabaseAway` knows, the outcome is
 * unknown. `settings` are SET LOCAL statements for it, sent with its beginning.
 */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
  settings = '',
): Promise<T> {
  const client = await pool.connect()
  // A connection whose state is not known must not serve anybody else.
  let broken = true
  try {
    await client.query(`begin isolation level read committed; ${settings}`)
    const result = await work(client)
    const { command } = await client.query('commit')
    broken = false
    // PostgreSQL answers the COMMIT of a failed transaction with a cheerful ROLLBACK.
    if (command !== 'COMMIT') throw new Error('the transaction was rolled back: an error inside it was swallowed')
    return result
  } catch (error) {
    if (broken && !isDatabaseAway(error)) broken = !(await rollsBack(client))
    throw error
  } finally {
    client.release(broken)
  }
}

async function rollsBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await client.query('rollback')
    return true
  } catch {
    return false
  }
}

/**
 * Tells whether the error means that the database cannot be reached or cannot work at present (and the same call may
 * pass later), as opposed to an error in what was asked. Looks into `cause` and the parts of an AggregateError.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (hasAwayCode(error) || AWAY_MESSAGES.some((start) => error.message.startsWith(start))) return true
  // `localhost` gives one error per address family, together in an AggregateError.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isDatabaseAway)
  return isDatabaseAway(error.cause)
}

const AWAY_SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** Of a Unix socket: not there (the server is down), or its queue of newcomers is full. Elsewhere they mean other things. */
const AWAY_CONNECT_CODES = new Set(['ENOENT', 'EAGAIN'])

/**
 * 08 connection; 53 no connections, memory or disk left; 57P01-5 shutdown, crash, start-up, dropped, idle too long;
 * 57014 the statement timeout; 25P03 the transaction sat idle too long; 25006 read-only: a standby, or a primary demoted
 * since we connected. (PostgreSQL manual, appendix A.)
 */
const AWAY_SQLSTATE = /^(08...|53...|57P0[1-5]|57014|25P03|25006)$/

/** What `pg` says in words only. */
const AWAY_MESSAGES = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed and is not queryable',
  'timeout expired',
  'timeout exceeded when trying to connect',
  'Query read timeout',
]

function hasAwayCode(error: Error): boolean {
  if (!('code' in error) || typeof error.code !== 'string') return false
  if (AWAY_SYSTEM_CODES.has(error.code) || AWAY_SQLSTATE.test(error.code)) return true
  return AWAY_CONNECT_CODES.has(error.code) && 'syscall' in error && error.syscall === 'connect'
}
