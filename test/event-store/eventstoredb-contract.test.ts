import { openEventStoreDbEventStore } from '../../src/event-store/eventstoredb.ts'
import { describeEventStore } from './contract.ts'
import { startEventStoreDbFixture } from './eventstoredb/server.ts'
import { silent } from './helpers.ts'

const REAL = process.env.EVENTSTOREDB_URL

const faults = ['deleteStream', 'corruptEvent', 'disconnect', 'loseNextAnswer'] as const

describeEventStore('eventstoredb (protocol fixture)', faults, async () => {
  const fixture = await startEventStoreDbFixture()
  return {
    open: () => openEventStoreDbEventStore({ connectionString: fixture.connectionString, log: silent }),
    faults: {
      deleteStream: async (stream) => fixture.log.tombstone(stream),
      corruptEvent: async (stream, revision) => fixture.log.corrupt(stream, revision),
      disconnect: async () => fixture.wire.cut(),
      loseNextAnswer: () => fixture.faults.failNextAppend('dropAfter'),
    },
    close: () => fixture.stop(),
  }
})

// A server may hold any history: nothing here deletes, and faults need a hand on the network.
if (REAL !== undefined && REAL !== '') {
  describeEventStore('eventstoredb (server of EVENTSTOREDB_URL)', [], async () => ({
    open: () => openEventStoreDbEventStore({ connectionString: REAL, log: silent }),
    faults: {},
    close: async () => {},
  }))
}
