import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { InvalidConfiguration, readConfig } from '../../src/config.ts'
import type { Browser, Reply } from '../support/browser.ts'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'
import { postBytes } from './raw.ts'
import {
  allEvents,
  atOnce,
  auditPage,
  changePassword,
  countOf,
  expectProblem,
  inTurn,
  isSignedIn,
  signIn,
  signUp,
  statusesOf,
  untilProjected,
} from './support.ts'

const MINUTE = 60_000

let server: TestServer
/** A second node on the database of `server`. */
let neighbour: TestServer
/** How far the clock of both is ahead. */
let ahead = 0
const now = () => Date.now() + ahead

beforeAll(async () => {
  server = await startServer({ now })
  neighbour = await startServer({ now, database: server.database, env: { ROLES: 'api' } })
})
afterAll(async () => {
  await neighbour.stop()
  await server.stop()
})

const guess = (email: string, index: number, node = server) =>
  node.browser().logIn(email, `wrong guess number ${index}`)
const failTimes = (times: number, email: string) => inTurn(times, (index) => guess(email, index))

/** All of an answer that a client can see, but what names the one request. */
const visible = ({ status, headers, body }: Reply) => {
  const { requestId: _, ...rest } = body as Record<string, unknown>
  const own = ['date', 'x-request-id', 'keep-alive', 'connection']
  return { status, body: rest, headers: [...headers].filter(([name]) => !own.includes(name)) }
}

describe('Log-in: what an answer gives away', () => {
  it('L01 unknown address and wrong password: same status, body and headers, up to and after the lock', async () => {
    const { email } = await signUp(server)
    const nobody = someEmail()
    for (let attempt = 0; attempt < 12; attempt++) {
      const [known, unknown] = [await guess(email, attempt), await guess(nobody, attempt)]
      expectProblem(known, attempt < 10 ? 401 : 429, attempt < 10 ? 'invalid-credentials' : 'login-throttled')
      expect(withoutRetryAfter(visible(known))).toEqual(withoutRetryAfter(visible(unknown)))
      expect(secondsOf(known) - secondsOf(unknown)).toBeCloseTo(0, -1)
    }
  })

  const secondsOf = (reply: Reply) => Number(reply.headers.get('retry-after') ?? 0)
  /** The two locks began a moment apart. */
  const withoutRetryAfter = (seen: ReturnType<typeof visible>) => ({
    ...seen,
    headers: seen.headers.map(([name, value]) => (name === 'retry-after' ? [name] : [name, value])),
  })

  it('L01 what is no address at all is answered like an unknown one', async () => {
    const unknown = visible(await guess(someEmail(), 0))
    for (const odd of ['nobody', 'a@b', 'ädä@example.com', "' or 1=1 --", 'x'.repeat(1_000)]) {
      expect(visible(await guess(odd, 0))).toEqual(unknown)
    }
  })
})

describe('Log-in: the lock', () => {
  it('L03 after ten failures even the right password gets 429 and Retry-After', async () => {
    const { email } = await signUp(server)
    expect(statusesOf(await failTimes(10, email))).toEqual(Array(10).fill(401))
    const reply = await server.browser().logIn(email, PASSWORD)
    expectProblem(reply, 429, 'login-throttled')
    const seconds = Number(reply.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(1_700)
    expect(seconds).toBeLessThanOrEqual(1_800)
    expect(reply.headers.getSetCookie()).toEqual([])
    // On the other node as well.
    expectProblem(await neighbour.browser().logIn(email, PASSWORD), 429, 'login-throttled')
  })

  it('L03 the same for an unknown address, and it does not matter how the address is written', async () => {
    const nobody = someEmail()
    expect(statusesOf(await failTimes(10, nobody))).toEqual(Array(10).fill(401))
    expectProblem(await guess(nobody.toUpperCase(), 11), 429, 'login-throttled')
    const { email } = await signUp(server)
    await failTimes(10, email.toUpperCase())
    expectProblem(await server.browser().logIn(email, PASSWORD), 429, 'login-throttled')
  })

  it('L04 the lock ends after 30 minutes and not before, whatever is tried meanwhile', async () => {
    const { email } = await signUp(server)
    const nobody = someEmail()
    await failTimes(10, email)
    await failTimes(10, nobody)
    ahead += 29 * MINUTE
    for (const address of [email, nobody]) {
      expectProblem(await server.browser().logIn(address, PASSWORD), 429, 'login-throttled')
      expectProblem(await guess(address, 0), 429, 'login-throttled')
    }
    ahead += MINUTE
    expect((await server.browser().logIn(nobody, PASSWORD)).status).toBe(401)
    expect((await server.browser().logIn(email, PASSWORD)).status).toBe(200)
  })

  it('L04 LOCK_SECONDS and LOCK_AFTER_FAILURES set it', async () => {
    const short = await startServer({ now, env: { ROLES: 'api', LOCK_SECONDS: '60', LOCK_AFTER_FAILURES: '3' } })
    try {
      const { email } = await signUp(short)
      expect(statusesOf(await inTurn(4, (index) => guess(email, index, short)))).toEqual([401, 401, 401, 429])
      ahead += 58_000
      expect((await short.browser().logIn(email, PASSWORD)).status).toBe(429)
      ahead += 2_000
      expect((await short.browser().logIn(email, PASSWORD)).status).toBe(200)
    } finally {
      await short.stop()
    }
  })

  it('L05 of fifty parallel wrong guesses at most ten are evaluated, for a known and an unknown address', async () => {
    const { email } = await signUp(server)
    for (const address of [email, someEmail()]) {
      const statuses = statusesOf(await atOnce(50, (index) => guess(address, index)))
      expect(statuses.filter((status) => status === 401)).toHaveLength(10)
      expect(statuses.filter((status) => status === 429)).toHaveLength(40)
    }
  })

  it('L05 nor are more where two nodes are asked at once, and the right one among them never helps', async () => {
    const { email, browser } = await signUp(server)
    for (const address of [email, someEmail()]) {
      const node = (index: number) => (index % 2 === 0 ? server : neighbour)
      const statuses = statusesOf(await atOnce(50, (index) => guess(address, index, node(index))))
      expect(statuses.filter((status) => status === 401)).toHaveLength(10)
      expect(statuses.filter((status) => status === 429)).toHaveLength(40)
    }
    expectProblem(await neighbour.browser().logIn(email, PASSWORD), 429, 'login-throttled')
    const events = await allEvents(server, browser)
    expect(countOf(events, 'user:login_failed')).toBe(10)
    expect(countOf(events, 'user:locked')).toBe(1)
  })

  it('L06 twenty parallel right log-ins all pass, on one node and on two', async () => {
    const { email } = await signUp(server)
    expect(statusesOf(await atOnce(20, () => server.browser().logIn(email, PASSWORD)))).toEqual(Array(20).fill(200))
    const node = (index: number) => (index % 2 === 0 ? server : neighbour)
    const replies = await atOnce(20, (index) => node(index).browser().logIn(email, PASSWORD))
    expect(statusesOf(replies)).toEqual(Array(20).fill(200))
  })

  it('L06 also right after nine failures', async () => {
    const { email } = await signUp(server)
    await failTimes(9, email)
    expect(statusesOf(await atOnce(20, () => server.browser().logIn(email, PASSWORD)))).toEqual(Array(20).fill(200))
  })

  it('L07 what validation refuses is not counted as a failure', async () => {
    const { email, browser } = await signUp(server)
    await inTurn(15, () => server.browser().post('/v1/auth/login', { email, password: 17 }))
    await inTurn(15, () => server.browser().post('/v1/auth/login', { email, password: '' }))
    await inTurn(15, () => server.browser().post('/v1/auth/login', { email, password: 'x'.repeat(70_000) }))
    await inTurn(15, () =>
      server
        .browser()
        .post('/v1/auth/login', { email, password: 'x' }, { headers: { Origin: 'https://evil.example' } }),
    )
    expect(countOf(await allEvents(server, browser), 'user:login_failed')).toBe(0)
    await failTimes(9, email)
    expect((await server.browser().logIn(email, PASSWORD)).status).toBe(200)
  })

  it('L07 nor what the throttle refuses: once the lock has ended, ten failures are allowed again', async () => {
    const { email, browser } = await signUp(server)
    const nobody = someEmail()
    for (const address of [email, nobody]) {
      await failTimes(10, address)
      expect(statusesOf(await failTimes(15, address))).toEqual(Array(15).fill(429))
    }
    const session = browser.copy()
    ahead += 10 * MINUTE
    expect(await isSignedIn(session)).toBe(true)
    ahead += 10 * MINUTE
    expect(await isSignedIn(session)).toBe(true)
    ahead += 10 * MINUTE
    for (const address of [email, nobody]) expect(statusesOf(await failTimes(9, address))).toEqual(Array(9).fill(401))
    expect((await server.browser().logIn(email, PASSWORD)).status).toBe(200)
    expect(statusesOf(await failTimes(2, nobody))).toEqual([401, 429])
    expect(countOf(await allEvents(server, session), 'user:login_failed')).toBe(19)
  })

  it('L07 a right log-in starts the count anew', async () => {
    const { email } = await signUp(server)
    for (let round = 0; round < 2; round++) {
      expect(statusesOf(await failTimes(9, email))).toEqual(Array(9).fill(401))
      expect((await server.browser().logIn(email, PASSWORD)).status).toBe(200)
    }
  })

  it("L08 a lock leaves the owner's live sessions alone: they read, revoke and change the password", async () => {
    const { email, browser } = await signUp(server)
    const other = await signIn(server, email)
    await failTimes(11, email)
    expect(await isSignedIn(browser)).toBe(true)
    expect((await auditPage(browser)).items.length).toBeGreaterThan(0)
    expect((await browser.delete(`/v1/me/sessions/${other.sessionId}`)).status).toBe(204)
    expect((await changePassword(browser, PASSWORD, 'eleven copper kettles sing')).status).toBe(204)
    expect(await isSignedIn(browser)).toBe(true)
  })
})

describe('Log-in: the address of the client', () => {
  const SPOOFS = {
    'X-Forwarded-For': '8.8.8.8',
    'X-Real-IP': '8.8.8.8',
    Forwarded: 'for=8.8.8.8;proto=https',
    'X-Client-IP': '8.8.8.8',
    'CF-Connecting-IP': '8.8.8.8',
    'True-Client-IP': '8.8.8.8',
  }

  it('L10 without a trusted proxy no header changes what is recorded: it is the address of the socket', async () => {
    const { browser, email } = await signUp(server, SPOOFS)
    await server.browser(SPOOFS).logIn(email, 'a wrong password')
    const events = await allEvents(server, browser)
    expect(events.length).toBe(3)
    expect(new Set(events.map(({ ip }) => ip))).toEqual(new Set(['127.0.0.1']))
    expect(new Set(events.map(({ location }) => location))).toEqual(new Set([null]))
    expect((await browser.get('/v1/me/security')).body).toMatchObject({ lastLogin: { ip: '127.0.0.1' } })
  })

  it('L10 with one, the nearest address that is not a proxy counts, and nothing the client put before it', async () => {
    const behind = await startServer({ env: { TRUSTED_PROXIES: '127.0.0.0/8, 10.0.0.0/8' } })
    try {
      const cases = [
        [{ 'X-Forwarded-For': '8.8.4.4' }, '8.8.4.4'],
        [{ 'X-Forwarded-For': '1.1.1.1, 8.8.4.4' }, '8.8.4.4'],
        [{ 'X-Forwarded-For': '1.1.1.1, 8.8.4.4, 10.1.2.3' }, '8.8.4.4'],
        [{ 'X-Forwarded-For': '::ffff:8.8.4.4' }, '8.8.4.4'],
        [{ 'X-Real-IP': '8.8.4.4' }, '127.0.0.1'],
        [{ Forwarded: 'for=8.8.4.4' }, '127.0.0.1'],
      ] as const
      for (const [headers, ip] of cases) {
        const { browser } = await signUp(behind, headers)
        expect((await browser.get('/v1/me/security')).body).toMatchObject({ lastLogin: { ip } })
      }
    } finally {
      await behind.stop()
    }
  })

  it('L10 TRUSTED_PROXIES takes explicit address ranges and nothing else', () => {
    for (const value of ['true', '1', 'loopback', 'uniquelocal', '*', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/8,all']) {
      expect(() => readConfig({ TRUSTED_PROXIES: value })).toThrow(InvalidConfiguration)
      expect(() => readConfig({ TRUSTED_PROXIES: value })).toThrow(/TRUSTED_PROXIES/)
    }
    expect(readConfig({ TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::/32' }).http.trustedProxies).toHaveLength(2)
  })
})

describe('Log-in: junk', () => {
  const CALLS = [
    ['POST', '/v1/auth/login'],
    ['POST', '/v1/auth/register'],
    ['POST', '/v1/auth/logout'],
    ['PUT', '/v1/me/password'],
    ['GET', '/v1/me'],
    ['GET', '/v1/me/sessions'],
    ['DELETE', '/v1/me/sessions/0b5a5e2e-9d3e-4a55-8f39-0d5a3d0f7a11'],
    ['POST', '/v1/me/sessions/revoke-others'],
    ['GET', '/v1/me/audit-events'],
  ] as const
  const NAMES = [
    ...['Cookie', 'Origin', 'Sec-Fetch-Site', 'User-Agent', 'X-Forwarded-For', 'Forwarded', 'Content-Type', 'Accept'],
    ...['Consistency-Token', 'Idempotency-Key', 'If-Match', 'X-Background', 'X-Request-Id', 'Authorization', 'Range'],
  ] as const

  /** What an HTTP client lets through as the value of a header: latin1 without controls. */
  const value = fc.oneof(
    fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 200 }),
    fc.constantFrom(
      '__Host-session=',
      '__Host-session=a; __Host-session=b',
      '__Host-consistency=junk',
      'null',
      '%00',
      '{}',
    ),
    fc.uuid().map((id) => `__Host-session=${id}`),
    fc.base64String({ minLength: 112, maxLength: 112 }).map((text) => `__Host-session=${text}`),
    fc.integer({ min: 1_000, max: 3_000 }).map((length) => 'A'.repeat(length)),
  )
  const sane = (text: string) => text.replace(/\u007f/g, '').trim()

  it('L12 junk in any header, cookie or body: 4xx, never 5xx, and nobody is let in', async () => {
    const { email } = await signUp(server)
    const request = fc.record({
      call: fc.constantFrom(...CALLS),
      headers: fc.dictionary(fc.constantFrom(...NAMES), value.map(sane), { maxKeys: 4 }),
      body: fc.oneof(
        fc.json(),
        fc.string({ unit: 'binary' }),
        fc.constant(undefined),
        fc.constant(`{"email":"${email}"`),
      ),
      junkCookie: value.map(sane),
    })
    await fc.assert(
      fc.asyncProperty(request, async ({ call: [method, path], headers, body, junkCookie }) => {
        const reply = await server.browser().send(method, path, {
          headers: { 'Content-Type': 'application/json', Cookie: `__Host-session=${junkCookie}`, ...headers },
          ...(method === 'GET' || body === undefined ? {} : { raw: body }),
        })
        expect(reply.status).toBeGreaterThanOrEqual(400)
        expect(reply.status).toBeLessThan(500)
        expectProblem(reply, reply.status, (reply.body as { code: string }).code)
        if (path.startsWith('/v1/me')) expect([401, 403]).toContain(reply.status)
      }),
      { numRuns: 150 },
    )
  }, 60_000)

  it('L12 junk beside a good cookie does not lock its owner out, and beside a bad one lets nobody in', async () => {
    const { browser } = await signUp(server)
    const good = browser.cookies.get('__Host-session') ?? ''
    const withCookie = (cookie: string) => server.browser().get('/v1/me', { headers: { Cookie: cookie } })
    for (const cookie of [`;;=; a=b=c; __Host-session=${good}; "`, `a=%ZZ; __Host-session=${good}`]) {
      expect((await withCookie(cookie)).status).toBe(200)
    }
    const damaged = [
      good.slice(0, -1),
      `${good}A`,
      `${good}=`,
      `"${good}"`,
      good.toUpperCase(),
      flipLast(good),
      `${good}; __Host-session=${good}`,
      `x; __Host-session=${good}`,
    ]
    for (const value of damaged) expectProblem(await withCookie(`__Host-session=${value}`), 401, 'unauthenticated')
    expectProblem(await withCookie(`session=${good}`), 401, 'unauthenticated')
    expectProblem(
      await server.browser().get('/v1/me', { headers: { Authorization: `Bearer ${good}` } }),
      401,
      'unauthenticated',
    )
  })

  const flipLast = (token: string) => token.slice(0, -1) + (token.endsWith('A') ? 'Q' : 'A')

  it('L12 bytes that are no HTTP are refused as a problem', async () => {
    const { email } = await signUp(server)
    for (const line of [
      'X-Junk: a\x00b',
      'X-Junk: \x1b[31m',
      'X Junk: a',
      ': a',
      'Content-Length: 3',
      'X-Junk: a\n b',
    ]) {
      const reply = await postBytes(server, '/v1/auth/login', [line], { email, password: PASSWORD })
      expectProblem(reply, 400, 'invalid-request')
    }
    const huge = await postBytes(server, '/v1/auth/login', [`X-Junk: ${'a'.repeat(200_000)}`], {
      email,
      password: PASSWORD,
    })
    expectProblem(huge, 431, 'headers-too-large')
  })

  const BAD_VALUES = [
    '[]',
    '{}',
    '["a"]',
    '{"$ne":null}',
    '17',
    'true',
    'null',
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\udc00x"',
  ]

  /** The bodies of every call that takes one, with good values. */
  const goodBodies = (email: string) => ({
    '/v1/auth/login': { email, password: PASSWORD },
    '/v1/auth/register': { email: someEmail(), password: PASSWORD, name: 'Ada' },
    '/v1/me/password': {
      currentPassword: PASSWORD,
      newPassword: 'eleven copper kettles sing',
      keepOtherSessions: false,
    },
  })

  const sendRaw = (browser: Browser, path: string, raw: string) =>
    browser.send(path === '/v1/me/password' ? 'PUT' : 'POST', path, {
      raw,
      headers: { 'Content-Type': 'application/json' },
    })

  it('L13 arrays, objects, numbers, null, U+0000 and lone surrogates for strings: 400', async () => {
    const { email, browser } = await signUp(server)
    for (const [path, good] of Object.entries(goodBodies(email))) {
      for (const field of Object.keys(good)) {
        for (const bad of BAD_VALUES.filter((text) => !(field === 'keepOtherSessions' && text === 'true'))) {
          const others = Object.entries(good).filter(([name]) => name !== field)
          const members = [...others.map(([name, text]) => `"${name}":${JSON.stringify(text)}`), `"${field}":${bad}`]
          const reply = await sendRaw(browser, path, `{${members.join(',')}}`)
          expectProblem(reply, 400, 'invalid-request')
          const { errors } = reply.body as { errors: { pointer: string }[] }
          expect(new Set(errors.map(({ pointer }) => pointer))).toEqual(new Set([`#/${field}`]))
        }
      }
    }
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('L13 duplicate keys, also by another spelling, and bodies that are no object: 400', async () => {
    const { email, browser } = await signUp(server)
    for (const [path, good] of Object.entries(goodBodies(email))) {
      const text = JSON.stringify(good)
      const [first = ''] = Object.keys(good)
      const escaped = `\\u${first.charCodeAt(0).toString(16).padStart(4, '0')}${first.slice(1)}`
      const bodies = [
        `{"${first}":"x",${text.slice(1)}`,
        `${text.slice(0, -1)},"${first}":${JSON.stringify(Object.values(good)[0])}}`,
        `{"${escaped}":"x",${text.slice(1)}`,
        ...[`[${text}]`, 'null', '"text"', '17', '', '{', `${text}${text}`, `\ufeff${text}`, text.replaceAll('"', "'")],
      ]
      for (const body of bodies) expectProblem(await sendRaw(browser, path, body), 400, 'invalid-request')
    }
  })

  it('L14 extra fields are refused, and named', async () => {
    const { email, browser, sessionId } = await signUp(server)
    for (const [path, good] of Object.entries(goodBodies(email))) {
      for (const extra of ['role', 'userId', 'isAdmin', 'sessionId', 'now', 'constructor', '__proto__', 'Email']) {
        const reply = await sendRaw(browser, path, `${JSON.stringify(good).slice(0, -1)},"${extra}":"x"}`)
        expectProblem(reply, 400, 'invalid-request')
        expect(reply.body).toMatchObject({ errors: [{ pointer: `#/${extra}`, code: 'unknown-field' }] })
      }
    }
    for (const path of ['/v1/auth/logout', '/v1/me/sessions/revoke-others']) {
      expectProblem(await browser.post(path, { userId: 'x' }), 400, 'invalid-request')
    }
    const other = await signIn(server, email)
    const dismissed = await browser.send('DELETE', `/v1/me/sessions/${other.sessionId}`, { json: { all: true } })
    expectProblem(dismissed, 400, 'invalid-request')
    for (const path of [
      '/v1/me',
      '/v1/me/security',
      '/v1/me/sessions',
      `/v1/me/sessions/${sessionId}`,
      '/v1/me/audit-events',
    ]) {
      expectProblem(await browser.get(`${path}?userId=x`), 400, 'invalid-request')
    }
    await untilProjected(server)
    expect(await isSignedIn(other.browser)).toBe(true)
  })
})
