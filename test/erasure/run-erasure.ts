/**
 * A process that erases whoever is to be erased, and ends when the person named is; or kills itself, as kill -9 does,
 * before the n-th statement of the work: `run-erasure.ts <connection as JSON> <DATA_DIR> <user id> <n>`.
 */
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { pino } from 'pino'
import { startErasure } from '../../src/erasure/erasure.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import type { Database } from '../../src/platform/database.ts'
import { Notifications } from '../../src/platform/notifications.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { until } from '../projector/support.ts'

const [connectionText = '', dataDir = '', userId = '', killAt = '0'] = process.argv.slice(2)
const connection = JSON.parse(connectionText)
const log = pino({ level: 'silent' })
const WORK =
  /vault\.(users|throttles|addresses|activity|outbox|erasures)|update read\.|user_id from unnest|from store\.events/

let statements = 0
/** A commit counts where the transaction has done something of the work. */
let isAtWork = false
const query = pg.Client.prototype.query
pg.Client.prototype.query = function (this: pg.Client, ...args: readonly unknown[]) {
  const [statement] = args
  const text = typeof statement === 'string' ? statement : String((statement as { text?: unknown } | undefined)?.text)
  const counts = WORK.test(text) || (isAtWork && /^commit/i.test(text))
  if (counts) {
    isAtWork = !/^commit/i.test(text)
    statements += 1
    if (statements === Number(killAt)) process.kill(process.pid, 'SIGKILL')
  }
  return Reflect.apply(query, this, args)
} as typeof query

const pool = openPool(connection, { applicationName: 'erasure to be killed', max: 6, log })
const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
const notifications = new Notifications(connection, log)
const store = await openEventStore({ place: connection, log })
startErasure({
  ...{ store, db, dataDir, pool, notifications, log },
  owner: `child ${process.pid}`,
  settleSeconds: 0,
  leaseSeconds: 0.5,
})
await until(
  // Quoted, so that it does not count.
  () => pool.query('select 1 from vault."erasures" where user_id = $1 and done_at is not null', [userId]),
  ({ rows }) => rows.length === 1,
  60_000,
)
process.exit(0)
