/** What appends events, each behind the same small face. */
import pg from 'pg'
import type { Logger } from 'pino'
import { openEventStore } from '../../src/event-store/open.ts'
import type { EventStore } from '../../src/event-store/port.ts'
import type { BenchDatabase } from '../lib/database.ts'
import { someEvent, someEvents } from '../lib/events.ts'
import { importPeer } from '../lib/peers.ts'

/** Streams per caller, so that streams grow but none is written by two callers at once. */
const STREAMS = 100

export interface Appender {
  /** Appends `count` events to the next of the caller's streams, at the revision the caller expects. */
  readonly append: (caller: number, count: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** Through the port, PostgreSQL or EventStoreDB. */
export async function ourAppender(place: BenchDatabase['connection'] | string, log: Logger): Promise<Appender> {
  const store: EventStore = await openEventStore({ place, log })
  const streams = streamsOf<bigint | 'none'>('none')
  return {
    async append(caller, count) {
      const stream = streams(caller)
      const { revision } = await store.append(stream.name, someEvents(count), stream.version)
      stream.version = revision
    },
    close: () => store.close(),
  }
}

export interface Emmett {
  getPostgreSQLEventStore(
    connectionString: string,
    options: { readonly connectionOptions: { readonly pool: pg.Pool } },
  ): {
    readonly schema: { migrate(): Promise<unknown> }
    appendToStream(
      stream: string,
      events: readonly { readonly type: string; readonly data: unknown; readonly metadata: unknown }[],
      options: { readonly expectedStreamVersion: bigint | 'STREAM_DOES_NOT_EXIST' },
    ): Promise<{ readonly nextExpectedStreamVersion: bigint }>
    close(): Promise<void>
  }
}

/** emmett-postgresql with a pool of its caller's size; it too is told the version it has to find. */
export async function emmettAppender(database: BenchDatabase, connections: number): Promise<Appender> {
  const { getPostgreSQLEventStore } = await importPeer<Emmett>('@event-driven-io/emmett-postgresql')
  const pool = new pg.Pool({ ...database.connection, max: connections })
  const store = getPostgreSQLEventStore(database.url, { connectionOptions: { pool } })
  await store.schema.migrate()
  const streams = streamsOf<bigint | 'STREAM_DOES_NOT_EXIST'>('STREAM_DOES_NOT_EXIST')
  return {
    async append(caller, count) {
      const stream = streams(caller)
      const events = someEvents(count).map(({ type, data, metadata }) => ({ type, data, metadata }))
      const appended = await store.appendToStream(stream.name, events, { expectedStreamVersion: stream.version })
      stream.version = appended.nextExpectedStreamVersion
    },
    async close() {
      await store.close()
      await pool.end()
    },
  }
}

/**
 * What PostgreSQL gives at most to who inserts row by row: a plain table with an index on user and number, prepared
 * statements, autocommit. It checks no revision and has no order that readers could follow.
 */
export async function insertCeiling(database: BenchDatabase, connections: number): Promise<Appender> {
  const pool = new pg.Pool({ ...database.connection, max: connections })
  await pool.query('create table plain (id bigserial primary key, user_id text, type text, data text, metadata text)')
  await pool.query('create index on plain (user_id, id)')
  const streams = streamsOf(null)
  return {
    async append(caller) {
      const { type, data, metadata } = someEvent()
      await pool.query({
        name: 'insert',
        text: 'insert into plain (user_id, type, data, metadata) values ($1, $2, $3, $4)',
        values: [streams(caller).name, type, JSON.stringify(data), JSON.stringify(metadata)],
      })
    },
    close: () => pool.end(),
  }
}

interface Stream<Version> {
  readonly name: string
  version: Version
}

function streamsOf<Version>(fresh: Version): (caller: number) => Stream<Version> {
  const byCaller = new Map<number, { next: number; readonly streams: Stream<Version>[] }>()
  return (caller) => {
    const own = byCaller.get(caller) ?? {
      next: 0,
      streams: Array.from({ length: STREAMS }, (_, i) => ({ name: `user-${caller}-${i}`, version: fresh })),
    }
    byCaller.set(caller, own)
    const stream = own.streams[own.next++ % STREAMS]
    if (stream === undefined) throw new Error('a caller has streams')
    return stream
  }
}
