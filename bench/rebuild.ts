/** Building both read models anew from the first event on, beside emmett-postgresql and beside a bare COPY of the rows. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import type { EventStore, RecordedEvent } from '../src/event-store/port.ts'
import { openPostgresEventStore } from '../src/event-store/postgres.ts'
import { Notifications } from '../src/platform/notifications.ts'
import { readModels } from '../src/projections.ts'
import { listBuilds, requestRebuild } from '../src/projector/builds.ts'
import { isForNewer, openForProjections } from '../src/projector/open-events.ts'
import { runProjection } from '../src/projector/projector.ts'
import { registerProjections } from '../src/projector/schema.ts'
import { readLog } from '../src/replay/read-log.ts'
import { openEmmettRebuild } from './contenders/emmett-rebuild.ts'
import { makeUp } from './contenders/made-up.ts'
import type { Bench, Benchmark } from './lib/bench.ts'
import { ratio } from './lib/report.ts'
import { inTurns } from './lib/rounds.ts'
import { openPlace } from './log.ts'

/** emmett slows as its log grows; of more it would be measured for an hour. */
const BESIDE_EMMETT = 60_000
const USUAL = 100_000
const MILLION = 1_000_000

const projections = readModels.map(({ projection }) => projection)

export const rebuild: Benchmark = async (bench) => {
  const { results, rssMb, cpuUs, events } = await measure(bench, USUAL)
  const emmett = await measureEmmett(bench)
  const ours = results.find(({ name }) => name === 'both read models')?.median ?? 0
  return [
    {
      title: `rebuild: events per second, ${events.toLocaleString('en')} events of made-up people`,
      notes: [
        'Ours: from the request until the views show the new builds, boxes opened, keys and indexes made, compared with ' +
          `the live ones and flipped. Processor of this process: ${cpuUs.toFixed(0)} microseconds an event, for both; ` +
          `resident memory at most ${rssMb.toFixed(0)} MB, the making of the history included.`,
        `emmett at ${BESIDE_EMMETT.toLocaleString('en')} events, each batch size once, nothing to open and nothing to compare.`,
      ],
      results: [...results, ...emmett],
      goals: [
        { what: 'both / emmett, batches of 100', measured: ours / (emmett[0]?.median ?? 0), atLeast: 20, unit: 'x' },
        { what: 'both / emmett, batches of 1,000', measured: ours / (emmett[1]?.median ?? 0), atLeast: 12, unit: 'x' },
        {
          what: 'both / COPY of the audit rows',
          measured: ratio(results, 'both read models', 'COPY of the audit rows'),
          atLeast: 0.35,
          unit: 'x',
        },
      ],
    },
  ]
}

/** Making up a million events alone takes minutes. */
export const rebuildMillion: Benchmark = async (bench) => {
  const usual = await measure(bench, USUAL)
  const { results, rssMb, events } = await measure(bench, MILLION)
  const perSecond = (of: typeof results) => of.find(({ name }) => name === 'both read models')?.median ?? 0
  return [
    {
      title: `rebuild-million: events per second, ${events.toLocaleString('en')} events of made-up people`,
      results,
      goals: [
        { what: 'both, events per second', measured: perSecond(results), atLeast: 35_000, unit: '' },
        {
          what: 'both / COPY of the audit rows',
          measured: ratio(results, 'both read models', 'COPY of the audit rows'),
          atLeast: 0.35,
          unit: 'x',
        },
        {
          what: `rate of that at ${USUAL.toLocaleString('en')}`,
          measured: perSecond(results) / perSecond(usual.results),
          atLeast: 0.8,
          unit: 'x',
        },
        { what: 'resident memory, MB', measured: rssMb, atMost: 400, unit: '' },
      ],
    },
  ]
}

async function measure(bench: Bench, size: number) {
  const place = await openRebuildPlace(bench, size)
  const { events } = place
  let [rssMb, cpuUs] = [0, 0]
  try {
    const results = await inTurns(
      [
        {
          name: 'both read models',
          async measure() {
            const before = process.cpuUsage()
            const sampling = setInterval(() => {
              rssMb = Math.max(rssMb, process.memoryUsage.rss() / 2 ** 20)
            }, 100)
            const seconds = await place.rebuild()
            clearInterval(sampling)
            const { user, system } = process.cpuUsage(before)
            cpuUs = (user + system) / events
            return events / seconds
          },
        },
        { name: 'COPY of the audit rows', measure: async () => events / (await place.copy()) },
      ],
      bench.repeats,
    )
    return { results, rssMb, cpuUs, events }
  } finally {
    await place.close()
  }
}

/** Once: a repeat would take minutes. */
async function measureEmmett({ server, log }: Bench) {
  const { connection } = await server.createDatabase()
  const place = await openPlace({ connection, url: '' }, log)
  const store = await openPostgresEventStore({ connection, log })
  const emmett = await openEmmettRebuild(await server.createDatabase(), await someHistory(store, place.vault))
  try {
    const results = []
    for (const batch of [100, 1_000]) {
      const perSecond = await emmett.rebuild(batch)
      const name = `emmett-postgresql, batches of ${batch.toLocaleString('en')}`
      results.push({ name, median: perSecond, lowest: perSecond, highest: perSecond })
    }
    return results
  } finally {
    await emmett.close()
    await store.close()
    await place.close()
  }
}

async function someHistory(store: EventStore, vault: Parameters<typeof makeUp>[1]): Promise<readonly RecordedEvent[]> {
  await makeUp(store, vault, BESIDE_EMMETT)
  const events: RecordedEvent[] = []
  for await (const event of readLog(store, 'start', new AbortController().signal)) events.push(event)
  return events
}

interface RebuildPlace {
  readonly events: number
  /** Both read models, until the views show them. Seconds. */
  rebuild(): Promise<number>
  /** The rows of the audit log into an empty table without indexes, from memory. Seconds. */
  copy(): Promise<number>
  close(): Promise<void>
}

export async function openRebuildPlace(
  { server, log }: Pick<Bench, 'server' | 'log'>,
  size: number,
): Promise<RebuildPlace> {
  const database = await server.createDatabase()
  const place = await openPlace(database, log)
  const { pool, vault } = place
  const notifications = new Notifications(database.connection, log)
  const store = await openPostgresEventStore({ connection: database.connection, notifications, log })
  const run = () => {
    const parts = { store, pool, notifications, owner: 'bench', log, isForNewer }
    const decodeFor = openForProjections(vault)
    return readModels.map((readModel) =>
      runProjection({ ...readModel, ...parts, decode: decodeFor(readModel.projection) }),
    )
  }
  const during = async (done: () => Promise<boolean>): Promise<number> => {
    const began = performance.now()
    const running = run()
    while (!(await done())) await new Promise((next) => setTimeout(next, 20))
    const seconds = (performance.now() - began) / 1_000
    await Promise.all(running.map((one) => one.stop()))
    return seconds
  }
  const events = await makeUp(store, vault, size)
  await pool.query('vacuum analyze store.events')
  await registerProjections(pool, projections)
  const head = await store.tail()
  await during(async () => (await listBuilds(pool)).filter(({ position }) => position === head).length === 2)
  return {
    events,
    async rebuild() {
      // Keys and whatever else the build before has left in memory are no part of it.
      vault.evictAll()
      for (const projection of projections) await requestRebuild(pool, projection)
      return during(async () => (await listBuilds(pool)).every(({ stage }) => stage === 'live' || stage === 'kept'))
    },
    async copy() {
      const client = await pool.connect()
      try {
        const rows: Buffer[] = []
        for await (const piece of client.query(copyTo('copy (select * from read.auditlog) to stdout'))) rows.push(piece)
        await client.query('create table read.bare as select * from read.auditlog limit 0')
        const began = performance.now()
        await pipeline(Readable.from(rows), client.query(copyFrom('copy read.bare from stdin')))
        const seconds = (performance.now() - began) / 1_000
        await client.query('drop table read.bare')
        return seconds
      } finally {
        client.release()
      }
    },
    async close() {
      await store.close()
      await notifications.close()
      await place.close()
    },
  }
}
