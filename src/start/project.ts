/** The half of a process with the role `projector`: projections and reactors. */
import { hostname } from 'node:os'
import { startLog } from '../audit/log.ts'
import { startErasure } from '../erasure/erasure.ts'
import { startMailer } from '../mailer/mailer.ts'
import { openPool } from '../platform/postgres.ts'
import { readModels } from '../projections.ts'
import { isForNewer, openForProjections } from '../projector/open-events.ts'
import { type RunningProjection, runProjection } from '../projector/projector.ts'
import type { RunningWorker } from '../projector/worker.ts'
import type { Keeping } from './keeping.ts'
import type { Parts } from './parts.ts'

export interface Projecting {
  readonly projectors: readonly RunningProjection[]
  readonly reactors: readonly RunningWorker[]
}

/** Of a process that does not. */
export const NOT_PROJECTING: Projecting = { projectors: [], reactors: [] }

const REACTORS = 3

/** Starts the work on every read model and every reactor. Returns at once; each takes its lease when it can. */
export const startProjecting = (parts: Parts, { keep }: Keeping, now: () => number): Projecting => {
  const { config, log, metrics, connection, db, notifications, vault, signedLog, store, accounts } = parts
  // Connections of their own: a storm of requests must not keep a projector from its heartbeat.
  const pool = keep(
    openPool(connection, {
      applicationName: 'strongroom projector',
      // Of a projection: a batch and a heartbeat, twice where a new build is made, and the two sides of a comparison.
      max: 6 * readModels.length + 2 * REACTORS + 1,
      log,
    }),
    (open) => open.end(),
  )
  const owner = `${hostname()}:${process.pid}`
  const running = { store, pool, notifications, owner, log, observe: metrics.observeBatch }
  const stopped = (worker: RunningWorker) => worker.stop()

  const decodeFor = openForProjections(vault)
  const projectors = readModels.map((readModel) =>
    keep(
      runProjection({
        ...readModel,
        ...running,
        decode: decodeFor(readModel.projection),
        isForNewer,
      }),
      stopped,
    ),
  )
  const mailing = {
    settings: config.mail,
    dataDir: config.dataDir,
    publicUrl: config.http.publicUrl,
    limits: config.limits,
    ...{ accounts, vault, db, now },
  }
  const reactors: RunningWorker[] = [
    keep(startMailer({ ...running, ...mailing }), stopped),
    keep(startErasure({ ...running, db, dataDir: config.dataDir }), stopped),
  ]
  if (signedLog !== undefined) reactors.push(keep(startLog({ ...running, signedLog }), stopped))
  return { projectors, reactors }
}
