import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import pino from 'pino'
import { openPostgresEventStore } from '../../src/event-store/postgres.ts'

// A process that appends: to `streams` streams at once, `perStream` events to each (0: until it is killed), and reports
// on stdout each append that was acknowledged: its stream, revision, event id.
const [connection = '', name = '', streams = '1', perStream = '0'] = process.argv.slice(2)
const store = await openPostgresEventStore({ connection: JSON.parse(connection), log: pino({ level: 'silent' }) })

// Begins when it is told to: processes take their time to start, and it is while they write together that counts.
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.destroy()

await Promise.all(
  Array.from({ length: Number(streams) }, async (_, i) => {
    const stream = `${name}-${i}`
    for (let revision = 0n; perStream === '0' || revision < BigInt(perStream); revision++) {
      const id = randomUUID()
      await store.append(
        stream,
        [{ id, type: 'test:happened', data: {}, metadata: {} }],
        revision === 0n ? 'none' : revision - 1n,
      )
      process.stdout.write(`${stream} ${revision} ${id}\n`)
    }
  }),
)
await store.close()
