import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Notifications } from '../../src/platform/notifications.ts'
import { silent, until } from '../event-store/helpers.ts'
import { PostgresProxy } from '../event-store/proxy.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

describe('notifications', () => {
  let database: TestDatabase
  let proxy: PostgresProxy
  let sender: pg.Client
  let notifications: Notifications

  beforeAll(async () => {
    database = await createDatabase()
    proxy = await PostgresProxy.start(database.connection)
    sender = new pg.Client(database.connection)
    await sender.connect()
  })

  afterAll(async () => {
    await sender?.end()
    await proxy?.close()
    await database?.drop()
  })

  beforeEach(() => {
    notifications = new Notifications(proxy.connection, silent)
    return () => notifications.close()
  })

  const notify = (channel: string, payload: string) => sender.query('select pg_notify($1, $2)', [channel, payload])

  async function listener(channel: string) {
    const heard: (string | undefined)[] = []
    const stop = await notifications.listen(channel, (payload) => heard.push(payload))
    return { heard, stop }
  }

  it('brings each notification to every listener of its channel, over one connection', async () => {
    const [a1, a2, b] = [await listener('a'), await listener('a'), await listener('B "b"; x')]
    await until(() => b.heard.length > 0, 'it is connected')
    await notify('a', '1')
    await notify('a', '')
    await notify('B "b"; x', '2')
    await until(() => b.heard.includes('2'), 'the last has arrived')
    expect(a1.heard.filter((payload) => payload !== undefined)).toEqual(['1', ''])
    expect(a2.heard).toEqual(a1.heard)
    const { rows } = await sender.query(
      "select count(*)::int as n from pg_stat_activity where application_name = 'strongroom notifications' and datname = current_database()",
    )
    expect(rows).toEqual([{ n: 1 }])
  })

  it('hears what is sent once the promise has resolved', async () => {
    const first = await listener('first')
    await until(() => first.heard.length > 0, 'it is connected')
    for (let i = 0; i < 20; i++) {
      const next = await listener(`channel ${i}`)
      await notify(`channel ${i}`, 'x')
      await until(() => next.heard.includes('x'), 'it has arrived')
    }
  })

  it('stops when told so, for that listener only', async () => {
    const handler: (string | undefined)[] = []
    const push = (payload: string | undefined) => handler.push(payload)
    const stop = await notifications.listen('s', push)
    const other = await notifications.listen('s', push)
    await until(() => handler.length === 2, 'both are connected')
    stop()
    await notify('s', 'x')
    await until(() => handler.length === 3, 'one has heard')
    other()
    const last = await listener('s')
    await notify('s', 'y')
    await until(() => last.heard.includes('y'), 'the last has heard')
    expect(handler).toEqual([undefined, undefined, 'x'])
  })

  it('is not stopped by a handler that throws', async () => {
    await notifications.listen('t', () => {
      throw new Error('of the handler')
    })
    const { heard } = await listener('t')
    await until(() => heard.length > 0, 'it is connected')
    await notify('t', 'x')
    await until(() => heard.includes('x'), 'it has arrived')
  })

  it('reconnects by itself and tells every listener that it may have missed something', async () => {
    const [a, b] = [await listener('a'), await listener('b')]
    await until(() => a.heard.length > 0 && b.heard.length > 0, 'it is connected')
    for (let round = 2; round < 5; round++) {
      proxy.cut()
      await notify('a', 'missed, perhaps')
      const calls = (heard: readonly unknown[]) => heard.filter((payload) => payload === undefined).length
      await until(() => calls(a.heard) === round && calls(b.heard) === round, 'it has reconnected')
      await notify('b', `round ${round}`)
      await until(() => b.heard.includes(`round ${round}`), 'it has arrived')
    }
  })

  it('does not wait for a database that is away, and tells the listener once it is there', async () => {
    await proxy.goAway()
    const { heard } = await listener('later')
    expect(heard).toEqual([])
    await proxy.comeBack()
    await until(() => heard.length > 0, 'it is connected')
    await notify('later', 'x')
    await until(() => heard.includes('x'), 'it has arrived')
    expect(heard).toEqual([undefined, 'x'])
  })

  it('calls nobody after it was closed, and takes no more listeners', async () => {
    const { heard } = await listener('c')
    await until(() => heard.length > 0, 'it is connected')
    await notifications.close()
    await notify('c', 'x')
    await expect(notifications.listen('c', () => {})).rejects.toThrow('notifications are closed')
    expect(heard).toEqual([undefined])
    await notifications.close()
  })
})
