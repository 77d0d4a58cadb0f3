/** The stores, the vault and the accounts: what a process of every role needs, in the order in which it is opened. */
import { Kysely, PostgresDialect } from 'kysely'
import type { DestinationStream } from 'pino'
import { openAccounts } from '../accounts/accounts.ts'
import { openLive } from '../accounts/live.ts'
import { openSnapshots } from '../accounts/snapshots.ts'
import { migrateLog, prepareLog } from '../audit/prepare-log.ts'
import type { Config } from '../config.ts'
import { forgetErasedKeys } from '../erasure/erasure.ts'
import { openErasures } from '../erasure/erasures.ts'
import { openEventStore } from '../event-store/open.ts'
import { StoreUnavailable } from '../event-store/port.ts'
import { MAILER } from '../mailer/mailer.ts'
import type { Database } from '../platform/database.ts'
import { startEmbeddedPostgres } from '../platform/embedded-postgres.ts'
import { openLog } from '../platform/log.ts'
import { openMetrics } from '../platform/metrics.ts'
import { migrate } from '../platform/migrations.ts'
import { Notifications } from '../platform/notifications.ts'
import { isDatabaseAway, openPool } from '../platform/postgres.ts'
import { waitUntilThere } from '../platform/wait-until-there.ts'
import { readModels } from '../projections.ts'
import { registerReactors } from '../projector/reactor.ts'
import { registerProjections } from '../projector/schema.ts'
import { loadMasterKey } from '../secrets/master-key.ts'
import { openVault } from '../secrets/vault.ts'
import { vaultMigrations } from '../secrets/vault-schema.ts'
import type { Keeping } from './keeping.ts'

const POOL_SIZE = 20

/** What both halves stand on. Throws what `start` throws. */
export const openParts = async (
  config: Config,
  { keep }: Keeping,
  { logTo }: { readonly logTo?: DestinationStream | undefined } = {},
) => {
  const log = openLog(config.logLevel, logTo)
  const metrics = openMetrics()
  const master = await loadMasterKey(config)

  const connection =
    config.databaseUrl === undefined
      ? keep(await startEmbeddedPostgres({ dataDir: config.dataDir, log }), (server) => server.release()).connection
      : { connectionString: config.databaseUrl }
  const pool = openPool(connection, { applicationName: 'strongroom', max: POOL_SIZE, log })
  const db = keep(new Kysely<Database>({ dialect: new PostgresDialect({ pool }) }), (open) => open.destroy())
  const notifications = keep(new Notifications(connection, log), (open) => open.close())
  const patience = { limitMs: config.startWaitMs, log }
  await waitUntilThere(() => migrate(pool, 'vault', vaultMigrations), {
    ...{ what: 'the database', isAway: isDatabaseAway },
    ...patience,
  })
  // Before anything else is touched: a start under the wrong master key ends here.
  const vault = await openVault(db, master)
  keep(await forgetErasedKeys(notifications, vault), async (stopListening) => stopListening())
  const projections = readModels.map(({ projection }) => projection)
  await migrateLog(pool)
  const signedLog = config.roles.has('projector') ? await prepareLog(pool, config) : undefined

  const place =
    config.eventStoreUrl === undefined ? { place: connection, notifications } : { place: config.eventStoreUrl }
  const ofStore = { what: 'the event store', isAway: isStoreAway, ...patience }
  const opening = () => openEventStore({ ...place, log, observeAppend: metrics.observeAppend })
  const store = keep(await waitUntilThere(opening, ofStore), (open) => open.close())
  await waitUntilThere(async () => {
    await registerProjections(pool, projections, { tail: () => store.tail() })
    await registerReactors(pool, store, [MAILER])
  }, ofStore)
  const snapshots = keep(openSnapshots({ db, vault, log }), (open) => open.close())
  const accounts = openAccounts(store, snapshots)
  const live = keep(openLive({ store, accounts, vault, log }), (open) => open.stop())
  const erasures = keep(await openErasures(live, notifications), async (open) => open.stop())
  const stores = { connection, pool, db, notifications, vault, signedLog, store }
  return { config, log, metrics, ...stores, accounts, live, erasures }
}

export type Parts = Awaited<ReturnType<typeof openParts>>

const isStoreAway = (error: unknown): boolean => error instanceof StoreUnavailable || isDatabaseAway(error)
