import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EventStoreDbFixture, startEventStoreDbFixture } from '../event-store/eventstoredb/server.ts'
import { createDatabase } from '../support/postgres.ts'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'

describe('EventStoreDB goes away under a running server', () => {
  let fixture: EventStoreDbFixture
  let server: TestServer

  beforeAll(async () => {
    fixture = await startEventStoreDbFixture()
    const database = await createDatabase()
    server = await startServer({ database: { ...database, eventStore: fixture } })
  })
  afterAll(async () => {
    const { database } = server
    await server.stop()
    await database.drop()
    await fixture.stop()
  })

  it('answers 503 meanwhile, leaves no half effect, and goes on without a restart', async () => {
    const email = someEmail()
    const browser = server.browser()
    expect((await browser.register(email, PASSWORD)).status).toBe(201)
    expect((await browser.logIn(email, PASSWORD)).status).toBe(200)
    const before = fixture.log.all.length

    await fixture.wire.goAway()
    for (const reply of [
      await browser.get('/v1/me'),
      await browser.delete(`/v1/me/sessions/${randomUUID()}`),
      await server.browser().logIn(email, PASSWORD),
      await server.browser().get('/readyz'),
    ]) {
      expect(reply.body).toMatchObject({ status: 503, code: 'store-unavailable' })
    }
    expect(fixture.log.all).toHaveLength(before)

    await fixture.wire.listen(fixture.port)
    await expect.poll(async () => (await browser.get('/v1/me')).status, { timeout: 15_000 }).toBe(200)
    expect((await server.browser().logIn(email, PASSWORD)).status).toBe(200)
    await expect
      .poll(() => eventCodes(), { timeout: 15_000 })
      .toEqual(fixture.log.all.map(({ type }) => type).reverse())

    async function eventCodes() {
      const { body } = await browser.get('/v1/me/audit-events')
      return ((body as { items?: { code: string }[] }).items ?? []).map(({ code }) => code)
    }
  }, 60_000)

  it('asks again for a lost answer in mid-command: the command happens once, and the caller is told so', async () => {
    const email = someEmail()
    const browser = server.browser()
    await browser.register(email, PASSWORD)
    for (const fault of ['dropBefore', 'dropAfter', 'abortedAfter'] as const) {
      const before = fixture.log.all.length
      fixture.faults.failNextAppend(fault)
      expect((await server.browser().logIn(email, PASSWORD)).status).toBe(200)
      expect(fixture.log.all.slice(before).map(({ type }) => type)).toEqual(['user:logged_in'])
    }
  }, 60_000)

  it('R14 a command under way when it goes away is answered 503, and is done whole or not at all', async () => {
    const [visitor, owner, other] = [server.browser(), server.browser(), server.browser()]
    const [visitorEmail, ownerEmail, next] = [someEmail(), someEmail(), 'eleven green umbrellas sing']
    await visitor.register(visitorEmail, PASSWORD)
    await owner.register(ownerEmail, PASSWORD)
    for (const device of [owner, other]) expect((await device.logIn(ownerEmail, PASSWORD)).status).toBe(200)
    const before = fixture.log.all.length
    const appends = () => fixture.calls.get('append') ?? 0

    // Its append never got there.
    let sent = appends()
    fixture.faults.failNextAppend('hangBefore')
    const logIn = visitor.logIn(visitorEmail, PASSWORD)
    await expect.poll(appends, { timeout: 15_000 }).toBe(sent + 1)
    // Its append was committed, and nobody could say so.
    sent = appends()
    fixture.faults.failNextAppend('hangAfter')
    const change = owner.put('/v1/me/password', { currentPassword: PASSWORD, newPassword: next })
    await expect.poll(appends, { timeout: 15_000 }).toBe(sent + 1)
    await fixture.wire.goAway()

    for (const reply of await Promise.all([logIn, change])) {
      expect(reply.body).toMatchObject({ status: 503, code: 'store-unavailable' })
      expect(reply.headers.get('Retry-After')).toMatch(/^\d+$/)
      expect(reply.headers.getSetCookie()).toEqual([])
    }
    // One append, whole: the change, and with it the end of both sessions that had the old password.
    const left = fixture.log.all.slice(before).map(({ type }) => type)
    expect(left.filter((type) => type === 'user.password:changed')).toHaveLength(1)
    expect(left).not.toContain('user:logged_in')

    await fixture.wire.listen(fixture.port)
    await expect.poll(async () => (await server.browser().get('/readyz')).status, { timeout: 15_000 }).toBe(200)
    expect((await visitor.get('/v1/me')).status).toBe(401)
    expect((await visitor.logIn(visitorEmail, PASSWORD)).status).toBe(200)
    for (const device of [owner, other]) expect((await device.get('/v1/me')).status).toBe(401)
    expect((await owner.logIn(ownerEmail, PASSWORD)).status).toBe(401)
    expect((await owner.logIn(ownerEmail, next)).status).toBe(200)
    expect(fixture.log.all.slice(before).filter(({ type }) => type === 'user.password:changed')).toHaveLength(1)
  }, 60_000)
})

describe('a server started before its EventStoreDB', () => {
  it('waits for it, and then is ready', async () => {
    const fixture = await startEventStoreDbFixture()
    const database = await createDatabase()
    await fixture.wire.goAway()
    const starting = startServer({ database: { ...database, eventStore: fixture }, env: { START_WAIT_SECONDS: '60' } })
    try {
      await expect.poll(() => hasLog(database.connection), { timeout: 30_000 }).toBe(true)
      await fixture.wire.listen(fixture.port)
      const server = await starting
      expect((await server.browser().get('/readyz')).status).toBe(200)
      await server.stop()
    } finally {
      await database.drop()
      await fixture.stop()
    }
  }, 90_000)
})

/** What a start makes just before it opens the event store. */
const hasLog = async (connection: pg.ClientConfig): Promise<boolean> => {
  const client = new pg.Client(connection)
  await client.connect()
  try {
    return (await client.query("select to_regclass('log.tree') as there")).rows[0]?.there !== null
  } finally {
    await client.end()
  }
}
