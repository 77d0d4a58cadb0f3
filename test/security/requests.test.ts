import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PostgresProxy } from '../event-store/proxy.ts'
import type { Browser, Reply } from '../support/browser.ts'
import type { OpenApi } from '../support/documented.ts'
import { createDatabase } from '../support/postgres.ts'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'
import { sendBytes } from './raw.ts'
import {
  allEvents,
  atOnce,
  changePassword,
  countOf,
  expectProblem,
  inTurn,
  isSignedIn,
  type Person,
  signIn,
  signUp,
  statusesOf,
} from './support.ts'

const NEW_PASSWORD = 'eleven copper kettles sing'
const LISTED = 'https://app.example'
const OUR_ORIGIN = 'http://localhost:3000'

let server: TestServer
let neighbour: TestServer
let document: OpenApi
let ahead = 0
const now = () => Date.now() + ahead

beforeAll(async () => {
  server = await startServer({ now, env: { ALLOWED_ORIGINS: LISTED, IDEMPOTENCY_SECONDS: '600' } })
  neighbour = await startServer({ now, database: server.database, env: { ROLES: 'api', IDEMPOTENCY_SECONDS: '600' } })
  document = (await server.browser().get('/openapi.json')).body as OpenApi
})
afterAll(async () => {
  await neighbour.stop()
  await server.stop()
})

interface Call {
  readonly method: string
  readonly path: string
  readonly json?: unknown
}

/** Every call that changes something, able to succeed. */
const unsafeCalls = ({ email }: Person, otherId: string): readonly Call[] => [
  { method: 'POST', path: '/v1/auth/register', json: { email: someEmail(), password: PASSWORD } },
  { method: 'POST', path: '/v1/auth/login', json: { email, password: PASSWORD } },
  { method: 'DELETE', path: `/v1/me/sessions/${otherId}` },
  { method: 'POST', path: '/v1/me/sessions/revoke-others' },
  { method: 'PUT', path: '/v1/me/password', json: { currentPassword: PASSWORD, newPassword: NEW_PASSWORD } },
  { method: 'POST', path: '/v1/auth/logout' },
]

const send = (browser: Browser, { method, path, json }: Call, headers: Readonly<Record<string, string>> = {}) =>
  browser.send(method, path, { headers, ...(json === undefined ? {} : { json }) })

const historyLength = async (browser: Browser) => (await allEvents(server, browser)).length

describe('Requests: where they come from', () => {
  const FOREIGN: readonly Readonly<Record<string, string>>[] = [
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
    { Origin: `${OUR_ORIGIN}.evil.example` },
    { Origin: 'https://localhost:3000' },
    { Origin: 'http://localhost:3001' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { 'Sec-Fetch-Site': 'none' },
    { 'Sec-Fetch-Site': 'cross-site', Origin: OUR_ORIGIN },
    { 'Sec-Fetch-Site': 'Same-Origin' },
  ]

  it('R01 a foreign origin on any unsafe method: 403, and no effect', async () => {
    const person = await signUp(server)
    const other = await signIn(server, person.email)
    const before = await historyLength(person.browser)
    for (const call of unsafeCalls(person, other.sessionId)) {
      for (const headers of FOREIGN) {
        const reply = await send(person.browser, call, headers)
        expectProblem(reply, 403, 'forbidden-origin')
        expect(reply.headers.getSetCookie()).toEqual([])
      }
    }
    expect(await historyLength(person.browser)).toBe(before)
    expect([await isSignedIn(person.browser), await isSignedIn(other.browser)]).toEqual([true, true])
  })

  it('R01 our own pages, listed origins and clients that are no browser pass', async () => {
    const welcome: readonly Readonly<Record<string, string>>[] = [
      {},
      { Origin: OUR_ORIGIN },
      { Origin: LISTED },
      { 'Sec-Fetch-Site': 'same-origin' },
      { 'Sec-Fetch-Site': 'same-origin', Origin: OUR_ORIGIN },
      { 'Sec-Fetch-Site': 'cross-site', Origin: LISTED },
    ]
    for (const headers of welcome) {
      const person = await signUp(server)
      const other = await signIn(server, person.email)
      for (const call of unsafeCalls(person, other.sessionId)) {
        const { status } = await send(person.browser, call, headers)
        expect([200, 201, 204]).toContain(status)
      }
    }
  })

  it('R01 reading is open to a foreign page, which cannot see the answer', async () => {
    const { browser } = await signUp(server)
    const reply = await browser.get('/v1/me', { headers: { Origin: 'https://evil.example' } })
    expect(reply.status).toBe(200)
    expect(reply.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('R02 a form, text/plain or no type for a body: 415, and no effect', async () => {
    const person = await signUp(server)
    const other = await signIn(server, person.email)
    const before = await historyLength(person.browser)
    const types = [
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/plain',
      'text/plain; charset=utf-8, application/json',
      'application/json-patch+json',
      'text/json',
      'application/json; charset=utf-16',
      ',application/json',
    ]
    for (const { method, path, json } of unsafeCalls(person, other.sessionId)) {
      for (const type of types) {
        const raw = Buffer.from(json === undefined ? '{}' : JSON.stringify(json))
        const reply = await person.browser.send(method, path, { raw, headers: { 'Content-Type': type } })
        expectProblem(reply, 415, 'unsupported-media-type')
      }
    }
    const body = JSON.stringify({ email: person.email, password: PASSWORD })
    const bare = await person.browser.send('POST', '/v1/auth/login', { raw: Buffer.from(body) })
    expectProblem(bare, 415, 'unsupported-media-type')
    expect(await historyLength(person.browser)).toBe(before)
    expect(await isSignedIn(other.browser)).toBe(true)
  })

  it('R03 a wrong method: 405 and Allow, on every path there is', async () => {
    const { browser } = await signUp(server)
    const before = await historyLength(browser)
    for (const [template, operations] of Object.entries(document.paths)) {
      const path = template.replace(/\{\w+\}/g, '0b5a5e2e-9d3e-4a55-8f39-0d5a3d0f7a11')
      const known = Object.keys(operations).map((method) => method.toUpperCase())
      const allow = [...known, ...(known.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort()
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'QUERY']) {
        if (known.includes(method)) continue
        const reply = await browser.send(method, path)
        expectProblem(reply, 405, 'method-not-allowed')
        expect(reply.headers.get('allow')?.split(', ').sort()).toEqual(allow)
      }
    }
    expect(await historyLength(browser)).toBe(before)
  })

  it('R03 GET and HEAD never change state, and no header turns them into something else', async () => {
    const person = await signUp(server)
    const other = await signIn(server, person.email)
    const before = await historyLength(person.browser)
    const override = { 'X-HTTP-Method-Override': 'DELETE', 'X-HTTP-Method': 'DELETE', 'X-Method-Override': 'DELETE' }
    for (const path of Object.keys(document.paths)) {
      const real = path.replace('{id}', other.sessionId).replace('{code}', 'not-found')
      for (const method of ['GET', 'HEAD']) await person.browser.send(method, real, { headers: override, unread: true })
    }
    const tricks = ['/v1/auth/logout?_method=POST', `/v1/me/sessions/${other.sessionId}?_method=DELETE`]
    for (const path of tricks) expect((await person.browser.get(path)).status).toBeGreaterThanOrEqual(400)
    expect(await historyLength(person.browser)).toBe(before)
    expect(await isSignedIn(other.browser)).toBe(true)
  })

  it('R04 no CORS header for an origin that is not listed, and exactly that origin for one that is', async () => {
    const { browser } = await signUp(server)
    const corsOf = (reply: Reply) => [...reply.headers].filter(([name]) => name.startsWith('access-control-'))
    const preflight = { 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'content-type' }
    for (const origin of ['https://evil.example', 'null', `${LISTED}.evil.example`, LISTED.toUpperCase(), OUR_ORIGIN]) {
      const headers = { Origin: origin }
      expect(corsOf(await browser.get('/v1/me', { headers }))).toEqual([])
      expect(corsOf(await browser.get('/v1/nowhere', { headers }))).toEqual([])
      const asked = await browser.send('OPTIONS', '/v1/me/password', { headers: { ...headers, ...preflight } })
      expect(corsOf(asked)).toEqual([])
    }
    const listed = await browser.get('/v1/me', { headers: { Origin: LISTED } })
    expect(listed.headers.get('access-control-allow-origin')).toBe(LISTED)
    expect(listed.headers.get('access-control-allow-credentials')).toBe('true')
    expect(listed.headers.get('vary')).toMatch(/origin/i)
  })
})

describe('Requests: answers', () => {
  /** One of each kind of answer there is, errors of the HTTP parser among them. */
  const answers = async (): Promise<readonly (readonly [status: number, reply: Reply])[]> => {
    const { browser, email, sessionId } = await signUp(server)
    const nobody = server.browser()
    const locked = someEmail()
    await inTurn(10, () => nobody.logIn(locked, 'a wrong password'))
    const unknown = '0b5a5e2e-9d3e-4a55-8f39-0d5a3d0f7a11'
    const json = { 'Content-Type': 'application/json' }
    return [
      [200, await browser.get('/v1/me')],
      [200, await browser.get('/v1/me/security')],
      [200, await browser.get('/v1/me/sessions')],
      [200, await browser.get('/v1/me/audit-events')],
      [200, await nobody.get('/healthz')],
      [200, await nobody.get('/readyz')],
      [200, await nobody.get('/openapi.json')],
      [201, await nobody.register(someEmail(), PASSWORD)],
      [204, await browser.send('OPTIONS', '/v1/me')],
      [204, await changePassword(browser, PASSWORD, NEW_PASSWORD)],
      [400, await nobody.post('/v1/auth/login', { email })],
      [400, await nobody.send('POST', '/v1/auth/login', { raw: `{"password":"${PASSWORD}`, headers: json })],
      [400, await browser.get('/v1/me/audit-events?cursor=forged')],
      [400, await browser.get("/v1/me/audit-events?limit=1'--")],
      [400, await browser.get('/v1/me/sessions/%ff')],
      [400, await sendBytes(server, 'GET /v1/me HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n')],
      [401, await nobody.get('/v1/me')],
      [401, await nobody.logIn(email, 'a wrong password')],
      [403, await browser.post('/v1/auth/logout', undefined, { headers: { Origin: 'https://evil.example' } })],
      [403, await changePassword(browser, 'a wrong password', 'nine yellow ladders lean')],
      [404, await browser.get('/v1/nowhere')],
      [404, await browser.get(`/v1/me/sessions/${unknown}`)],
      [404, await browser.get('/../../etc/passwd')],
      [405, await browser.send('PATCH', '/v1/me')],
      [409, await browser.delete(`/v1/me/sessions/${sessionId}`)],
      [409, await nobody.register(email, PASSWORD)],
      [413, await nobody.logIn(email, 'x'.repeat(70_000))],
      [415, await nobody.send('POST', '/v1/auth/login', { raw: Buffer.from('a=b') })],
      [422, await nobody.register(someEmail(), 'short')],
      [429, await nobody.logIn(locked, 'a wrong password')],
      [431, await sendBytes(server, `GET / HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(40_000)}\r\n\r\n`)],
    ]
  }

  it('R05 every answer, errors too, has the security headers, and none is kept by a cache', async () => {
    for (const [status, { status: got, headers }] of await answers()) {
      expect(got).toBe(status)
      expect(headers.get('strict-transport-security')).toMatch(/^max-age=31536000/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-powered-by')).toBeNull()
      expect(headers.get('server')).toBeNull()
      expect(headers.get('etag')).toBeNull()
    }
  })

  it('R13 every 4xx is a problem as the contract has it, without a stack, SQL or what was sent', async () => {
    for (const [status, reply] of await answers()) {
      if (status < 400) continue
      expectProblem(reply, status, (reply.body as { code: string }).code)
      for (const text of [PASSWORD, 'a wrong password', 'forged', "1'--"]) expect(reply.text).not.toContain(text)
    }
  })
})

describe('Requests: Idempotency-Key', () => {
  let serial = 0
  const someKey = () => `key-${process.pid}-${serial++}`
  const withKey = (key: string) => ({ headers: { 'Idempotency-Key': key } })

  it('R12 an answer that nothing had to be done is given again too, whatever has begun since', async () => {
    const { browser, email } = await signUp(server)
    const key = someKey()
    const revoke = () => browser.post('/v1/me/sessions/revoke-others', undefined, withKey(key))
    expect((await revoke()).body).toEqual({ revoked: 0 })
    const newcomer = await signIn(server, email)
    expect((await revoke()).body).toEqual({ revoked: 0 })
    expect(await isSignedIn(newcomer.browser)).toBe(true)
  })

  it('R12 the same key and body: the same answer, and one effect', async () => {
    const { browser, email } = await signUp(server)
    await inTurn(3, () => signIn(server, email))
    const key = someKey()
    const first = await browser.post('/v1/me/sessions/revoke-others', undefined, withKey(key))
    expect(first.body).toEqual({ revoked: 3 })
    const newcomer = await signIn(server, email)
    for (const node of [browser, onNeighbour(browser)]) {
      const again = await node.post('/v1/me/sessions/revoke-others', undefined, withKey(key))
      expect([again.status, again.body]).toEqual([200, { revoked: 3 }])
      expect(again.headers.get('consistency-token')).toBeTruthy()
    }
    // The session that began in between is none of the repeat's business.
    expect(await isSignedIn(newcomer.browser)).toBe(true)
    expect(countOf(await allEvents(server, browser), 'user.session:others_revoked')).toBe(1)
    expect((await browser.post('/v1/me/sessions/revoke-others')).body).toEqual({ revoked: 1 })
  })

  const onNeighbour = (browser: Browser): Browser => {
    const copy = neighbour.browser()
    for (const [name, value] of browser.cookies) copy.cookies.set(name, value)
    return copy
  }

  it('R12 another body under the key: 422, and no effect', async () => {
    const { browser, email } = await signUp(server)
    const options = withKey(someKey())
    const body = { currentPassword: 'a wrong password', newPassword: NEW_PASSWORD }
    expectProblem(await browser.put('/v1/me/password', body, options), 403, 'invalid-credentials')
    const others = [
      { ...body, currentPassword: PASSWORD },
      { ...body, newPassword: 'nine yellow ladders lean' },
      { ...body, keepOtherSessions: true },
    ]
    for (const other of others) {
      expectProblem(await browser.put('/v1/me/password', other, options), 422, 'idempotency-mismatch')
    }
    // The repeat of a failure is that failure, and counts once.
    expectProblem(await browser.put('/v1/me/password', body, options), 403, 'invalid-credentials')
    expect(countOf(await allEvents(server, browser), 'user.password:change_failed')).toBe(1)
    expect((await server.browser().logIn(email, PASSWORD)).status).toBe(200)
  })

  it('R12 an answer that carried a secret is not given again: 409 already-done', async () => {
    const { browser, email } = await signUp(server)
    const options = withKey(someKey())
    const body = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD }
    expect((await browser.put('/v1/me/password', body, options)).status).toBe(204)
    const again = await browser.put('/v1/me/password', body, options)
    expectProblem(again, 409, 'already-done')
    expect(again.headers.getSetCookie()).toEqual([])
    expect(await isSignedIn(browser)).toBe(true)
    expect(countOf(await allEvents(server, browser), 'user.password:changed')).toBe(1)
    expect((await server.browser().logIn(email, NEW_PASSWORD)).status).toBe(200)
  })

  it("R12 a key belongs to its user and its call: another user's, or another path's, does not collide", async () => {
    const key = someKey()
    for (const person of [await signUp(server), await signUp(server)]) {
      const [first, second, third] = await inTurn(3, () => signIn(server, person.email))
      for (const other of [first, second]) {
        expect((await person.browser.delete(`/v1/me/sessions/${other?.sessionId}`, withKey(key))).status).toBe(204)
      }
      const others = await person.browser.post('/v1/me/sessions/revoke-others', undefined, withKey(key))
      expect(others.body).toEqual({ revoked: 1 })
      expect(await isSignedIn(third?.browser ?? person.browser)).toBe(false)
    }
  })

  it('R12 a key works anew after its time', async () => {
    const { browser, email } = await signUp(server)
    const options = withKey(someKey())
    const revokeOthers = () => browser.post('/v1/me/sessions/revoke-others', undefined, options)
    await signIn(server, email)
    expect((await revokeOthers()).body).toEqual({ revoked: 1 })
    await inTurn(2, () => signIn(server, email))
    ahead += 599_000
    expect((await revokeOthers()).body).toEqual({ revoked: 1 })
    ahead += 2_000
    expect((await revokeOthers()).body).toEqual({ revoked: 2 })
    expect((await revokeOthers()).body).toEqual({ revoked: 2 })
  })

  it('R12 twenty in parallel under one key, on two nodes: one effect, one answer', async () => {
    const { browser, email } = await signUp(server)
    await inTurn(4, () => signIn(server, email))
    const options = withKey(someKey())
    const there = onNeighbour(browser)
    const replies = await atOnce(20, (index) =>
      (index % 2 ? browser : there).post('/v1/me/sessions/revoke-others', undefined, options),
    )
    expect(replies.map(({ body }) => body)).toEqual(Array(20).fill({ revoked: 4 }))
    const events = await allEvents(server, browser)
    expect(countOf(events, 'user.session:others_revoked')).toBe(1)
    expect(countOf(events, 'user.session:revoked')).toBe(4)
  })

  it('R12 a wrong password sent twenty times in parallel under one key counts once', async () => {
    const { browser } = await signUp(server)
    const options = withKey(someKey())
    const body = { currentPassword: 'a wrong password', newPassword: NEW_PASSWORD }
    const replies = await atOnce(20, () => browser.put('/v1/me/password', body, options))
    expect(statusesOf(replies)).toEqual(Array(20).fill(403))
    expect(countOf(await allEvents(server, browser), 'user.password:change_failed')).toBe(1)
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('R12 a key opens nothing: with a session that has ended it is 401', async () => {
    const { browser, email, sessionId } = await signUp(server)
    const other = await signIn(server, email)
    const options = withKey(someKey())
    const stale = browser.copy()
    expect((await browser.post('/v1/me/sessions/revoke-others', undefined, options)).status).toBe(200)
    const later = await signIn(server, email)
    expect((await later.browser.delete(`/v1/me/sessions/${sessionId}`)).status).toBe(204)
    for (const dead of [stale, other.browser]) {
      expectProblem(await dead.post('/v1/me/sessions/revoke-others', undefined, options), 401, 'session-ended')
    }
    expectProblem(
      await server.browser().post('/v1/me/sessions/revoke-others', undefined, options),
      401,
      'unauthenticated',
    )
  })

  it('R12 a key that is none is refused', async () => {
    const { browser } = await signUp(server)
    for (const key of ['', ' ', 'a b', 'x'.repeat(256), 'é']) {
      const reply = await browser.post('/v1/me/sessions/revoke-others', undefined, withKey(key))
      expectProblem(reply, 400, 'invalid-request')
    }
  })
})

describe('Requests: the event store is away', () => {
  let proxy: PostgresProxy
  let fragile: TestServer

  beforeAll(async () => {
    const database = await createDatabase()
    proxy = await PostgresProxy.start(database.connection)
    fragile = await startServer({ database: { connection: proxy.connection, drop: database.drop } })
  })
  afterAll(async () => {
    await fragile.stop()
    await proxy.close()
    await fragile.database.drop()
  })

  it('R14 503 with Retry-After, nobody signed in, no half effect, and recovery without a restart', async () => {
    const { browser, email } = await signUp(fragile)
    const other = await signIn(fragile, email)
    const before = await allEvents(fragile, browser)
    const cookie = browser.cookies.get('__Host-session')
    await proxy.goAway()

    const newcomer = someEmail()
    const body = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD }
    const calls: readonly (() => Promise<Reply>)[] = [
      () => fragile.browser().logIn(email, PASSWORD),
      () => fragile.browser().logIn(email, 'a wrong password'),
      () => fragile.browser().logIn(someEmail(), PASSWORD),
      () => fragile.browser().register(newcomer, PASSWORD),
      () => browser.get('/v1/me'),
      () => browser.get('/v1/me/security'),
      () => browser.get('/v1/me/sessions'),
      () => browser.get('/v1/me/audit-events'),
      () => browser.put('/v1/me/password', body),
      () => browser.delete(`/v1/me/sessions/${other.sessionId}`),
      () => browser.post('/v1/me/sessions/revoke-others'),
      () => browser.post('/v1/auth/logout'),
      () => browser.get('/readyz'),
    ]
    for (const call of calls) {
      const reply = await call()
      expectProblem(reply, 503, 'store-unavailable')
      expect(reply.headers.getSetCookie()).toEqual([])
    }
    expect((await browser.get('/healthz')).status).toBe(200)
    // A cookie that is none of ours needs no store to be refused.
    expectProblem(await fragile.browser().get('/v1/me'), 401, 'unauthenticated')
    expect(browser.cookies.get('__Host-session')).toBe(cookie)

    await proxy.comeBack()
    await expect.poll(async () => (await browser.get('/readyz')).status, { timeout: 10_000 }).toBe(200)
    expect([await isSignedIn(browser), await isSignedIn(other.browser)]).toEqual([true, true])
    expect(await allEvents(fragile, browser)).toEqual(before)
    expect((await fragile.browser().register(newcomer, PASSWORD)).status).toBe(201)
    expect((await browser.put('/v1/me/password', body)).status).toBe(204)
    expect((await fragile.browser().logIn(email, NEW_PASSWORD)).status).toBe(200)
    await expect.poll(async () => (await browser.get('/v1/me/sessions')).status, { timeout: 10_000 }).toBe(200)
    expect(countOf(await allEvents(fragile, browser), 'user.password:changed')).toBe(1)
  })

  it('R14 connections cut in the middle of commands: what was answered is so, once, and the rest is whole or not there', async () => {
    const { browser, email } = await signUp(fragile)
    const signedIn: string[] = []
    for (let round = 0; round < 6; round++) {
      const logIns = atOnce(5, () => fragile.browser().logIn(email, PASSWORD))
      await new Promise((resolve) => setTimeout(resolve, round * 4))
      proxy.cut()
      for (const reply of await logIns) {
        if (reply.status === 200) signedIn.push((reply.body as { session: { id: string } }).session.id)
        else expectProblem(reply, 503, 'store-unavailable')
      }
    }
    await expect.poll(async () => (await browser.get('/readyz')).status, { timeout: 10_000 }).toBe(200)
    const events = await allEvents(fragile, browser)
    const begun = events.filter(({ code }) => code === 'user:logged_in').map(({ sessionId }) => sessionId)
    for (const id of signedIn) expect(begun.filter((other) => other === id)).toHaveLength(1)
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => events.length - index))
    expect(countOf(events, 'user:login_failed')).toBe(0)
  })

  it('R14 the answer to an append is lost: it is found out, and the log-in is there once', async () => {
    const { browser, email } = await signUp(fragile)
    proxy.loseAnswerTo('user:logged_in')
    const later = await signIn(fragile, email)
    expect(await isSignedIn(later.browser)).toBe(true)
    expect(countOf(await allEvents(fragile, browser), 'user:logged_in')).toBe(2)
  })
})

it('the version in the OpenAPI document is that of the package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(document).toMatchObject({ info: { version } })
})
