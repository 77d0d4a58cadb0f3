/** The projections of the installation, in this process: beside a running server, which is not in its way, or without one. */
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { Config } from '../../src/config.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import type { EventStore } from '../../src/event-store/port.ts'
import { Notifications } from '../../src/platform/notifications.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { type ReadModel, readModels } from '../../src/projections.ts'
import { ownBuild } from '../../src/projector/build.ts'
import type { Comparison } from '../../src/projector/compare.ts'
import { isForNewer, openForProjections } from '../../src/projector/open-events.ts'
import { jobOf, runProjection } from '../../src/projector/projector.ts'
import { registerProjections } from '../../src/projector/schema.ts'
import { type RunningWorker, runJob } from '../../src/projector/worker.ts'
import { loadMasterKey } from '../../src/secrets/master-key.ts'
import { openVault } from '../../src/secrets/vault.ts'
import { mustHaveMasterKey } from '../operate/master-key.ts'
import { withVaultDatabase } from '../operate/vault-database.ts'

export interface Workshop {
  readonly pool: ReturnType<typeof openPool>
  readonly store: EventStore
  /** Undefined: there is no such projection. */
  readModel(name: string): ReadModel | undefined
  /** Takes part in the work on it, as a server with the role projector does; a lease sees to it that only one works. */
  run(readModel: ReadModel): RunningWorker
  /** Makes a build that is only compared. `found` is called once. */
  verify(readModel: ReadModel, build: number, found: (comparison: Comparison) => void): RunningWorker
}

/** Throws as withVaultDatabase does, CannotOpen for a wrong master key, and StoreUnavailable. */
export const withWorkshop = async <T>(
  config: Config,
  log: Logger,
  work: (workshop: Workshop) => Promise<T>,
): Promise<T> => {
  mustHaveMasterKey(config)
  return withVaultDatabase(config, log, async (db, { connection }) => {
    const vault = await openVault(db, await loadMasterKey(config))
    const pool = openPool(connection, { applicationName: 'strongroom operator', max: 8, log })
    const notifications = new Notifications(connection, log)
    const store = await openEventStore({ place: config.eventStoreUrl ?? connection, log })
    const running: RunningWorker[] = []
    const keep = <Kept extends RunningWorker>(one: Kept): Kept => {
      running.push(one)
      return one
    }
    try {
      const definitions = readModels.map(({ projection }) => projection)
      await registerProjections(pool, definitions, { tail: () => store.tail() })
      const owner = `script:${hostname()}:${process.pid}`
      const parts = { store, isForNewer, pool, notifications, owner, log }
      const decodeFor = openForProjections(vault)
      return await work({
        pool,
        store,
        readModel: (name) => readModels.find(({ projection }) => projection.name === name),
        run: (readModel) => keep(runProjection({ ...readModel, ...parts, decode: decodeFor(readModel.projection) })),
        verify: (readModel, build, onVerified) => {
          const { projection, onFailure } = readModel
          const options = { projection, onFailure, ...parts, decode: decodeFor(readModel.projection) }
          return keep(runJob(jobOf(options, build), options, ownBuild({ projection, build, store, onVerified })))
        },
      })
    } finally {
      await Promise.all(running.map((one) => one.stop()))
      await notifications.close()
      await store.close()
      await pool.end()
    }
  })
}
