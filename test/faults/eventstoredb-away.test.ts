import { randomUUID } from 'node:crypto'
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
})
