import pg from 'pg'
import { openPostgresEventStore } from '../../src/event-store/postgres.ts'
import { createDatabase } from '../support/postgres.ts'
import { describeEventStore } from './contract.ts'
import { silent } from './helpers.ts'
import { PostgresProxy } from './proxy.ts'

describeEventStore('postgres', ['corruptEvent', 'disconnect', 'loseNextAnswer'], async () => {
  const database = await createDatabase()
  const proxy = await PostgresProxy.start(database.connection)
  return {
    open: () => openPostgresEventStore({ connection: proxy.connection, log: silent }),
    faults: {
      corruptEvent: async (stream, revision) => {
        const client = new pg.Client(database.connection)
        await client.connect()
        await client.query('alter table store.events disable trigger append_only')
        await client.query(`update store.events set data = '{"cut off":' where stream = $1 and revision = $2`, [
          stream,
          revision,
        ])
        await client.query('alter table store.events enable trigger append_only')
        await client.end()
      },
      disconnect: async () => proxy.cut(),
      // The name of the prepared statement, which every execution carries.
      loseNextAnswer: () => proxy.loseAnswerTo('append'),
    },
    close: async () => {
      await proxy.close()
      await database.drop()
    },
  }
})
