/** Plays a whole history into an empty database, and compares what comes out with the live read models. */
import { Kysely, PostgresDialect } from 'kysely'
import { pino } from 'pino'
import { auditlog } from '../../projections/auditlog.ts'
import { sessions } from '../../projections/sessions.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import type { Database } from '../../src/platform/database.ts'
import { Notifications } from '../../src/platform/notifications.ts'
import { openPool, type PostgresConnection } from '../../src/platform/postgres.ts'
import { openForProjections, overAccounts, overAll } from '../../src/projector/open-events.ts'
import { openProgress } from '../../src/projector/progress.ts'
import { runProjection } from '../../src/projector/projector.ts'
import { registerProjections } from '../../src/projector/schema.ts'
import { loadMasterKey } from '../../src/secrets/master-key.ts'
import { openVault } from '../../src/secrets/vault.ts'
import { createDatabase } from './postgres.ts'
import { TEST_MASTER_KEY } from './server.ts'

const log = pino({ level: 'silent' })
const projections = [overAccounts(sessions), overAll(auditlog)]

export interface Comparison {
  readonly live: Readonly<Record<string, readonly string[]>>
  readonly replayed: Readonly<Record<string, readonly string[]>>
}

/** What `openEventStore` takes: a database that holds the events, or the connection string of another store. */
export type EventsPlace = PostgresConnection | string

/** Every row of each read model as text: as it is served, and as a full replay of the events gives it. */
export const compareWithReplay = async (
  connection: PostgresConnection,
  events: EventsPlace = connection,
): Promise<Comparison> => {
  const source = openPool(connection, { applicationName: 'replay source', max: 2, log })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: source }) })
  const store = await openEventStore({ place: events, log })
  const scratch = await createDatabase()
  const pool = openPool(scratch.connection, { applicationName: 'replay', max: 6, log })
  const notifications = new Notifications(scratch.connection, log)
  try {
    const master = await loadMasterKey({ masterKey: TEST_MASTER_KEY, masterKeyFile: undefined, dataDir: '' })
    const vault = await openVault(db, master)
    await registerProjections(pool, projections)
    const runs = projections.map((projection) =>
      runProjection({
        projection,
        store,
        decode: openForProjections(vault)(projection),
        pool,
        notifications,
        owner: 'replay',
        log,
      }),
    )
    const last = (await historyOf(events)).at(-1)?.position ?? 0n
    const progress = openProgress({ pool, notifications, log })
    await untilReached(() => progress.waitFor('sessions', last, 5_000))
    await untilReached(() => progress.waitFor('auditlog', last, 5_000))
    progress.close()
    await Promise.all(runs.map((run) => run.stop()))
    return { live: await rowsOf(source), replayed: await rowsOf(pool) }
  } finally {
    await notifications.close()
    await pool.end()
    await store.close()
    await db.destroy()
    await scratch.drop()
  }
}

/** The whole log, in its order. */
export const historyOf = async (place: EventsPlace): Promise<readonly RecordedEvent[]> => {
  const store = await openEventStore({ place, log })
  const events: RecordedEvent[] = []
  const abort = new AbortController()
  try {
    for await (const message of store.subscribe('start', abort.signal)) {
      if (message.kind === 'caughtUp') break
      events.push(...message.events)
    }
    return events
  } finally {
    abort.abort()
    await store.close()
  }
}

const untilReached = async (wait: () => Promise<string>): Promise<void> => {
  const deadline = Date.now() + 15_000
  while ((await wait()) !== 'reached') {
    if (Date.now() > deadline) throw new Error('the replay does not get to the end of the history')
  }
}

const rowsOf = async (pool: ReturnType<typeof openPool>): Promise<Record<string, readonly string[]>> => {
  const read = async (table: string) =>
    (await pool.query(`select t::text as row from read.${table} t order by id`)).rows.map(({ row }) => row as string)
  return { sessions: await read('sessions'), auditlog: await read('auditlog') }
}
