/** The half of a process with the role `api`: the commands and queries behind HTTP, the sweeper, and the page. */
import packageJson from '../../package.json' with { type: 'json' }
import { openActivity } from '../accounts/activity.ts'
import { openLogReader } from '../audit/log-reader.ts'
import { openClientContext } from '../client-context/client-context.ts'
import { openAdmission } from '../commands/admission.ts'
import { openCommandBus } from '../commands/command-bus.ts'
import { openKeyedQueue } from '../commands/keyed-queue.ts'
import type { Services } from '../commands/services.ts'
import { runSweeper } from '../commands/sweeper.ts'
import { openThrottles } from '../commands/throttles.ts'
import { openAccessRecorder } from '../exports/access-recorder.ts'
import { EXPORT_SETTINGS, EXPORT_TIMEOUT_MS, openRowCopier } from '../exports/copy-rows.ts'
import { openEvidenceMaker } from '../exports/evidence-maker.ts'
import type { Api } from '../http/resources/api.ts'
import { tokenAuthenticator } from '../http/resources/bearer-token.ts'
import { DOWNLOADS_AT_ONCE, type DownloadTimes, openDownloads } from '../http/resources/downloads.ts'
import { apiEndpoints } from '../http/resources/endpoints.ts'
import { openEventStreams } from '../http/resources/event-streams.ts'
import { sessionAuthenticator } from '../http/resources/session-cookie.ts'
import { openAddressLimits } from '../platform/address-limits.ts'
import { CoalescedReads } from '../platform/coalesced-reads.ts'
import { exclusively } from '../platform/exclusive.ts'
import { openPool } from '../platform/postgres.ts'
import { openTextRows } from '../platform/text-rows.ts'
import { openWebPage } from '../platform/web-page.ts'
import type { Overview } from '../projector/overview.ts'
import { openProgress } from '../projector/progress.ts'
import { activeSessions } from '../queries/sessions.ts'
import { openAccessTokens } from '../secrets/access-tokens.ts'
import type { PasswordHasher } from '../secrets/password-hashing.ts'
import { openSealer } from '../secrets/sealed-tokens.ts'
import { openSessionHash } from '../secrets/session-hash.ts'
import type { Keeping } from './keeping.ts'
import type { Parts } from './parts.ts'

/** What people and programs are served with. */
export interface Served {
  readonly endpoints: ReturnType<typeof apiEndpoints>
  readonly authenticators: {
    readonly session: ReturnType<typeof sessionAuthenticator>
    readonly token: ReturnType<typeof tokenAuthenticator>
  }
  readonly page: ReturnType<typeof openWebPage>
  /** Streams and downloads, which end by themselves never: before the server, which waits for what is open. */
  closeOpenAnswers(): void
}

interface Around {
  /** Of whose sources the page is made, if it is not there already. */
  readonly checkout: string | undefined
  readonly now: () => number
  readonly downloadTimes: DownloadTimes
}

export const openApi = (
  parts: Parts & { readonly overview: Overview; readonly hasher: PasswordHasher },
  { keep }: Keeping,
  { checkout, now, downloadTimes }: Around,
): Served => {
  const { config, log, connection, pool, db, notifications, vault, store, accounts, live, erasures, overview } = parts
  const { hasher } = parts
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
  const eventDownloads = openDownloads(downloadTimes)
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
  const clientContext = keep(openClientContext({ log }), (open) => open.close())
  keep(
    erasures.follow(() => clientContext.forget()),
    async (stopFollowing) => stopFollowing(),
  )
  const api: Api = {
    services,
    db,
    readTextRows: openTextRows(pool),
    activeSessions: new CoalescedReads((userIds) => activeSessions(db, userIds)),
    store,
    live,
    erasures,
    streams,
    tokens,
    progress: keep(openProgress({ pool, notifications, log }), (open) => open.close()),
    projections: overview,
    clientContext,
    sessionHash,
    sealer: openSealer(vault.key('sealed-tokens')),
    log: openLogReader(pool),
    rows: openRowCopier(exportPool),
    downloads,
    eventDownloads,
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
  return {
    endpoints: apiEndpoints(api),
    authenticators: { session: sessionAuthenticator(services), token: tokenAuthenticator(tokens) },
    page: keep(openWebPage({ checkout, dataDir: config.dataDir, log }), (open) => open.close()),
    closeOpenAnswers() {
      streams.close()
      downloads.close()
      eventDownloads.close()
    },
  }
}
