/** Both read models in a process of their own, as `npm run rebuild` is one: each job is one rebuild, of both. */
import { setTimeout as delay } from 'node:timers/promises'
import pino from 'pino'
import { openPostgresEventStore } from '../../src/event-store/postgres.ts'
import { Notifications } from '../../src/platform/notifications.ts'
import { readModels } from '../../src/projections.ts'
import { type Build, listBuilds, requestRebuild } from '../../src/projector/builds.ts'
import { isForNewer, openForProjections } from '../../src/projector/open-events.ts'
import { runProjection } from '../../src/projector/projector.ts'
import { registerProjections } from '../../src/projector/schema.ts'
import type { BenchDatabase } from '../lib/database.ts'
import { openVaultOf } from '../lib/vault.ts'

export interface RebuildJob {
  readonly connection: BenchDatabase['connection']
  /** The first build of all is an ordinary catch-up, and has nothing to be compared with. */
  readonly kind: 'first' | 'again'
}

export interface RebuildAnswer {
  /** From the request until rows, keys and indexes of both are there. */
  readonly builtSeconds: number
  /** Until they are compared with the live ones and have taken their place. */
  readonly flippedSeconds: number
  readonly cpuSeconds: number
  /** The most this process ever had resident. */
  readonly peakRssMb: number
}

const projections = readModels.map(({ projection }) => projection)

async function run({ connection, kind }: RebuildJob): Promise<RebuildAnswer> {
  const log = pino({ level: 'error' })
  const { pool, vault, close } = await openVaultOf(connection, log)
  const notifications = new Notifications(connection, log)
  const store = await openPostgresEventStore({ connection, notifications, log })
  const tail = await store.tail()
  const isBuilt = ({ stage, bulk, position }: Build) =>
    kind === 'first' ? position === tail : stage !== 'building' || bulk === 'done'
  const isFlipped = ({ stage, position }: Build) =>
    kind === 'first' ? position === tail : stage === 'live' || stage === 'kept'
  await registerProjections(pool, projections)
  if (kind === 'again') for (const projection of projections) await requestRebuild(pool, projection)
  const until = async (is: (build: Build) => boolean): Promise<void> => {
    while (!(await listBuilds(pool)).every(is)) await delay(20)
  }
  const before = process.cpuUsage()
  const began = performance.now()
  const secondsSince = () => (performance.now() - began) / 1_000
  const parts = { store, pool, notifications, owner: 'bench', log, isForNewer }
  const decodeFor = openForProjections(vault)
  const running = readModels.map((readModel) =>
    runProjection({ ...readModel, ...parts, decode: decodeFor(readModel.projection) }),
  )
  await until(isBuilt)
  const builtSeconds = secondsSince()
  await until(isFlipped)
  const flippedSeconds = secondsSince()
  const { user, system } = process.cpuUsage(before)
  await Promise.all(running.map((one) => one.stop()))
  await store.close()
  await notifications.close()
  await close()
  const peakRssMb = process.resourceUsage().maxRSS / 1_024
  return { builtSeconds, flippedSeconds, cpuSeconds: (user + system) / 1e6, peakRssMb }
}

process.on('message', (job: RebuildJob) => {
  // An error ends the process, and with it the benchmark.
  run(job).then((answer) => process.send?.(answer))
})
