/** Building both read models anew from the first event on, beside emmett-postgresql and beside a bare COPY of the rows. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import type { RecordedEvent } from '../src/event-store/port.ts'
import { openPostgresEventStore } from '../src/event-store/postgres.ts'
import { readLog } from '../src/replay/read-log.ts'
import { openEmmettRebuild } from './contenders/emmett-rebuild.ts'
import { makeUp } from './contenders/made-up.ts'
import type { RebuildAnswer, RebuildJob } from './contenders/rebuild-process.ts'
import type { Bench, Benchmark } from './lib/bench.ts'
import { startWorker } from './lib/processes.ts'
import { ratio } from './lib/report.ts'
import { inTurns, type Result } from './lib/rounds.ts'
import { openVaultOf } from './lib/vault.ts'

/** emmett slows as its log grows; of more it would be measured for an hour. */
const BESIDE_EMMETT = 60_000
const EMMETT_REPEATS = 3
const USUAL = 100_000
const MILLION = 1_000_000

const BUILT = 'both read models, with keys and indexes'
const FLIPPED = 'the same, compared with the live ones and flipped'
const COPY = 'COPY of the audit rows'
const EMMETT_100 = 'emmett-postgresql, batches of 100'
const EMMETT_1000 = 'emmett-postgresql, batches of 1,000'

export const rebuild: Benchmark = async (bench) => {
  const beside = await besideEmmett(bench)
  const usual = await measure(bench, USUAL)
  return [
    {
      title: `rebuild: events per second, the same ${beside.events.toLocaleString('en')} events`,
      notes: [
        'Ours opens the personal boxes, makes keys and indexes, compares with the live read models and flips. emmett has ' +
          'nothing to open and nothing to compare.',
      ],
      results: beside.results,
      goals: [
        {
          what: 'flipped / emmett, batches of 100',
          ...over(beside.results, FLIPPED, EMMETT_100),
          atLeast: 20,
          unit: 'x',
        },
        {
          what: 'flipped / emmett, batches of 1,000',
          ...over(beside.results, FLIPPED, EMMETT_1000),
          atLeast: 12,
          unit: 'x',
        },
      ],
    },
    {
      title: `rebuild: events per second, ${usual.events.toLocaleString('en')} events of made-up people`,
      notes: [aboutProcess(usual)],
      results: usual.results,
      goals: [
        { what: 'built / COPY of the audit rows', ...over(usual.results, BUILT, COPY), atLeast: 0.35, unit: 'x' },
      ],
    },
  ]
}

/** Making up a million events alone takes minutes. */
export const rebuildMillion: Benchmark = async (bench) => {
  const usual = await measure(bench, USUAL)
  const million = await measure(bench, MILLION)
  const rate = ({ results }: Measured, name: string) => results.find((result) => result.name === name)?.median ?? 0
  return [
    {
      title: `rebuild-million: events per second, ${million.events.toLocaleString('en')} events of made-up people`,
      notes: [aboutProcess(million)],
      results: million.results,
      goals: [
        { what: 'built, events per second', measured: rate(million, BUILT), atLeast: 35_000, unit: '' },
        { what: 'built / COPY of the audit rows', ...over(million.results, BUILT, COPY), atLeast: 0.35, unit: 'x' },
        {
          what: `built, rate of that at ${USUAL.toLocaleString('en')}`,
          measured: rate(million, BUILT) / rate(usual, BUILT),
          atLeast: 0.8,
          unit: 'x',
        },
        { what: 'resident memory of the process, MB', measured: million.peakRssMb, atMost: 400, unit: '' },
      ],
    },
  ]
}

const over = (results: readonly Result[], one: string, other: string) => ({ measured: ratio(results, one, other) })

interface Measured {
  readonly events: number
  readonly results: readonly Result[]
  readonly cpuUs: number
  readonly peakRssMb: number
}

const aboutProcess = ({ cpuUs, peakRssMb }: Measured): string =>
  `A process by itself, as \`npm run rebuild\` is: ${cpuUs.toFixed(0)} microseconds of processor an event for both, at most ` +
  `${peakRssMb.toFixed(0)} MB resident.`

async function measure(bench: Bench, size: number): Promise<Measured> {
  const place = await openRebuildPlace(bench, size)
  const { events } = place
  let last: RebuildAnswer | undefined
  const flipped: number[] = []
  try {
    const results = await inTurns(
      [
        {
          name: BUILT,
          async measure() {
            last = await place.rebuild()
            flipped.push(events / last.flippedSeconds)
            return events / last.builtSeconds
          },
        },
        // Of the same rebuild.
        { name: FLIPPED, measure: async () => flipped.at(-1) ?? 0 },
        { name: COPY, measure: async () => events / (await place.copy()) },
      ],
      bench.repeats,
    )
    const { cpuSeconds = 0, peakRssMb = 0 } = last ?? {}
    return { events, results, cpuUs: (cpuSeconds * 1e6) / events, peakRssMb }
  } finally {
    await place.close()
  }
}

async function besideEmmett(bench: Bench): Promise<{ readonly events: number; readonly results: readonly Result[] }> {
  const place = await openRebuildPlace(bench, BESIDE_EMMETT)
  const emmett = await openEmmettRebuild(await bench.server.createDatabase(), await place.history())
  try {
    const results = await inTurns(
      [
        { name: FLIPPED, measure: async () => place.events / (await place.rebuild()).flippedSeconds },
        { name: EMMETT_100, measure: () => emmett.rebuild(100) },
        { name: EMMETT_1000, measure: () => emmett.rebuild(1_000) },
      ],
      Math.min(bench.repeats, EMMETT_REPEATS),
    )
    return { events: place.events, results }
  } finally {
    await emmett.close()
    await place.close()
  }
}

interface RebuildPlace {
  readonly events: number
  history(): Promise<readonly RecordedEvent[]>
  /** Both read models, in the process that has done so before. */
  rebuild(): Promise<RebuildAnswer>
  /** The rows of the audit log into an empty table without indexes, from memory. Seconds. */
  copy(): Promise<number>
  close(): Promise<void>
}

async function openRebuildPlace({ server, log }: Pick<Bench, 'server' | 'log'>, size: number): Promise<RebuildPlace> {
  const { connection } = await server.createDatabase()
  const { pool, vault, close } = await openVaultOf(connection, log)
  const store = await openPostgresEventStore({ connection, log })
  const events = await makeUp(store, vault, size)
  await pool.query('vacuum analyze store.events')
  const worker = startWorker<RebuildJob, RebuildAnswer>('bench/contenders/rebuild-process.ts')
  await worker.do({ connection, kind: 'first' })
  return {
    events,
    async history() {
      const history: RecordedEvent[] = []
      for await (const event of readLog(store, 'start', new AbortController().signal)) history.push(event)
      return history
    },
    rebuild: () => worker.do({ connection, kind: 'again' }),
    copy: () => bareCopy(pool),
    async close() {
      await worker.stop()
      await store.close()
      await close()
    },
  }
}

async function bareCopy(pool: pg.Pool): Promise<number> {
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
}
