/** emmett-postgresql building two tables like ours from as many events, by its own rebuild and in SQL of its own kind. */
import pg from 'pg'
import { readAccountEvent } from '../../src/account/upcast.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import type { BenchDatabase } from '../lib/database.ts'
import { importPeer } from '../lib/peers.ts'
import type { Emmett } from './appenders.ts'

interface EmmettEvent {
  readonly type: string
  readonly data: { readonly sessionId?: string }
  readonly metadata: {
    readonly messageId: string
    readonly streamName: string
    readonly occurredAt: string
    readonly client: object | null
  }
}

interface EmmettWithProjections extends Emmett {
  postgreSQLRawBatchSQLProjection(definition: {
    readonly name: string
    readonly canHandle: readonly string[]
    readonly evolve: (events: readonly EmmettEvent[]) => readonly unknown[]
  }): unknown
  rebuildPostgreSQLProjections(options: {
    readonly connectionString: string
    readonly projections: readonly unknown[]
    readonly pulling: { readonly batchSize: number }
  }): { start(): Promise<unknown>; close(): Promise<unknown> }
}

interface Dumbo {
  SQL(strings: TemplateStringsArray, ...values: readonly unknown[]): unknown
}

export interface EmmettRebuild {
  /** Events per second. */
  rebuild(batchSize: number): Promise<number>
  close(): Promise<void>
}

/** It is spared the boxes: it gets the events open, and opens nothing. */
export async function openEmmettRebuild(
  database: BenchDatabase,
  events: readonly RecordedEvent[],
): Promise<EmmettRebuild> {
  const { getPostgreSQLEventStore, postgreSQLRawBatchSQLProjection, rebuildPostgreSQLProjections } =
    await importPeer<EmmettWithProjections>('@event-driven-io/emmett-postgresql')
  const { SQL } = await importPeer<Dumbo>('@event-driven-io/dumbo')
  const pool = new pg.Pool({ ...database.connection, max: 8 })
  const store = getPostgreSQLEventStore(database.url, { connectionOptions: { pool } })
  await store.schema.migrate()
  await pool.query(`
    create table audit (id text primary key, user_id text, code text, occurred_at timestamptz, client text, data text);
    create index on audit (user_id);
    create table session (id text primary key, user_id text, signed_in_at timestamptz, ended_by text)`)
  const byStream = new Map<string, RecordedEvent[]>()
  for (const event of events) byStream.set(event.stream, [...(byStream.get(event.stream) ?? []), event])
  for (const [stream, own] of byStream) {
    const written = own.map((event) => {
      const { type, data, metadata } = readAccountEvent(event)
      return { type, data, metadata }
    })
    await store.appendToStream(stream, written, { expectedStreamVersion: 'STREAM_DOES_NOT_EXIST' })
  }
  const types = [...new Set(events.map(({ type }) => type))]
  const audit = postgreSQLRawBatchSQLProjection({
    name: 'audit',
    canHandle: types,
    evolve: (batch) =>
      batch.map(({ type, data, metadata: { messageId, streamName, occurredAt, client } }) => {
        const [told, who] = [JSON.stringify(data), JSON.stringify(client)]
        return SQL`insert into audit values (${messageId}, ${streamName}, ${type}, ${occurredAt}, ${who}, ${told})`
      }),
  })
  const sessions = postgreSQLRawBatchSQLProjection({
    name: 'sessions',
    canHandle: ['user:logged_in', ...ENDINGS],
    evolve: (batch) =>
      batch.map(({ type, data, metadata: { streamName, occurredAt } }) =>
        type === 'user:logged_in'
          ? SQL`insert into session values (${data.sessionId}, ${streamName}, ${occurredAt}, null)`
          : SQL`update session set ended_by = ${type} where id = ${data.sessionId}`,
      ),
  })
  return {
    async rebuild(batchSize) {
      // Its checkpoints too: where they stand at the end it would find nothing to do.
      await pool.query('truncate audit, session; delete from emt_processors')
      const projections = [audit, sessions]
      const pulling = { batchSize }
      const consumer = rebuildPostgreSQLProjections({ connectionString: database.url, projections, pulling })
      const began = performance.now()
      await consumer.start()
      const seconds = (performance.now() - began) / 1_000
      await consumer.close()
      const { rows } = await pool.query<{ count: string }>('select count(*)::text as count from audit')
      if (Number(rows[0]?.count) !== events.length) throw new Error('emmett did not build all rows')
      return events.length / seconds
    },
    async close() {
      await store.close()
      await pool.end()
    },
  }
}

const ENDINGS = ['user:logged_out', 'user.session:revoked', 'user.session:ended', 'user.session:expired']
