/** A process that uses a store in every way and closes it: `client-process.ts <connection string>`. It must then end. */
import { openEventStoreDbEventStore } from '../../../src/event-store/eventstoredb.ts'
import { newEvents, newStream, readAll, Subscriber, silent } from '../helpers.ts'

const store = await openEventStoreDbEventStore({ connectionString: process.argv[2] ?? '', log: silent })
const subscriber = new Subscriber(store, 'start')
const stream = newStream()
await store.append(stream, newEvents(2), 'none')
await readAll(store, stream)
await subscriber.untilSeen(2)
await store.close()
process.stdout.write('closed\n')
