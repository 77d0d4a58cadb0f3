import { randomBytes } from 'node:crypto'
import { stringify as formatUuid, parse as parseUuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatToken, newTokenSecret, parseToken } from '../../src/secrets/session-token.ts'
import { PASSWORD, startServer, type TestServer } from '../support/server.ts'
import { postBytes } from './raw.ts'
import {
  allEvents,
  atOnce,
  changePassword,
  countOf,
  expectProblem,
  inTurn,
  isSignedIn,
  sessionPage,
  signIn,
  signUp,
  statusesOf,
} from './support.ts'

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

let server: TestServer
/** Two nodes on one database, and no projector anywhere. */
let left: TestServer
let right: TestServer
let ahead = 0
const now = () => Date.now() + ahead

beforeAll(async () => {
  server = await startServer({ now, env: { TRUSTED_PROXIES: '127.0.0.1/32' } })
  left = await startServer({ env: { ROLES: 'api' } })
  right = await startServer({ env: { ROLES: 'api' }, database: left.database })
})
afterAll(async () => {
  await right.stop()
  await left.stop()
  await server.stop()
})

const withSession = (token: string) =>
  server.browser().get('/v1/me', { headers: { Cookie: `__Host-session=${token}` } })

describe('Sessions: the cookie', () => {
  it('S01 a planted cookie never becomes valid', async () => {
    const attacker = await signUp(server)
    const { email } = await signUp(server)
    const planted = [
      ...['planted', '0', 'null', randomBytes(84).toString('base64url')],
      formatToken({ userId: zeros, sessionId: zeros, generation: 0, secret: newTokenSecret() }),
      attacker.browser.cookies.get('__Host-session') ?? '',
    ]
    for (const value of planted) {
      const browser = server.browser()
      browser.cookies.set('__Host-session', value)
      expect((await browser.logIn(email, PASSWORD)).status).toBe(200)
      const fresh = browser.cookies.get('__Host-session')
      expect(fresh).not.toBe(value)
      expect((await browser.get('/v1/me')).body).toMatchObject({ user: { email } })
      if (value === attacker.browser.cookies.get('__Host-session')) {
        expect((await attacker.browser.get('/v1/me')).body).toMatchObject({ user: { email: attacker.email } })
      } else {
        expectProblem(await withSession(value), 401, 'unauthenticated')
      }
    }
  })

  const zeros = formatUuid(new Uint8Array(16))

  it('S02 the cookie has the flags of the contract, no Domain and no lifetime', async () => {
    const { email, browser } = await signUp(server)
    for (const reply of [
      await server.browser().logIn(email, PASSWORD),
      await changePassword(browser, PASSWORD, 'eleven copper kettles sing'),
    ]) {
      const lines = reply.headers.getSetCookie()
      expect(lines).toHaveLength(2)
      expect(lines[0]).toMatch(/^__Host-session=[\w-]{91}; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
      expect(lines[1]).toMatch(/^__Host-consistency=[\w-]+; Max-Age=10; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    }
  })

  it('S02 the token is in no body, no URL and no other header, and only commands that make one set the cookie', async () => {
    const { browser, email, sessionId } = await signUp(server)
    const other = await signIn(server, email)
    const logIn = await server.browser().logIn(email, PASSWORD)
    expect(Object.keys(logIn.body as object)).toEqual(['status', 'session'])
    const token = browser.cookies.get('__Host-session') ?? ''
    const replies = [
      await browser.get('/v1/me'),
      await browser.get('/v1/me/security'),
      await browser.get('/v1/me/sessions?state=all'),
      await browser.get(`/v1/me/sessions/${sessionId}`),
      await browser.get('/v1/me/audit-events'),
      await browser.get('/v1/password-policy'),
      await browser.get('/v1/nowhere'),
      await browser.delete(`/v1/me/sessions/${other.sessionId}`),
      await browser.post('/v1/me/sessions/revoke-others'),
    ]
    for (const reply of replies) {
      expect(reply.text).not.toContain(token)
      expect(reply.text).not.toContain(token.slice(-43))
      expect([...reply.headers].join()).not.toContain(token)
      expect(reply.headers.getSetCookie().filter((line) => !line.startsWith('__Host-consistency='))).toEqual([])
    }
    const register = await server.browser().register(`${email}.org`, PASSWORD)
    expect(register.headers.getSetCookie().filter((line) => line.startsWith('__Host-session='))).toEqual([])
  })

  it('S03 1,000 tokens of the generator are distinct and hold 256 random bits', () => {
    const secrets = Array.from({ length: 1_000 }, () => newTokenSecret())
    expect(new Set(secrets.map((secret) => secret.toString('hex'))).size).toBe(1_000)
    expect(new Set(secrets.map(({ length }) => length))).toEqual(new Set([32]))
    // Every bit is set about half of the time: 500 ± 5 standard deviations.
    for (let bit = 0; bit < 256; bit++) {
      const ones = secrets.filter((secret) => ((secret[bit >> 3] ?? 0) >> (bit & 7)) & 1).length
      expect(Math.abs(ones - 500)).toBeLessThan(80)
    }
  })

  it('S03 twenty through HTTP are distinct in all of their secret; listed ids and hashes do not authenticate', async () => {
    const { email } = await signUp(server)
    const signed = await inTurn(20, () => signIn(server, email))
    const tokens = signed.map(({ browser }) => browser.cookies.get('__Host-session') ?? '')
    const secrets = tokens.map((token) => parseToken(token)?.secret.toString('hex') ?? '')
    expect(new Set(secrets).size).toBe(20)
    expect(new Set(secrets.map(({ length }) => length))).toEqual(new Set([64]))
    const [first] = signed
    const { items } = await sessionPage(first?.browser ?? server.browser())
    const userId = parseToken(tokens[0] ?? '')?.userId ?? ''
    for (const { id, hash } of items.slice(0, 5)) {
      const forged = [
        ...[id, hash, `${id}.${hash}`, Buffer.from(hash, 'hex').toString('base64url')],
        formatToken({ userId, sessionId: id, generation: 0, secret: Buffer.alloc(32) }),
        formatToken({ userId, sessionId: id, generation: 0, secret: Buffer.from(hash.padEnd(64, '0'), 'hex') }),
        Buffer.concat([parseUuid(userId), parseUuid(id)]).toString('base64url'),
      ]
      for (const token of forged) expectProblem(await withSession(token), 401, 'unauthenticated')
    }
  })
})

describe('Sessions: limits', () => {
  it('S04 idle for 15 minutes: session-expired, once on record; activity extends, background requests do not', async () => {
    const { browser, email, sessionId } = await signUp(server)
    for (let round = 0; round < 3; round++) {
      ahead += 890_000
      expect(await isSignedIn(browser)).toBe(true)
    }
    ahead += 600_000
    expect((await browser.get('/v1/me', { headers: { 'X-Background': '1' } })).status).toBe(200)
    ahead += 301_000
    const replies = await atOnce(5, () => browser.get('/v1/me'))
    for (const reply of replies) expectProblem(reply, 401, 'session-expired')
    const later = await signIn(server, email)
    expect(countOf(await allEvents(server, later.browser), 'user.session:expired')).toBe(1)
    const { items } = await sessionPage(later.browser, 'state=ended')
    expect(items).toEqual([expect.objectContaining({ id: sessionId, endedReason: 'expired' })])
  })

  it('S05 the absolute limit of 12 hours holds despite activity', async () => {
    const { browser } = await signUp(server)
    for (let minutes = 10; minutes < 720; minutes += 10) {
      ahead += 600_000
      expect(await isSignedIn(browser)).toBe(true)
    }
    ahead += 600_000
    expectProblem(await browser.get('/v1/me'), 401, 'session-expired')
  })
})

describe('Sessions: ending them', () => {
  it('S06 after log-out the cookie is dead, and one user:logged_out is there', async () => {
    const { browser, email, sessionId } = await signUp(server)
    const stolen = browser.copy()
    const reply = await browser.post('/v1/auth/logout')
    expect(reply.status).toBe(204)
    expect(reply.headers.get('clear-site-data')).toBe('"cache", "cookies", "storage"')
    expect(browser.cookies.has('__Host-session')).toBe(false)
    expectProblem(await stolen.get('/v1/me'), 401, 'session-ended')
    expectProblem(await stolen.post('/v1/auth/logout'), 401, 'session-ended')
    const later = await signIn(server, email)
    const events = await allEvents(server, later.browser)
    expect(countOf(events, 'user:logged_out')).toBe(1)
    expect((await sessionPage(later.browser, 'state=ended')).items).toEqual([
      expect.objectContaining({ id: sessionId, status: 'ended', endedReason: 'logged_out' }),
    ])
  })

  it('S06 ten parallel log-outs leave one event', async () => {
    const { browser, email } = await signUp(server)
    const copies = Array.from({ length: 10 }, () => browser.copy())
    const statuses = statusesOf(await Promise.all(copies.map((copy) => copy.post('/v1/auth/logout'))))
    expect(statuses.filter((status) => status === 204)).toHaveLength(1)
    expect(statuses.filter((status) => status === 401)).toHaveLength(9)
    const later = await signIn(server, email)
    expect(countOf(await allEvents(server, later.browser), 'user:logged_out')).toBe(1)
  })

  it('S07 after 204 for a revoke the next request of that session is 401 on every node, with no projector anywhere', async () => {
    for (let round = 0; round < 10; round++) {
      const { browser, email } = await signUp(left)
      const victim = await signIn(right, email)
      const elsewhere = left.browser()
      for (const [name, value] of victim.browser.cookies) elsewhere.cookies.set(name, value)
      // Both nodes have the session in memory as live.
      expect([await isSignedIn(victim.browser), await isSignedIn(elsewhere)]).toEqual([true, true])
      expect((await browser.delete(`/v1/me/sessions/${victim.sessionId}`)).status).toBe(204)
      for (const reply of await Promise.all([victim.browser.get('/v1/me'), elsewhere.get('/v1/me')])) {
        expectProblem(reply, 401, 'session-ended')
      }
    }
  })

  it('S07 a command under way in a session revoked meanwhile appends nothing after the revoke', async () => {
    const outcomes = new Set<string>()
    for (let round = 0; round < 16; round++) {
      const { browser, email } = await signUp(left)
      const victim = await signIn(right, email)
      const newPassword = `the thief chose ${round} these words`
      const started = changePassword(victim.browser, PASSWORD, newPassword)
      await new Promise((resolve) => setTimeout(resolve, round))
      const revoke = await browser.delete(`/v1/me/sessions/${victim.sessionId}`)
      const change = await started
      outcomes.add(`${revoke.status} ${change.status}`)
      // The change ends the revoker's session, the revoke the changer's: never do both succeed, never neither.
      expect(['204 401', '401 204']).toContain(`${revoke.status} ${change.status}`)
      const password = change.status === 204 ? newPassword : PASSWORD
      expect((await left.browser().logIn(email, password)).status).toBe(200)
    }
  })

  it('S08 revoke-others says how many, keeps the current one, and leaves a trail for each session ended', async () => {
    const { browser, email, sessionId } = await signUp(server)
    const others = await inTurn(3, () => signIn(server, email))
    const reply = await browser.post('/v1/me/sessions/revoke-others')
    expect(reply.status).toBe(200)
    expect(reply.body).toEqual({ revoked: 3 })
    for (const other of others) expectProblem(await other.browser.get('/v1/me'), 401, 'session-ended')
    expect((await browser.get('/v1/me')).body).toMatchObject({ session: { id: sessionId } })
    expect((await sessionPage(browser)).items.map(({ id }) => id)).toEqual([sessionId])

    const events = await allEvents(server, browser)
    const revoked = events.filter(({ code }) => code === 'user.session:revoked')
    expect(new Set(revoked.map(({ data }) => data.sessionId))).toEqual(new Set(others.map((other) => other.sessionId)))
    expect(revoked.every((event) => event.sessionId === sessionId)).toBe(true)
    const summary = events.filter(({ code }) => code === 'user.session:others_revoked')
    expect(summary).toEqual([expect.objectContaining({ sessionId, data: { sessionId, revoked: 3 } })])
    expect((await browser.post('/v1/me/sessions/revoke-others')).body).toEqual({ revoked: 0 })
    expect(countOf(await allEvents(server, browser), 'user.session:revoked')).toBe(3)
  })

  it("S09 a foreign session's id is 404, like an unknown one, and that session still works", async () => {
    const [mine, foreign] = [await signUp(server), await signUp(server)]
    const unknown = '0b5a5e2e-9d3e-4a55-8f39-0d5a3d0f7a11'
    for (const id of [foreign.sessionId, unknown, foreign.sessionId.toUpperCase(), 'x', '..%2f']) {
      expectProblem(await mine.browser.delete(`/v1/me/sessions/${id}`), 404, 'not-found')
      expectProblem(await mine.browser.get(`/v1/me/sessions/${id}`), 404, 'not-found')
    }
    expect(await isSignedIn(foreign.browser)).toBe(true)
    expect((await allEvents(server, foreign.browser)).length).toBe(2)
  })

  it('S10 ten parallel revokes of one session, on two nodes, leave one event, and a repeat is 204', async () => {
    const neighbour = await startServer({ now, database: server.database, env: { ROLES: 'api' } })
    try {
      const { browser, email } = await signUp(server)
      const victim = await signIn(server, email)
      const elsewhere = neighbour.browser()
      for (const [name, value] of browser.cookies) elsewhere.cookies.set(name, value)
      const path = `/v1/me/sessions/${victim.sessionId}`
      const statuses = statusesOf(await atOnce(10, (index) => (index % 2 ? browser : elsewhere).delete(path)))
      expect(statuses).toEqual(Array(10).fill(204))
      expect((await browser.delete(path)).status).toBe(204)
      expect(countOf(await allEvents(server, browser), 'user.session:revoked')).toBe(1)
    } finally {
      await neighbour.stop()
    }
  })

  it('S10 the current session cannot be revoked, only signed out of', async () => {
    const { browser, sessionId } = await signUp(server)
    expectProblem(await browser.delete(`/v1/me/sessions/${sessionId}`), 409, 'current-session')
    expect(await isSignedIn(browser)).toBe(true)
  })
})

describe('Sessions: what is shown', () => {
  it('S11 a row has the fields of the contract and nothing else, the current one first', async () => {
    const { browser, email, sessionId } = await signUp(server, { 'User-Agent': CHROME })
    const ended = await signIn(server, email, PASSWORD, { 'User-Agent': 'curl/8.5.0' })
    const third = await signIn(server, email)
    await browser.delete(`/v1/me/sessions/${ended.sessionId}`)
    const { hash } = ((await browser.get('/v1/me')).body as { session: { hash: string } }).session

    const { items, nextCursor } = await sessionPage(browser, 'state=all')
    expect(nextCursor).toBeNull()
    expect(items.map(({ id }) => id)).toEqual([sessionId, third.sessionId, ended.sessionId])
    expect(items[0]).toEqual({
      id: sessionId,
      hash,
      status: 'active',
      endedReason: null,
      device: { type: 'desktop' },
      browser: { name: 'Chrome', version: '126.0.0.0' },
      os: { name: 'Windows', version: '10' },
      ip: '127.0.0.1',
      location: null,
      signedInAt: expect.stringMatching(INSTANT),
      lastAccessedAt: expect.stringMatching(INSTANT),
      endedAt: null,
      current: true,
    })
    expect(items[2]).toMatchObject({
      status: 'ended',
      endedReason: 'revoked',
      device: { type: 'bot' },
      browser: { name: 'curl', version: '8.5.0' },
      endedAt: expect.stringMatching(INSTANT),
      current: false,
    })
    for (const item of items) {
      expect(Object.keys(item).sort()).toEqual(Object.keys(items[0] ?? {}).sort())
      expect(item.id).toMatch(UUID)
      expect(item.hash).toMatch(/^[0-9a-f]{40}$/)
    }
    expect(new Set(items.map((item) => item.hash)).size).toBe(3)
    expect((await sessionPage(browser)).items.map(({ id }) => id)).toEqual([sessionId, third.sessionId])
    expect((await sessionPage(browser, 'state=ended')).items.map(({ id }) => id)).toEqual([ended.sessionId])
  })

  it('S11 one session comes with its user agent and its biography', async () => {
    const { browser, email, sessionId } = await signUp(server, { 'User-Agent': CHROME })
    const victim = await signIn(server, email, PASSWORD, { 'User-Agent': CHROME })
    await changePassword(victim.browser, 'not my password at all', 'eleven copper kettles sing')
    await browser.delete(`/v1/me/sessions/${victim.sessionId}`)
    const reply = await browser.get(`/v1/me/sessions/${victim.sessionId}`)
    const { events, userAgent, ...row } = reply.body as { events: { code: string }[]; userAgent: string }
    expect(userAgent).toBe(CHROME)
    expect(row).toEqual((await sessionPage(browser, 'state=ended')).items[0])
    expect(events.map(({ code }) => code)).toEqual([
      'user.session:revoked',
      'user.password:change_failed',
      'user:logged_in',
    ])
    expect((await browser.get(`/v1/me/sessions/${sessionId}`)).body).toMatchObject({ current: true })
  })

  it('S11 ended sessions page by their end, without a gap and without a double', async () => {
    const { browser, email } = await signUp(server)
    const others = await inTurn(7, () => signIn(server, email))
    for (const { sessionId } of others) await browser.delete(`/v1/me/sessions/${sessionId}`)
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page = await sessionPage(browser, `state=ended&limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`)
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    }
    expect(seen).toEqual(others.map(({ sessionId }) => sessionId).reverse())
  })

  it('S11 a hundred reads add no audit rows', async () => {
    const { browser, sessionId } = await signUp(server)
    const before = await allEvents(server, browser)
    const paths = [
      '/v1/me',
      '/v1/me/security',
      '/v1/me/sessions',
      `/v1/me/sessions/${sessionId}`,
      '/v1/me/audit-events',
    ]
    await inTurn(100, (index) => browser.get(paths[index % paths.length] ?? ''))
    expect(await allEvents(server, browser)).toEqual(before)
  })

  /** Signs in with these header lines as bytes, and gives what is listed of that session. */
  const listed = async (lines: readonly string[]) => {
    const { email, browser } = await signUp(server)
    const reply = await postBytes(server, '/v1/auth/login', lines, { email, password: PASSWORD })
    expect(reply.status).toBe(200)
    const { id } = (reply.body as { session: { id: string } }).session
    await allEvents(server, browser)
    return (await browser.get(`/v1/me/sessions/${id}`)).body as Record<string, unknown> & { userAgent: string }
  }

  it('S12 a log-in without a user agent works', async () => {
    expect(await listed([])).toMatchObject({
      userAgent: null,
      device: { type: 'other' },
      browser: { name: null, version: null },
      os: { name: null, version: null },
    })
    expect(await listed(['User-Agent:'])).toMatchObject({ userAgent: null })
  })

  it('S12 one of 20 kB works, and is stored clipped', async () => {
    const { userAgent, browser } = await listed([`User-Agent: ${CHROME} ${'x'.repeat(20_000)}`])
    expect(userAgent.startsWith(CHROME)).toBe(true)
    expect(userAgent.length).toBeLessThanOrEqual(512)
    expect(browser).toMatchObject({ name: 'Chrome' })
  })

  it('S12 controls that HTTP lets through are not stored', async () => {
    // In UTF-8: next line, a control sequence introducer, a line separator, a right-to-left override, a zero-width joiner.
    const nasty = Buffer.from(`${CHROME}\u0085\u009b31m\u2028\u202e\u200d\tend`).toString('latin1')
    const { userAgent } = await listed([`User-Agent: ${nasty}`])
    expect(userAgent).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    expect(userAgent).toContain(CHROME)
    expect(userAgent).toContain('end')
  })

  it('S12 CR, LF, NUL and ESC never get that far: HTTP has no such header, and nobody is signed in', async () => {
    const { email, browser } = await signUp(server)
    for (const value of ['a\rb', 'a\x1b[31mb', 'a\x00b', 'a\r\n b']) {
      const reply = await postBytes(server, '/v1/auth/login', [`User-Agent: ${value}`], { email, password: PASSWORD })
      expectProblem(reply, 400, 'invalid-request')
    }
    expect(countOf(await allEvents(server, browser), 'user:logged_in')).toBe(1)
  })

  it('S12 a private or unknown address has no location, a public one has', async () => {
    for (const ip of [
      '10.1.2.3',
      '192.168.1.1',
      '169.254.1.1',
      '127.0.0.1',
      '::1',
      'fd00::1',
      '100.64.0.1',
      '203.0.113.7',
    ]) {
      const row = await listed([`X-Forwarded-For: ${ip}`])
      expect(row).toMatchObject({ ip, location: null })
    }
    await expect
      .poll(async () => (await listed(['X-Forwarded-For: 8.8.8.8'])).location, { timeout: 15_000 })
      .toMatchObject({ country: 'US' })
  })
})
