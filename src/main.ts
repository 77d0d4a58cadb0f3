/** The composition root: configuration, stores, projectors, HTTP; started in this order and stopped in the reverse. */
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { DestinationStream } from 'pino'
import packageJson from '../package.json' with { type: 'json' }
import { type Config, InvalidConfiguration, readConfig } from './config.ts'
import { InvalidConnectionString } from './event-store/eventstoredb-url.ts'
import { StoreUnavailable } from './event-store/port.ts'
import { createApp } from './http/app.ts'
import type { DownloadTimes } from './http/resources/downloads.ts'
import { translateFailure } from './http/resources/failures.ts'
import { healthEndpoints } from './http/resources/health.ts'
import { metricsEndpoints } from './http/resources/metrics.ts'
import { CannotListen, type Listening, listen } from './http/server.ts'
import { EmbeddedPostgresError } from './platform/embedded-postgres/error.ts'
import { isDatabaseAway } from './platform/postgres.ts'
import { readModels } from './projections.ts'
import { figuresOfReadModels, openOverview } from './projector/overview.ts'
import type { RunningWorker } from './projector/worker.ts'
import { openPasswordHasher } from './secrets/password-hashing.ts'
import { CannotOpen } from './secrets/sealing.ts'
import { openKeeping } from './start/keeping.ts'
import { openParts } from './start/parts.ts'
import { NOT_PROJECTING, startProjecting } from './start/project.ts'
import { openApi } from './start/serve.ts'

export interface Running {
  /** Where HTTP is served. */
  readonly url: string
  /** What may come after readiness: builds the web page where that has not been done for these sources. Never throws. */
  prepare(): Promise<void>
  stop(): Promise<void>
}

/** Where the program comes from. */
export interface Origin {
  /**
   * The folder of the checkout, of whose sources the web page is built. Without it that is the one around this file; or
   * where this is not TypeScript there is none, and the page has been built beside the program.
   */
  readonly checkout?: string
}

/** What a test may put in the place of the real thing. */
export interface Overrides {
  readonly now?: () => number
  readonly checkAnswers?: boolean
  readonly downloads?: DownloadTimes
  readonly logTo?: DestinationStream
}

/** Throws an error whose message is one sentence for the operator where it cannot start; what had started is stopped. */
export const start = async (
  config: Config,
  { now = Date.now, checkAnswers = false, downloads = {}, logTo, checkout = checkoutAround() }: Overrides & Origin = {},
): Promise<Running> => {
  const keeping = openKeeping()
  const { keep, stop } = keeping
  try {
    const parts = await openParts(config, keeping, { logTo })
    const { log, metrics, pool, store } = parts
    const { projectors, reactors } = config.roles.has('projector')
      ? startProjecting(parts, keeping, now)
      : NOT_PROJECTING

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

    const overview = openOverview(
      pool,
      readModels.map(({ projection }) => projection),
    )
    const workers = () => [
      ...projectors.map((running) => ({ kind: 'projection' as const, ...running.status() })),
      ...projectors.flatMap((running) => {
        const building = running.building()
        return building ? [{ kind: 'build' as const, ...building }] : []
      }),
      ...reactors.map((running) => ({ kind: 'reactor' as const, ...running.status() })),
    ]
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

    const around = { checkout, now, downloadTimes: downloads }
    const { page, ...served } = openApi({ ...parts, overview, hasher }, keeping, around)
    const app = createApp({
      ...serving,
      endpoints: [...health, ...served.endpoints],
      page,
      authenticators: served.authenticators,
    })
    const server = keep(await listen(app, config.http), (open) => open.close())
    // First of all.
    keep(served, async (open) => open.closeOpenAnswers())
    return { url: urlOf(config, server), prepare: () => page.prepare(), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const checkoutAround = (): string | undefined =>
  import.meta.url.endsWith('.ts') ? fileURLToPath(new URL('..', import.meta.url)) : undefined

/** Owned by this process or, as far as it knows, by another one that is at work. */
const mustRun = (running: RunningWorker): void => {
  const { state } = running.status()
  if (state === 'halted' || state === 'stopped') throw new Error(`it is ${state}`)
}

const urlOf = ({ http }: Config, { port }: Listening): string => {
  const anyLocal = ['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost'].includes(http.host)
  return `http://${anyLocal ? 'localhost' : http.host}:${port}`
}

/** Runs until SIGINT or SIGTERM. Prints one line when it is ready; or ends the process, with one sentence why. */
export const run = (origin: Origin = {}): Promise<void> => serve(origin).catch(fail)

const serve = async (origin: Origin): Promise<void> => {
  const running = await start(readConfig(), origin)
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

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) void run()
