/** One of several writing processes: a job says what to append, the answer that all of it is acknowledged. */
import pino from 'pino'
import { openEventStore } from '../../src/event-store/open.ts'
import type { BenchDatabase } from '../lib/database.ts'
import { someEvent } from '../lib/events.ts'

export interface AppendJob {
  readonly place: BenchDatabase['connection'] | string
  /** Of the streams, one per caller, which no other process may write. */
  readonly name: string
  readonly callers: number
  readonly eventsPerCaller: number
}

const run = async ({ place, name, callers, eventsPerCaller }: AppendJob): Promise<void> => {
  const store = await openEventStore({ place, log: pino({ level: 'error' }) })
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      for (let i = 0; i < eventsPerCaller; i++) {
        await store.append(`${name}-${caller}`, [someEvent()], i === 0 ? 'none' : BigInt(i - 1))
      }
    }),
  )
  await store.close()
}

process.on('message', (job: AppendJob) => {
  // An error ends the process, and with it the benchmark.
  run(job).then(() => process.send?.('done'))
})
