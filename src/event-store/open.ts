import type { Logger } from 'pino'
import type { Notifications } from '../platform/notifications.ts'
import type { PostgresConnection } from '../platform/postgres.ts'
import type { EventStore } from './port.ts'
import { openPostgresEventStore } from './postgres.ts'

export interface EventStorePlace {
  /** `esdb://` and `esdb+discover://` are EventStoreDB; `postgres://`, or a connection, is PostgreSQL. */
  readonly place: string | PostgresConnection
  /** The process's listener on that PostgreSQL database, where it has one already. EventStoreDB needs none. */
  readonly notifications?: Notifications
  readonly log: Logger
  /** Of PostgreSQL: see PostgresEventStoreOptions. EventStoreDB takes each append by itself. */
  readonly observeAppend?: (batch: { readonly appends: number; readonly events: number }) => void
}

/** Opens the event store that is there. Throws as the one it opens: see the two. */
export async function openEventStore({ place, ...rest }: EventStorePlace): Promise<EventStore> {
  if (typeof place !== 'string') return openPostgresEventStore({ connection: place, ...rest })
  if (/^esdb(\+discover)?:/.test(place)) {
    // To load its client would take a sixth of the time of a start, also for those who have none.
    const { openEventStoreDbEventStore } = await import('./eventstoredb.ts')
    return openEventStoreDbEventStore({ connectionString: place, log: rest.log })
  }
  return openPostgresEventStore({ connection: { connectionString: place }, ...rest })
}
