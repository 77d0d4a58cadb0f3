import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EventStoreDbFixture, startEventStoreDbFixture } from '../event-store/eventstoredb/server.ts'
import { createDatabase } from '../support/postgres.ts'
import { PASSWORD, someEmail, startServer, type TestDatabase } from '../support/server.ts'

describe('a server restarted on another event store than the one its read models were built from', () => {
  let database: TestDatabase
  let own: EventStoreDbFixture
  let other: EventStoreDbFixture

  beforeAll(async () => {
    database = await createDatabase()
    own = await startEventStoreDbFixture()
    other = await startEventStoreDbFixture()
  })
  afterAll(async () => {
    await own.stop()
    await other.stop()
    await database.drop()
  })

  it('answers projection-halted instead of rows of two histories, and works again on its own store', async () => {
    const email = someEmail()
    const first = await startServer({ database: { ...database, eventStore: own } })
    const browser = first.browser()
    await browser.register(email, PASSWORD)
    await browser.logIn(email, PASSWORD)
    expect((await browser.get('/v1/me/sessions')).status).toBe(200)
    await first.stop()

    const astray = await startServer({ database: { ...database, eventStore: other } })
    await expect
      .poll(async () => (await astray.browser().get('/readyz')).body, { timeout: 15_000 })
      .toMatchObject({ status: 503, code: 'projection-halted' })
    // The new store takes commands, and its positions are below the checkpoint: what was asked for looks reached.
    const stranger = astray.browser()
    const strange = someEmail()
    expect((await stranger.register(strange, PASSWORD)).status).toBe(201)
    expect((await stranger.logIn(strange, PASSWORD)).status).toBe(200)
    for (const path of ['/v1/me/sessions', '/v1/me/audit-events']) {
      expect((await stranger.get(path)).body).toMatchObject({ status: 503, code: 'projection-halted' })
    }
    await astray.stop()

    const back = await startServer({ database: { ...database, eventStore: own } })
    const again = back.browser()
    expect((await again.logIn(email, PASSWORD)).status).toBe(200)
    // The halt ends once a projector has found the event of its checkpoint.
    await expect.poll(async () => (await again.get('/v1/me/sessions')).status, { timeout: 15_000 }).toBe(200)
    const { body } = await again.get('/v1/me/sessions')
    expect((body as { items: unknown[] }).items).toHaveLength(2)
    await expect.poll(async () => (await again.get('/readyz')).status, { timeout: 15_000 }).toBe(200)
    await back.stop()
  }, 60_000)
})
