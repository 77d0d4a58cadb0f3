import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventStore } from '../../src/event-store/port.ts'
import { openPostgresEventStore } from '../../src/event-store/postgres.ts'
import { EVENTS_CHANNEL } from '../../src/event-store/postgres-schema.ts'
import { Notifications } from '../../src/platform/notifications.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { errorOf, newEvent, newEvents, newStream, readAll, Subscriber, silent, until } from './helpers.ts'
import { PostgresProxy } from './proxy.ts'

describe('postgres event store', () => {
  let database: TestDatabase
  let store: EventStore
  let sql: pg.Client

  beforeAll(async () => {
    database = await createDatabase()
    store = await openPostgresEventStore({ connection: database.connection, log: silent })
    sql = new pg.Client(database.connection)
    await sql.connect()
  })

  afterAll(async () => {
    await sql?.end()
    await store?.close()
    await database?.drop()
  })

  it('writes the appends of concurrent callers in few transactions', async () => {
    const streams = Array.from({ length: 64 }, newStream)
    await Promise.all(streams.map((stream) => store.append(stream, [newEvent()], 'none')))
    // Each transaction takes the time once.
    const { rows } = await sql.query('select distinct recorded_at from store.events where stream = any($1)', [streams])
    expect(rows.length).toBeLessThanOrEqual(4)
  })

  it('tells winners, repeats and conflicts of one batch apart and numbers the winners without a gap', async () => {
    const [repeated, stale, ...fresh] = Array.from({ length: 5 }, newStream)
    if (!repeated || !stale) throw new Error('five streams')
    const events = newEvents(2)
    const first = await store.append(repeated, events, 'none')
    await store.append(stale, [newEvent()], 'none')
    const results = await Promise.allSettled([
      store.append(fresh[0] ?? '', newEvents(2), 'none'),
      store.append(repeated, events, 'none'),
      store.append(fresh[1] ?? '', newEvents(3), 'none'),
      store.append(stale, [newEvent()], 'none'),
      store.append(fresh[2] ?? '', newEvents(1), 'none'),
    ])
    const head = first.position + 1n
    expect(results).toMatchObject([
      { value: { revision: 1n, position: head + 2n } },
      { value: first },
      { value: { revision: 2n, position: head + 5n } },
      { reason: { name: 'WrongExpectedRevision', actual: 0n } },
      { value: { revision: 0n, position: head + 6n } },
    ])
  })

  it('lets an append that the database refuses fail without its neighbours', async () => {
    await sql.query(`
      create function pg_temp_refuse() returns trigger language plpgsql as $$
        begin if new.type = 'test:poison' then raise exception 'poison'; end if; return new; end $$;
      create trigger refuse before insert on store.events for each row execute function pg_temp_refuse()`)
    const streams = Array.from({ length: 10 }, newStream)
    const results = await Promise.allSettled(
      streams.map((stream, i) => store.append(stream, [newEvent({}, i === 4 ? { type: 'test:poison' } : {})], 'none')),
    )
    await sql.query('drop trigger refuse on store.events')
    for (const [i, stream] of streams.entries()) {
      expect(results[i]).toMatchObject(i === 4 ? { reason: { message: 'poison' } } : { status: 'fulfilled' })
      expect(await readAll(store, stream)).toHaveLength(i === 4 ? 0 : 1)
    }
  })

  it('shows a new event at once, not at the next poll', async () => {
    const subscriber = new Subscriber(store, 'end')
    await subscriber.untilCaughtUp()
    const start = performance.now()
    for (let i = 1; i <= 20; i++) {
      await store.append(newStream(), [newEvent()], 'none')
      await subscriber.untilSeen(i)
    }
    expect(performance.now() - start).toBeLessThan(4_000)
    await subscriber.stop()
  })

  it('says caughtUp once, however often it is woken for nothing', async () => {
    const subscriber = new Subscriber(store, 'end')
    await subscriber.untilCaughtUp()
    for (let i = 0; i < 10; i++) {
      await sql.query(`notify ${EVENTS_CHANNEL}, '0'`)
      await store.ping()
    }
    await store.append(newStream(), [newEvent()], 'none')
    await subscriber.untilSeen(1)
    await subscriber.untilCaughtUp(2)
    expect(subscriber.caughtUpAt).toEqual([0, 1])
    await subscriber.stop()
  })

  it('lets nobody change or remove an event', async () => {
    for (const change of ["update store.events set type = 'x'", 'delete from store.events', 'truncate store.events']) {
      await expect(sql.query(change)).rejects.toThrow('the events are append-only')
    }
  })

  it('never lets time run backwards in the order of positions', async () => {
    const stream = newStream()
    const { position } = await store.append(stream, [newEvent()], 'none')
    await sql.query(
      `insert into store.events select $1, stream, 1, id, type, data, metadata, now() + interval '1 hour'
       from store.events where stream = $2`,
      [position + 1n, stream],
    )
    await store.append(stream, [newEvent()], 1n)
    const [, future, after] = await readAll(store, stream)
    expect(after?.recordedAt).toEqual(future?.recordedAt)
  })

  it('goes on using its indexes when the table has grown since its plans were made', async () => {
    const own = await createDatabase()
    const growing = await openPostgresEventStore({ connection: own.connection, log: silent })
    const watch = new pg.Client(own.connection)
    await watch.connect()
    const scans = async () => {
      const { rows } = await watch.query(
        "select seq_scan::int as sequential, idx_scan::int as indexed from pg_stat_user_tables where relname = 'events'",
      )
      return rows[0] as { sequential: number; indexed: number }
    }
    const stream = newStream()
    await growing.append(stream, [newEvent()], 'none')
    // From here on the planner knows that the table is a single page, for which a scan is the cheapest of all.
    await watch.query('vacuum analyze store.events')
    for (let i = 1; i < 10; i++) await growing.append(stream, [newEvent()], BigInt(i - 1))
    for (let i = 0; i < 10; i++) await readAll(growing, stream, { from: 3n, limit: 2 })
    for (let i = 0; i < 5; i++) await growing.append(newStream(), newEvents(1_000), 'none')
    await watch.query('select pg_stat_reset()')
    const repeat = newEvents(2)
    await growing.append(stream, repeat, 9n)
    for (let i = 0; i < 20; i++) await growing.append(stream, repeat, 9n)
    for (let i = 0; i < 20; i++) await readAll(growing, stream, { from: 3n, limit: 2 })
    await growing.close()
    await until(async () => (await scans()).indexed > 100, 'the counters have arrived')
    expect((await scans()).sequential).toBe(0)
    await watch.end()
    await own.drop()
  })

  it('refuses to append where the order could not be kept', async () => {
    const own = await createDatabase()
    const name = 'database' in own.connection ? own.connection.database : ''
    await sql.query(`alter database ${name} set default_transaction_isolation = 'repeatable read'`)
    const strict = await openPostgresEventStore({ connection: own.connection, log: silent })
    await expect(strict.append(newStream(), [newEvent()], 'none')).rejects.toThrow('store.append needs READ COMMITTED')
    await strict.close()
    await own.drop()
  })

  it('flushes to disk what it acknowledges, whatever the default of the database', async () => {
    const own = await createDatabase()
    const name = 'database' in own.connection ? own.connection.database : ''
    await sql.query(`alter database ${name} set synchronous_commit = off`)
    const careful = await openPostgresEventStore({ connection: own.connection, log: silent })
    const client = new pg.Client(own.connection)
    await client.connect()
    await client.query(`
      create table seen (setting text);
      create function note() returns trigger language plpgsql as $$
        begin insert into seen values (current_setting('synchronous_commit')); return null; end $$;
      create trigger note after insert on store.events for each statement execute function note()`)
    await careful.append(newStream(), [newEvent()], 'none')
    expect((await client.query('select setting from seen')).rows).toEqual([{ setting: 'on' }])
    await client.end()
    await careful.close()
    await own.drop()
  })

  it('leaves a listener it was lent open when it closes', async () => {
    const notifications = new Notifications(database.connection, silent)
    const lent = await openPostgresEventStore({ connection: database.connection, notifications, log: silent })
    const subscriber = new Subscriber(lent, 'end')
    await subscriber.untilCaughtUp()
    await lent.close()
    await subscriber.stop()
    const heard: unknown[] = []
    await notifications.listen('test', (payload) => heard.push(payload))
    await sql.query("notify test, 'still here'")
    await until(() => heard.includes('still here'), 'the notification arrived')
    await notifications.close()
  })

  describe('with the database away', () => {
    let proxy: PostgresProxy
    let far: EventStore

    beforeAll(async () => {
      proxy = await PostgresProxy.start(database.connection)
      far = await openPostgresEventStore({ connection: proxy.connection, log: silent, statementTimeoutMs: 500 })
    })

    afterAll(async () => {
      await far?.close()
      await proxy?.close()
    })

    it('fails as StoreUnavailable with nothing committed, and works again without a restart', async () => {
      const stream = newStream()
      const subscriber = new Subscriber(far, 'end', (event) => event.stream === stream)
      await subscriber.untilCaughtUp()
      await far.append(stream, [newEvent()], 'none')
      await proxy.goAway()
      const late = new Subscriber(far, 'start', (event) => event.stream === stream)
      const away = { name: 'StoreUnavailable', outcome: 'notCommitted' }
      // The first may have been on its way when the connection broke.
      await errorOf(far.append(newStream(), [newEvent()], 'none'))
      expect(await errorOf(far.append(stream, [newEvent()], 0n))).toMatchObject(away)
      expect(await errorOf(readAll(far, stream))).toMatchObject(away)
      expect(await errorOf(far.ping())).toMatchObject(away)
      // Meanwhile another process, which can reach it, goes on.
      await store.append(stream, [newEvent()], 0n)
      await proxy.comeBack()
      await far.append(stream, [newEvent()], 1n)
      for (const one of [subscriber, late]) {
        await one.untilSeen(3)
        expect(one.seen.map(({ revision }) => revision)).toEqual([0n, 1n, 2n])
        await one.stop()
      }
    })

    it('turns a database that has fallen silent into an error of unknown outcome, and a subscription can still end', async () => {
      const stream = newStream()
      await far.append(stream, [newEvent()], 'none')
      const subscriber = new Subscriber(far, 'end')
      await subscriber.untilCaughtUp()
      proxy.setSilent(true)
      const hung = new Subscriber(far, 'start')
      expect(await errorOf(far.append(stream, [newEvent()], 0n))).toMatchObject({
        name: 'StoreUnavailable',
        outcome: 'unknown',
      })
      await Promise.all([subscriber.stop(), hung.stop()])
      proxy.setSilent(false)
      proxy.cut()
      await until(
        () =>
          far.append(stream, [newEvent()], 0n).then(
            () => true,
            () => false,
          ),
        'it works again',
      )
    })
  })
})
