import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'

describe('a process with ROLES=api and no projector anywhere', () => {
  let server: TestServer

  beforeAll(async () => {
    server = await startServer({ env: { ROLES: 'api', CONSISTENCY_WAIT_MS: '60000' } })
  })
  afterAll(() => server.stop())

  const signedIn = async () => {
    const email = someEmail()
    const [laptop, phone] = [server.browser(), server.browser()]
    await laptop.register(email, PASSWORD)
    const first = await laptop.logIn(email, PASSWORD)
    const second = await phone.logIn(email, PASSWORD)
    const idOf = (reply: typeof first) => (reply.body as { session: { id: string } }).session.id
    return {
      email,
      laptop,
      phone,
      laptopId: idOf(first),
      phoneId: idOf(second),
      token: second.headers.get('consistency-token') ?? '',
    }
  }

  it('is ready: readyz of an api process speaks of its stores only', async () => {
    expect((await server.browser().get('/readyz')).status).toBe(200)
  })

  it('signs in, and knows the session at once', async () => {
    const { laptop, email } = await signedIn()
    const { status, body } = await laptop.get('/v1/me')
    expect(status).toBe(200)
    expect(body).toMatchObject({ user: { email } })
    expect((await laptop.get('/v1/me/security')).body).toMatchObject({ activeSessions: 2 })
  })

  it('changes the password, and the change holds', async () => {
    const { laptop, phone, email } = await signedIn()
    const newPassword = 'eleven copper kettles sing'
    expect((await laptop.put('/v1/me/password', { currentPassword: PASSWORD, newPassword })).status).toBe(204)
    expect((await phone.get('/v1/me')).status).toBe(401)
    expect((await server.browser().logIn(email, PASSWORD)).status).toBe(401)
    expect((await server.browser().logIn(email, newPassword)).status).toBe(200)
  })

  it('revokes a session, and the revoke holds', async () => {
    const { laptop, phone, phoneId } = await signedIn()
    expect((await laptop.delete(`/v1/me/sessions/${phoneId}`)).status).toBe(204)
    expect((await phone.get('/v1/me')).body).toMatchObject({ status: 401, code: 'session-ended' })
  })

  it('answers a list that brings a token with 503 at once, and one without from what is there', async () => {
    const { laptop, token } = await signedIn()
    const stranger = laptop.copy()
    stranger.cookies.delete('__Host-consistency')
    for (const path of ['/v1/me/sessions', '/v1/me/audit-events']) {
      const refused = await stranger.get(path, { headers: { 'Consistency-Token': token } })
      expect(refused.body).toMatchObject({ status: 503, code: 'projection-halted' })
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
      // `projection-halted`, long before the minute is over that it would wait for a projector at work.
      expect((await stranger.get(path)).status).toBe(200)
    }
  })

  it('shows everything once a projector runs beside it', async () => {
    const { laptop, token } = await signedIn()
    const projector = await startServer({ env: { ROLES: 'projector' }, database: server.database })
    try {
      const list = async () => laptop.get('/v1/me/sessions', { headers: { 'Consistency-Token': token } })
      await expect.poll(async () => (await list()).status, { timeout: 10_000 }).toBe(200)
      expect((await list()).body).toMatchObject({ items: [{ current: true }, { current: false }] })
      expect((await projector.browser().get('/readyz')).status).toBe(200)
      expect((await projector.browser().get('/v1/me')).status).toBe(404)
    } finally {
      await projector.stop()
    }
  })
})
