/** The composition root: configuration, stores, projectors, HTTP; started in this order and stopped in the reverse. */
import { hostname } from 'node:os'
import { pathToFileURL } from 'node:url'
import { Kysely, PostgresDialect } from 'kysely'
import packageJson from '../package.json' with { type: 'json' }
import { openAccounts } from './accounts/accounts.ts'
import { openActivity } from './accounts/activity.ts'
import { openLive } from './accounts/live.ts'
import { openSnapshots } from './accounts/snapshots.ts'
import { startLog } from './audit/log.ts'
import { openLogReader } from './audit/log-reader.ts'
import { migrateLog, prepareLog } from './audit/prepare-log.ts'
import { openClientContext } from './client-context/client-context.ts'
import { openAdmission } from './commands/admission.ts'
import { openCommandBus } from './commands/command-bus.ts'
import { openKeyedQueue } from './commands/keyed-queue.ts'
import type { Services } from './commands/services.ts'
import { runSweeper } from './commands/sweeper.ts'
import { openThrottles } from './commands/throttles.ts'
import { type Config, InvalidConfiguration, readConfig } from './config.ts'
import { forgetErasedKeys, startErasure } from './erasure/erasure.ts'
import { InvalidConnectionString } from './event-store/eventstoredb-url.ts'
import { openEventStore } from './event-store/open.ts'
import { StoreUnavailable } from './event-store/port.ts'
import { openAccessRecorder } from './exports/access-recorder.ts'
import { EXPORT_SETTINGS, EXPORT_TIMEOUT_MS, openRowCopier } from './exports/copy-rows.ts'
import { openEvidenceMaker } from './exports/evidence-maker.ts'
import { createApp } from './http/app.ts'
import type { Api } from './http/resources/api.ts'
import { tokenAuthenticator } from './http/resources/bearer-token.ts'
import { DOWNLOADS_AT_ONCE, type DownloadTimes, openDownloads } from './http/resources/downloads.ts'
import { apiEndpoints } from './http/resources/endpoints.ts'
import { openEventStreams } from './http/resources/event-streams.ts'
import { translateFailure } from './http/resources/failures.ts'
import { healthEndpoints } from './http/resources/health.ts'
import { metricsEndpoints } from './http/resources/metrics.ts'
import { sessionAuthenticator } from './http/resources/session-cookie.ts'
import { CannotListen, type Listening, listen } from './http/server.ts'
import { MAILER, startMailer } from './mailer/mailer.ts'
import { openAddressLimits } from './platform/address-limits.ts'
import { CoalescedReads } from './platform/coalesced-reads.ts'
import type { Database } from './platform/database.ts'
import { EmbeddedPostgresError } from './platform/embedded-postgres/error.ts'
import { startEmbeddedPostgres } from './platform/embedded-postgres.ts'
import { exclusively } from './platform/exclusive.ts'
import { openLog } from './platform/log.ts'
import { openMetrics } from './platform/metrics.ts'
import { migrate } from './platform/migrations.ts'
import { Notifications } from './platform/notifications.ts'
import { isDatabaseAway, openPool } from './platform/postgres.ts'
import { openTextRows } from './platform/text-rows.ts'
import { waitUntilThere } from './platform/wait-until-there.ts'
import { openWebPage } from './platform/web-page.ts'
import { readModels } from './projections.ts'
import { isForNewer, openForProjections } from './projector/open-events.ts'
import { figuresOfReadModels, openOverview } from './projector/overview.ts'
import { openProgress } from './projector/progress.ts'
import { runProjection } from './projector/projector.ts'
import { registerReactors } from './projector/reactor.ts'
import { registerProjections } from './projector/schema.ts'
import type { RunningWorker } from './projector/worker.ts'
import { activeSessions } from './queries/sessions.ts'
import { openAccessTokens } from './secrets/access-tokens.ts'
import { loadMasterKey } from './secrets/master-key.ts'
import { openPasswordHasher } from './secrets/password-hashing.ts'
import { openSealer } from './secrets/sealed-tokens.ts'
import { CannotOpen } from './secrets/sealing.ts'
import { openSessionHash } from './secrets/session-hash.ts'
import { openVault } from './secrets/vault.ts'
import { vaultMigrations } from './secrets/vault-schema.ts'

export interface Running {
  /** Where HTTP is served. */
  readonly url: string
  /** What may come after readiness: builds the web page where that has not been done for these sources. Never throws. */
  prepare(): Promise<void>
  stop(): Promise<void>
}

/** What a test may put in the place of the real thing. */
export interface Overrides {
  readonly now?: () => number
  readonly checkAnswers?: boolean
  readonly downloads?: DownloadTimes
}

const REACTORS = 3
const POOL_SIZE = 20

/** Throws an error whose message is one sentence for the operator where it cannot start; what had started is stopped. */
export const start = async (
  config: Config,
  { now = Date.now, checkAnswers = false, downloads: downloadTimes = {} }: Overrides = {},
): Promise<Running> => {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const step of stops.splice(0).reverse()) await step()
  }
  /** What is started is stopped in the reverse order, also when a later part cannot start. */
  const keep = <T>(part: T, end: (part: T) => Promise<unknown>): T => {
    stops.push(() => end(part))
    return part
  }

  try {
    const log = openLog(config.logLevel)
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

    // Connections of their own: a storm of requests must not keep a projector from its heartbeat.
    const projectorPool = keep(
      openPool(connection, {
        applicationName: 'strongroom projector',
        // Of a projection: a batch and a heartbeat, twice where a new build is made, and the two sides of a comparison.
        max: 6 * projections.length + 2 * REACTORS + 1,
        log,
      }),
      (open) => open.end(),
    )
    const owner = `${hostname()}:${process.pid}`
    const projectors = config.roles.has('projector')
      ? readModels.map((readModel) =>
          keep(
            runProjection({
              ...readModel,
              ...{
                store,
                decode: openForProjections(vault),
                isForNewer,
                pool: projectorPool,
                notifications,
                owner,
                log,
              },
              observe: (batch) => metrics.observeBatch(readModel.projection.name, batch),
            }),
            (running) => running.stop(),
          ),
        )
      : []
    const reactors = config.roles.has('projector')
      ? [
          keep(
            startMailer({
              settings: config.mail,
              dataDir: config.dataDir,
              publicUrl: config.http.publicUrl,
              limits: config.limits,
              ...{ store, accounts, vault, db, pool: projectorPool, notifications, owner, log, now },
            }),
            (running) => running.stop(),
          ),
        ]
      : []
    if (config.roles.has('projector')) {
      const erasing = { store, db, dataDir: config.dataDir, pool: projectorPool, notifications, owner, log }
      reactors.push(keep(startErasure(erasing), (running) => running.stop()))
    }
    if (signedLog !== undefined) {
      const growing = { signedLog, store, pool: projectorPool, notifications, owner, log }
      reactors.push(keep(startLog(growing), (running) => running.stop()))
    }

    const checks = {
      eventStore: () => store.ping(),
      database: async () => void (await pool.query('select 1')),
      ...Object.fromEntries(
        projectors.map((running) => [`projection ${running.status().name}`, async () => mustRun(running)]),
      ),
      ...Object.fromEntries(
        reactors.map((running) => [`reactor ${running.status().name}`, async () => mustRun(running)]),
      ),
    }

    const overview = openOverview(pool, projections)
    const figuresOf = (kind: 'projection' | 'reactor') => (running: RunningWorker) => ({ kind, ...running.status() })
    const workers = () => [...projectors.map(figuresOf('projection')), ...reactors.map(figuresOf('reactor'))]
    const hasher = config.roles.has('api') ? openPasswordHasher(config.hashing) : undefined
    const readModelFigures = async () => figuresOfReadModels(await overview.list())
    metrics.collectFrom({ workers, readModels: readModelFigures, hashing: hasher && (() => hasher) })

    const health = [...healthEndpoints(checks), ...metricsEndpoints(metrics)]
    const serving = {
      ...config.http,
      logger: log,
      version: packageJson.version,
      translateError: translateFailure,
      checkAnswers,
      observe: metrics.observeRequest,
    }
    if (hasher === undefined) {
      const server = keep(
        await listen(createApp({ ...serving, endpoints: health, authenticators: {} }), config.http),
        (open) => open.close(),
      )
      return { url: urlOf(config, server), prepare: async () => {}, stop }
    }

    const sessionHash = openSessionHash(vault)
    const services: Services = {
      accounts,
      activity: keep(openActivity(db, { ...config.session, log }), (open) => open.flush()),
      admission: openAdmission({ waitersPerKey: config.hashing.queueLimit }),
      bus: openCommandBus({ store, accounts, vault, sessionHash, queue: openKeyedQueue(), limits: config.limits, now }),
      hasher,
      throttles: openThrottles(db, config.limits),
      vault,
      limits: config.limits,
      passwordPolicy: config.passwordPolicy,
      session: config.session,
      now,
    }
    const tokens = openAccessTokens(db, now)
    const streams = openEventStreams()
    const downloads = openDownloads(downloadTimes)
    // Connections of their own: an export holds one for as long as its reader takes.
    const exportPool = keep(
      openPool(connection, {
        applicationName: 'strongroom exports',
        max: DOWNLOADS_AT_ONCE,
        statementTimeoutMs: EXPORT_TIMEOUT_MS,
        settings: EXPORT_SETTINGS,
        log,
      }),
      (open) => open.end(),
    )
    const api: Api = {
      services,
      db,
      readTextRows: openTextRows(pool),
      activeSessions: new CoalescedReads((userIds) => activeSessions(db, userIds)),
      store,
      live,
      streams,
      tokens,
      progress: keep(openProgress({ pool, notifications, log }), (open) => open.close()),
      projections: overview,
      clientContext: keep(openClientContext({ log }), (open) => open.close()),
      sessionHash,
      sealer: openSealer(vault.key('sealed-tokens')),
      log: openLogReader(pool),
      rows: openRowCopier(exportPool),
      downloads,
      accesses: openAccessRecorder({ store, vault, now }),
      evidence: openEvidenceMaker({ store, vault, pool, settings: config, program: packageJson }),
      addressLimits: openAddressLimits(pool, config.loginPerAddressPerMinute),
      registration: config.registration,
      consistencyWaitMs: config.consistencyWaitMs,
    }
    keep(
      runSweeper({
        db,
        bus: services.bus,
        activity: services.activity,
        throttles: services.throttles,
        addressLimits: api.addressLimits,
        session: config.session,
        limits: config.limits,
        now,
        log,
        exclusively: (work) => exclusively(pool, 'strongroom.sweeper', work),
      }),
      (running) => running.stop(),
    )
    const page = keep(openWebPage({ dataDir: config.dataDir, log }), (open) => open.close())
    const app = createApp({
      ...serving,
      endpoints: [...health, ...apiEndpoints(api)],
      page,
      authenticators: {
        session: sessionAuthenticator(services),
        token: tokenAuthenticator(tokens),
      },
    })
    const server = keep(await listen(app, config.http), (open) => open.close())
    // First of all: a server waits for what is open, and streams end by themselves never.
    keep(streams, async (open) => open.close())
    keep(downloads, async (open) => open.close())
    return { url: urlOf(config, server), prepare: () => page.prepare(), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Owned by this process or, as far as it knows, by another one that is at work. */
const mustRun = (running: RunningWorker): void => {
  const { state } = running.status()
  if (state === 'halted' || state === 'stopped') throw new Error(`it is ${state}`)
}

const isStoreAway = (error: unknown): boolean => error instanceof StoreUnavailable || isDatabaseAway(error)

const urlOf = ({ http }: Config, { port }: Listening): string => {
  const anyLocal = ['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost'].includes(http.host)
  return `http://${anyLocal ? 'localhost' : http.host}:${port}`
}

/** Runs until SIGINT or SIGTERM. Prints one line when it is ready, or one sentence when it cannot start. */
const run = async (): Promise<void> => {
  const running = await start(readConfig())
  process.stdout.write(`Strongroom is ready at ${running.url}\n`)
  void running.prepare()
  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

const fail = (error: unknown): never => {
  process.stderr.write(`Strongroom cannot run: ${sentenceFor(error)}\n`)
  process.exit(1)
}

const sentenceFor = (error: unknown): string => {
  const told = [InvalidConfiguration, InvalidConnectionString, EmbeddedPostgresError, CannotListen, CannotOpen]
  if (error instanceof Error && told.some((kind) => error instanceof kind)) return error.message
  if (error instanceof StoreUnavailable)
    return 'the event store cannot be reached; check EVENT_STORE_URL and that it runs'
  if (isDatabaseAway(error))
    return 'the database cannot be reached; check DATABASE_URL, EVENT_STORE_URL and that it runs'
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) run().catch(fail)
