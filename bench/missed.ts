/** Does a subscriber beside many writers see every event? And does a naive reader? */
import pg from 'pg'
import type { Logger } from 'pino'
import { openEventStore } from '../src/event-store/open.ts'
import type { AppendJob } from './contenders/append-process.ts'
import type { Benchmark } from './lib/bench.ts'
import type { BenchDatabase } from './lib/database.ts'
import { startProgram, startWorker } from './lib/processes.ts'

const WRITERS = 16
/** Strongroom puts the appends of one process into one transaction: only several processes write at the same time. */
const PROCESSES = 4
const EVENTS = 50_000
/** The fixture is slow, and a stand-in. */
const EVENTS_ON_FIXTURE = 8_000
const FIXTURE = 'test/event-store/eventstoredb/run-server.ts'

export const missed: Benchmark = async ({ server, log }) => {
  const fixture = await startProgram(FIXTURE, [])
  try {
    const ours = await missedByOurs((await server.createDatabase()).connection, EVENTS, log)
    const stoodIn = await missedByOurs(fixture.at, EVENTS_ON_FIXTURE, log)
    const naive = await missedByNaive(await server.createDatabase())
    const row = (name: string, count: number, of = EVENTS) => [
      name,
      String(count),
      of.toLocaleString('en'),
      `${((count / of) * 100).toFixed(1)} %`,
    ]
    return [
      {
        title: `missed: events that a subscriber never saw beside ${WRITERS} writers`,
        notes: [
          `Ours: ${PROCESSES} processes with ${WRITERS / PROCESSES} writers each, the subscriber in one more. Naive: ` +
            '`where position > last order by position` over a sequence, one INSERT per transaction.',
        ],
        table: [
          ['subscriber', 'missed', 'of', 'share'],
          row('ours', ours),
          row('ours, EventStoreDB fixture', stoodIn, EVENTS_ON_FIXTURE),
          row('naive', naive),
        ],
        goals: [{ what: 'missed by ours', measured: ours + stoodIn, atMost: 0, unit: '' }],
      },
    ]
  } finally {
    await fixture.stop()
  }
}

async function missedByOurs(place: BenchDatabase['connection'] | string, events: number, log: Logger): Promise<number> {
  const store = await openEventStore({ place, log })
  const done = new AbortController()
  const seen = new Set<string>()
  let positions = -1n
  let written = false
  const reading = (async () => {
    for await (const message of store.subscribe('start', done.signal)) {
      if (message.kind === 'caughtUp') {
        if (written && seen.size > 0) return
        continue
      }
      for (const event of message.events) {
        if (event.position <= positions) throw new Error(`position ${event.position} came after ${positions}`)
        positions = event.position
        seen.add(event.id)
      }
      if (seen.size === events) return
    }
  })()
  const processes = Array.from({ length: PROCESSES }, () =>
    startWorker<AppendJob, 'done'>('bench/contenders/append-process.ts'),
  )
  const callers = WRITERS / PROCESSES
  const jobs = processes.map((each, i) =>
    each.do({ place, name: `writer-${i}`, callers, eventsPerCaller: events / WRITERS }),
  )
  await Promise.all(jobs)
  for (const each of processes) await each.stop()
  written = true
  // One more append: where something was missed, the subscriber catches up once more after all was written.
  const last = { id: crypto.randomUUID(), type: 'bench:end', data: {}, metadata: {} }
  if (seen.size < events) await store.append('end', [last], 'none')
  await reading
  seen.delete(last.id)
  done.abort()
  await store.close()
  return events - seen.size
}

async function missedByNaive(database: BenchDatabase): Promise<number> {
  const pool = new pg.Pool({ ...database.connection, max: WRITERS + 1 })
  await pool.query('create table naive (position bigserial primary key, data text)')
  let written = false
  const seen = new Set<string>()
  const reading = (async () => {
    let last = '0'
    for (;;) {
      const finished = written
      const { rows } = await pool.query<{ position: string }>(
        'select position from naive where position > $1 order by position limit 1000',
        [last],
      )
      for (const { position } of rows) seen.add(position)
      last = rows.at(-1)?.position ?? last
      if (finished && rows.length === 0) return
    }
  })()
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      for (let i = 0; i < EVENTS / WRITERS; i++) {
        await pool.query({ name: 'insert', text: 'insert into naive (data) values ($1)', values: ['x'.repeat(450)] })
      }
    }),
  )
  written = true
  await reading
  await pool.end()
  return EVENTS - seen.size
}
