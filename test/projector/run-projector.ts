import { pino } from 'pino'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import { Notifications } from '../../src/platform/notifications.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { runProjection } from '../../src/projector/projector.ts'
import { fillStory, ledger } from './ledger.ts'

/** A process that projects the same story each time, to be killed: `run-projector.ts <connection as JSON> <events>`. */
const [connectionText = '', events = '0'] = process.argv.slice(2)
const connection = JSON.parse(connectionText)
const log = pino({ level: 'silent' })
const store = new MemoryEventStore()
await fillStory(store, Number(events))
runProjection({
  projection: ledger,
  store,
  decode: async (event) => event,
  pool: openPool(connection, { applicationName: 'projector to be killed', max: 3, log }),
  notifications: new Notifications(connection, log),
  owner: `child ${process.pid}`,
  log,
  batchSize: 3,
  bulkSize: 20,
  leaseSeconds: 0.5,
})
