/** The rest of the contract, to the letter: bodies, tokens of consistency, the document that describes it all. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OpenApi } from '../support/documented.ts'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'
import { auditPage, expectProblem, inTurn, sessionPage, signIn, signUp } from './support.ts'

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

let server: TestServer
/** Waits a minute for a projection; but there is none, and nobody shall wait for nobody. */
let lonely: TestServer

beforeAll(async () => {
  server = await startServer()
  lonely = await startServer({ env: { ROLES: 'api', CONSISTENCY_WAIT_MS: '60000', REGISTRATION: 'open' } })
})
afterAll(async () => {
  await lonely.stop()
  await server.stop()
})

describe('Contract: bodies', () => {
  it('register, login and me', async () => {
    const email = someEmail()
    const browser = server.browser()
    const registered = await browser.register(`  ${email}`.trim().toUpperCase(), PASSWORD, 'Ada Lovelace')
    expect(registered.status).toBe(201)
    const user = { id: expect.stringMatching(UUID), email, name: 'Ada Lovelace' }
    expect(registered.body).toEqual({ user })
    expectProblem(await browser.get('/v1/me'), 401, 'unauthenticated')
    expectProblem(await browser.register(email, PASSWORD), 409, 'email-taken')

    const signedIn = await browser.logIn(email, PASSWORD)
    expect(signedIn.body).toEqual({ status: 'authenticated', session: { id: expect.stringMatching(UUID) } })
    const { id } = (signedIn.body as { session: { id: string } }).session
    const { body } = await browser.get('/v1/me')
    expect(body).toEqual({
      user,
      session: {
        id,
        hash: expect.stringMatching(/^[0-9a-f]{40}$/),
        signedInAt: expect.stringMatching(INSTANT),
        expiresAt: expect.stringMatching(INSTANT),
        sudoUntil: expect.stringMatching(INSTANT),
      },
    })
    const { signedInAt, expiresAt, sudoUntil } = (body as { session: Record<string, string> }).session
    expect(Date.parse(expiresAt ?? '') - Date.parse(signedInAt ?? '')).toBe(43_200_000)
    expect(Date.parse(sudoUntil ?? '') - Date.parse(signedInAt ?? '')).toBe(900_000)
  })

  it('of many who register one address at once, one does', async () => {
    const email = someEmail()
    const replies = await Promise.all(Array.from({ length: 10 }, () => server.browser().register(email, PASSWORD)))
    expect(replies.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)])
  })

  it('registration is closed where REGISTRATION says so', async () => {
    const closed = await startServer({ env: { ROLES: 'api', REGISTRATION: 'closed' } })
    try {
      expectProblem(await closed.browser().register(someEmail(), PASSWORD), 403, 'registration-closed')
    } finally {
      await closed.stop()
    }
  })

  it('security', async () => {
    const { browser, email } = await signUp(server)
    const other = await signIn(server, email)
    expect((await browser.get('/v1/me/security')).body).toEqual({
      passwordChangedAt: expect.stringMatching(INSTANT),
      twoFactor: { enabled: false, backupCodesRemaining: 0 },
      activeSessions: 2,
      lastLogin: {
        occurredAt: expect.stringMatching(INSTANT),
        sessionId: other.sessionId,
        ip: '127.0.0.1',
        location: null,
        device: { type: 'bot' },
        browser: { name: 'node', version: null },
        os: { name: null, version: null },
      },
      warnings: [],
    })
  })

  it('password-policy', async () => {
    expect((await server.browser().get('/v1/password-policy')).body).toEqual({
      policy: 'default',
      minLength: 12,
      maxLength: 256,
      history: 4,
      composition: [],
      blocklist: {
        commonPasswords: expect.any(Number),
        patterns: expect.any(Array),
        contextWords: ['strongroom'],
      },
    })
  })

  it('health', async () => {
    expect((await server.browser().get('/healthz')).body).toEqual({ status: 'ok' })
    expect((await server.browser().get('/readyz')).body).toEqual({
      status: 'ok',
      checks: {
        ...{ eventStore: 'ok', database: 'ok' },
        ...{ 'projection sessions': 'ok', 'projection auditlog': 'ok' },
        ...{ 'reactor mailer': 'ok', 'reactor erasure': 'ok', 'reactor log': 'ok' },
      },
    })
  })
})

describe('Contract: reading what was just written', () => {
  it('every command answers with a Consistency-Token, and a list that brings it shows the effect at once', async () => {
    const { browser, email } = await signUp(server)
    await inTurn(15, async () => {
      const other = await signIn(server, email)
      // By the cookie, as browsers do.
      const { items } = await sessionPage(other.browser)
      expect(items[0]).toMatchObject({ id: other.sessionId, current: true })
      const revoked = await browser.delete(`/v1/me/sessions/${other.sessionId}`)
      const token = revoked.headers.get('consistency-token') ?? ''
      // By the header alone, as programs do.
      const program = browser.copy()
      program.cookies.delete('__Host-consistency')
      const headers = { 'Consistency-Token': token }
      const [list, one, events] = [
        await program.get('/v1/me/sessions?state=ended&limit=1', { headers }),
        await program.get(`/v1/me/sessions/${other.sessionId}`, { headers }),
        await program.get('/v1/me/audit-events?limit=1', { headers }),
      ]
      expect(list.body).toMatchObject({ items: [{ id: other.sessionId, endedReason: 'revoked' }] })
      expect(one.body).toMatchObject({ status: 'ended', events: [{ code: 'user.session:revoked' }, {}] })
      expect(events.body).toMatchObject({ items: [{ code: 'user.session:revoked' }] })
    })
  })

  it('a token that is none is 400 in the header and counts for nothing in the cookie', async () => {
    const { browser } = await signUp(server)
    for (const token of ['', 'x', '1', 'x'.repeat(5_000)]) {
      const reply = await browser.get('/v1/me/sessions', { headers: { 'Consistency-Token': token } })
      expectProblem(reply, 400, 'invalid-request')
    }
    browser.cookies.set('__Host-consistency', 'junk')
    expect((await browser.get('/v1/me/sessions')).status).toBe(200)
    // A cursor is sealed by the same key, and still is no such token.
    const { nextCursor } = await auditPage(browser, 'limit=1')
    expectProblem(
      await browser.get('/v1/me/sessions', { headers: { 'Consistency-Token': nextCursor ?? '' } }),
      400,
      'invalid-request',
    )
  })

  it('where no projector is at work, a list that brings a token, by header or cookie, is 503 at once', async () => {
    const { browser } = await signUp(lonely)
    const token = browser.cookies.get('__Host-consistency') ?? ''
    const program = browser.copy()
    program.cookies.delete('__Host-consistency')
    const id = '0b5a5e2e-9d3e-4a55-8f39-0d5a3d0f7a11'
    const paths = ['/v1/me/sessions', `/v1/me/sessions/${id}`, '/v1/me/audit-events', `/v1/me/audit-events/${id}`]
    // Each of them would wait for a minute, which no test is given.
    for (const path of paths) {
      expectProblem(await browser.get(path), 503, 'projection-halted')
      expectProblem(await program.get(path, { headers: { 'Consistency-Token': token } }), 503, 'projection-halted')
    }
    expect((await sessionPage(program)).items).toEqual([])
    // What answers from the account itself needs no projector.
    expect((await browser.get('/v1/me')).status).toBe(200)
    expect((await browser.get('/v1/me/security')).body).toMatchObject({ activeSessions: 1 })
  })
})

describe('Contract: the OpenAPI document', () => {
  const ROUTES = [
    'POST /v1/auth/register',
    'POST /v1/auth/login',
    'POST /v1/auth/logout',
    'GET /v1/password-policy',
    'GET /v1/me',
    'GET /v1/me/security',
    'PUT /v1/me/password',
    'GET /v1/me/sessions',
    'GET /v1/me/sessions/{id}',
    'DELETE /v1/me/sessions/{id}',
    'POST /v1/me/sessions/revoke-others',
    'GET /v1/me/audit-events',
    'GET /v1/me/audit-events/{id}',
    'GET /healthz',
    'GET /readyz',
    'GET /openapi.json',
    'GET /docs',
  ]

  it('has every route that the server has, and every route it has is there', async () => {
    const { paths } = (await server.browser().get('/openapi.json')).body as OpenApi
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described).toEqual(expect.arrayContaining(ROUTES))
    for (const route of described) {
      const [method = '', path = ''] = route.split(' ')
      const reply = await server.browser().send(method, path.replace('{code}', 'not-found').replace('{id}', 'x'))
      expect(reply.status).not.toBe(405)
      if (path.startsWith('/v1/me')) expectProblem(reply, 401, 'unauthenticated')
    }
  })

  it('says which calls need the cookie, and which an access token with a scope', async () => {
    const document = (await server.browser().get('/openapi.json')).body as OpenApi & {
      components: { securitySchemes: unknown }
    }
    expect(document.components.securitySchemes).toEqual({
      session: { type: 'apiKey', in: 'cookie', name: '__Host-session' },
      token: expect.objectContaining({ type: 'http', scheme: 'bearer' }),
    })
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const operation of Object.values(operations)) {
        const own = path.startsWith('/v1/me') || ['/v1/auth/logout', '/v1/auth/reauthenticate'].includes(path)
        const open = /^\/(v1\/auth\/|v1\/password-policy$|healthz|readyz|metrics|openapi|docs|problems)/.test(path)
        const scoped = [{ token: [expect.stringMatching(/^[a-z]+:[a-z]+$/)] }]
        expect(operation, path).toMatchObject({ security: own ? [{ session: [] }] : open ? [] : scoped })
      }
    }
  })

  it('is readable at /docs', async () => {
    const reply = await server.browser().get('/docs')
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(reply.text).toContain('/openapi.json')
  })
})
