import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AuditEventBody } from '../../src/http/resources/schemas.ts'
import { codeOf, stepAt } from '../support/authenticator.ts'
import type { Browser } from '../support/browser.ts'
import { PASSWORD, startServer, type TestServer } from '../support/server.ts'
import { disable, enrol, verify } from './second-factor-support.ts'
import {
  allEvents,
  atOnce,
  auditPage,
  changePassword,
  codesOf,
  countOf,
  expectProblem,
  inTurn,
  type Person,
  sessionPage,
  signIn,
  signUp,
  untilProjected,
} from './support.ts'

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1'
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const NEW_PASSWORD = 'eleven copper kettles sing'

let server: TestServer
let neighbour: TestServer
let ahead = 0
const now = () => Date.now() + ahead

beforeAll(async () => {
  const env = { TRUSTED_PROXIES: '127.0.0.1/32' }
  server = await startServer({ now, env })
  neighbour = await startServer({ now, database: server.database, env: { ...env, ROLES: 'api' } })
  // Location data load beside the start; until they are there, every location is null.
  const { email, browser } = await signUp(server)
  const options = { timeout: 25_000, interval: 100 }
  await vi.waitFor(async () => {
    await server.browser(fromVienna).logIn(email, PASSWORD)
    expect((await allEvents(server, browser))[0]?.location).not.toBeNull()
  }, options)
})
afterAll(async () => {
  await neighbour.stop()
  await server.stop()
})

/** An address of the University of Vienna, as a trusted proxy passes it on. */
const fromVienna = { 'X-Forwarded-For': '131.130.1.1', 'User-Agent': CHROME }
const fromGoogle = { 'X-Forwarded-For': '8.8.8.8', 'User-Agent': IPHONE }

const eventOf = (events: readonly AuditEventBody[], code: string): AuditEventBody => {
  const found = events.filter((event) => event.code === code)
  expect(found).toHaveLength(1)
  const [event] = found
  if (event === undefined) throw new Error(`no ${code}`)
  return event
}

describe('Audit: what an event tells', () => {
  it('A01 each code built here leaves exactly one event with all of its fields', async () => {
    const started = new Date(now()).toISOString()
    const { browser, email, sessionId } = await signUp(server, fromVienna)
    const { id: userId } = ((await browser.get('/v1/me')).body as { user: { id: string } }).user
    await server.browser(fromGoogle).logIn(email, 'a wrong password')
    const phone = await signIn(server, email, PASSWORD, fromGoogle)
    await phone.browser.post('/v1/auth/logout')
    await changePassword(browser, PASSWORD, NEW_PASSWORD)
    const events = await allEvents(server, browser)
    const ended = new Date(now()).toISOString()

    expect(codesOf(events)).toEqual([
      'user.password:changed',
      'user:logged_out',
      'user:logged_in',
      'user:login_failed',
      'user:logged_in',
      'user:registered',
    ])
    const { items: sessions } = await sessionPage(browser, 'state=all')
    const hashOf = (id: string) => sessions.find((session) => session.id === id)?.hash
    const laptop = {
      ip: '131.130.1.1',
      location: { country: 'AT', region: expect.anything(), city: expect.anything() },
      device: { type: 'desktop' },
      browser: { name: 'Chrome', version: '126.0.0.0' },
      os: { name: 'Windows', version: '10' },
      userAgent: CHROME,
      sessionHash: hashOf(sessionId),
      sessionId,
      actor: { kind: 'user', id: userId },
    }
    const telephone = {
      ip: '8.8.8.8',
      location: { country: 'US', region: null, city: null },
      device: { type: 'mobile' },
      browser: { name: 'Mobile Safari', version: '17.5' },
      os: { name: 'iOS', version: '17.5' },
      userAgent: IPHONE,
      sessionHash: hashOf(phone.sessionId),
      sessionId: phone.sessionId,
      actor: { kind: 'user', id: userId },
    }
    const any = {
      id: expect.stringMatching(UUID),
      occurredAt: expect.stringMatching(INSTANT),
      fingerprint: null,
      outcome: 'success',
    }
    expect(eventOf(events, 'user.password:changed')).toEqual({
      ...any,
      ...laptop,
      sequence: 6,
      code: 'user.password:changed',
      message: 'Password changed',
      data: { by: 'owner', rotated: { sessionId, generation: 1 } },
    })
    expect(eventOf(events, 'user:logged_out')).toEqual({
      ...any,
      ...telephone,
      sequence: 5,
      code: 'user:logged_out',
      message: 'Logged out',
      data: { sessionId: phone.sessionId },
    })
    expect(eventOf(events.slice(0, 3), 'user:logged_in')).toEqual({
      ...any,
      ...telephone,
      sequence: 4,
      code: 'user:logged_in',
      message: 'Logged in',
      data: {
        ...{ sessionId: phone.sessionId, method: 'password', challengeId: null, step: null },
        unfamiliar: ['device', 'country'],
      },
    })
    expect(eventOf(events, 'user:login_failed')).toEqual({
      ...any,
      ...telephone,
      outcome: 'failure',
      sequence: 3,
      code: 'user:login_failed',
      message: 'Login failed',
      sessionHash: null,
      sessionId: null,
      // Whoever it was, they did not prove to be this user.
      actor: { kind: 'anonymous', id: null },
      data: { method: 'password', failures: 1 },
    })
    for (const { occurredAt } of events) {
      expect(occurredAt >= started && occurredAt <= ended).toBe(true)
    }
    expect(new Set(events.map(({ id }) => id)).size).toBe(6)
    for (const event of events) {
      expect((await browser.get(`/v1/me/audit-events/${event.id}`)).body).toEqual(event)
    }
  })

  it('A01 each of the nine codes leaves exactly one event, with everything that is known of it', async () => {
    const { browser, email } = await signUp(server, fromVienna)
    const version = async (path: string) => (await browser.get(path)).headers.get('etag') ?? ''
    const patch = async (path: string, json: object) => {
      const headers = { 'If-Match': await version(path) }
      expect((await browser.send('PATCH', path, { json, headers })).status).toBe(200)
    }
    await server.browser(fromVienna).logIn(email, 'a wrong password')
    await patch('/v1/me/profile', { phone: '+4312345678' })
    await patch('/v1/me/preferences', { language: 'de' })
    const enrollment = await enrol(browser)
    const verified = await verify(browser, enrollment, codeOf(enrollment.secret, stepAt(now())))
    const { backupCodes } = verified.body as { backupCodes: readonly string[] }
    expect((await disable(browser, backupCodes[0], 'backup_code')).status).toBe(204)
    expect((await changePassword(browser, PASSWORD, NEW_PASSWORD)).status).toBe(204)
    const reset = await server.browser(fromVienna).post('/v1/auth/password-resets', { email })
    expect(reset.status).toBe(202)
    const before = await allEvents(server, browser)
    expect((await browser.post('/v1/auth/logout')).status).toBe(204)
    const again = await signIn(server, email, NEW_PASSWORD, fromVienna)
    const all = await allEvents(server, again.browser)

    expect(countOf(before, 'user:logged_in')).toBe(1)
    const successes = {
      'user:logged_out': 'Logged out',
      'user.password:reset_requested': 'Requested a password reset',
      'user.profile:updated': 'Profile updated',
      'user.preferences:updated': 'Preferences updated',
      'user.password:changed': 'Password changed',
      'user.2fa:enabled': '2FA enabled',
      'user.2fa:disabled': '2FA disabled',
    }
    const where = {
      ip: '131.130.1.1',
      location: { country: 'AT', region: expect.anything(), city: expect.anything() },
      device: { type: 'desktop' },
      browser: { name: 'Chrome', version: '126.0.0.0' },
      os: { name: 'Windows', version: '10' },
      userAgent: CHROME,
      occurredAt: expect.stringMatching(INSTANT),
    }
    for (const [code, message] of Object.entries(successes)) {
      expect(countOf(all, code)).toBe(1)
      expect(eventOf(all, code)).toMatchObject({ ...where, code, message, outcome: 'success' })
    }
    for (const [code, outcome] of [
      ['user:logged_in', 'success'],
      ['user:login_failed', 'failure'],
    ] as const) {
      expect(countOf(before, code)).toBe(1)
      expect(eventOf(before, code)).toMatchObject({ ...where, code, outcome })
    }
    const inSession = ['user:logged_out', 'user.profile:updated', 'user.2fa:enabled', 'user.2fa:disabled']
    for (const code of inSession) expect(eventOf(all, code)?.sessionHash).toMatch(/^[0-9a-f]{40}$/)
    for (const code of ['user:login_failed', 'user.password:reset_requested']) {
      expect(eventOf(all, code)?.sessionHash).toBeNull()
    }
  })

  it('A15 failures against a real account are visible to its owner: who tried what from where, and the lock', async () => {
    const { browser, email } = await signUp(server, fromVienna)
    await inTurn(10, () => server.browser(fromGoogle).logIn(email, 'a wrong password'))
    const events = await allEvents(server, browser)
    const failed = events.filter(({ code }) => code === 'user:login_failed')
    expect(failed).toHaveLength(10)
    for (const event of [...failed, eventOf(events, 'user:locked')]) {
      expect(event).toMatchObject({
        ...{ outcome: 'failure', actor: { kind: 'anonymous', id: null }, sessionId: null, sessionHash: null },
        ...{ ip: '8.8.8.8', location: { country: 'US' }, device: { type: 'mobile' }, userAgent: IPHONE },
      })
    }
    expect(failed.map(({ data }) => data.failures)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
  })

  it('A02 the sequence of a user has no gap, whatever is done at once on two nodes', async () => {
    const { browser, email } = await signUp(server)
    const elsewhere = neighbour.browser()
    for (const [name, value] of browser.cookies) elsewhere.cookies.set(name, value)
    await atOnce(40, async (index) => {
      const node = index % 2 === 0 ? server : neighbour
      if (index % 4 < 2) await node.browser().logIn(email, PASSWORD)
      else if (index % 8 < 5) await node.browser().logIn(email, 'a wrong password')
      else if (index % 8 < 7) await changePassword(index % 2 === 0 ? browser : elsewhere, 'wrong', NEW_PASSWORD)
      else await elsewhere.post('/v1/me/sessions/revoke-others')
    })
    const events = await allEvents(server, browser)
    expect(events.length).toBeGreaterThan(25)
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => events.length - index))
  })

  it('A03 a user sees only their own: no list, filter, id or cursor reaches those of another', async () => {
    const mine = await signUp(server)
    const theirs = await signUp(server)
    await inTurn(3, () => signIn(server, theirs.email))
    const foreign = await allEvents(server, theirs.browser)
    const own = new Set((await allEvents(server, mine.browser)).map(({ id }) => id))
    expect(own.size).toBe(2)
    expect(foreign.some(({ id }) => own.has(id))).toBe(false)
    for (const { id } of foreign) expectProblem(await mine.browser.get(`/v1/me/audit-events/${id}`), 404, 'not-found')
    const [first] = foreign
    for (const session of [first?.sessionId, first?.sessionHash]) {
      expect((await auditPage(mine.browser, `session=${session}`)).items).toEqual([])
    }
    const { nextCursor } = await auditPage(theirs.browser, 'limit=1')
    for (const list of ['audit-events', 'sessions']) {
      expectProblem(await mine.browser.get(`/v1/me/${list}?cursor=${nextCursor}`), 400, 'invalid-request')
    }
    expectProblem(await server.browser().get('/v1/me/audit-events'), 401, 'unauthenticated')
  })

  it('A04 PUT, PATCH, POST and DELETE on events: 405, and the history stays', async () => {
    const { browser } = await signUp(server)
    const before = await allEvents(server, browser)
    for (const path of ['/v1/me/audit-events', `/v1/me/audit-events/${before[0]?.id}`]) {
      for (const method of ['PUT', 'PATCH', 'POST', 'DELETE']) {
        const reply = await browser.send(method, path, { json: { code: 'user:logged_in' } })
        expectProblem(reply, 405, 'method-not-allowed')
        expect(reply.headers.get('allow')).toBe('GET, HEAD, OPTIONS')
      }
    }
    expect(await allEvents(server, browser)).toEqual(before)
  })
})

describe('Audit: pages', () => {
  const pageThrough = async (browser: Browser, query: string, between: () => Promise<unknown> = async () => {}) => {
    const seen: AuditEventBody[] = []
    let cursor: string | null = null
    do {
      const page = await auditPage(browser, `${query}${cursor === null ? '' : `&cursor=${cursor}`}`)
      seen.push(...page.items)
      cursor = page.nextCursor
      await between()
    } while (cursor !== null)
    return seen
  }

  it('A06 appends while paging: no duplicate and no gap', async () => {
    const { browser, email } = await signUp(server)
    await inTurn(9, () => signIn(server, email))
    const before = await allEvents(server, browser)
    expect(before).toHaveLength(11)
    for (const limit of [2, 5, 11]) {
      const seen = await pageThrough(browser, `limit=${limit}`, async () => {
        await signIn(server, email)
        await server.browser().logIn(email, 'a wrong password')
        await untilProjected(server)
      })
      const first = seen.findIndex(({ id }) => id === before[0]?.id)
      expect(seen.slice(first)).toEqual(before)
      const sequences = seen.map(({ sequence }) => sequence)
      expect(sequences).toEqual(sequences.map((_, index) => seen.length - index))
    }
  })

  it('A06 a filter pages as a whole list does, and the last full page says that it is the last', async () => {
    const { browser, email } = await signUp(server)
    await inTurn(5, async () => {
      await signIn(server, email)
      await server.browser().logIn(email, 'a wrong password')
    })
    const all = await allEvents(server, browser)
    const logIns = all.filter(({ code }) => code === 'user:logged_in')
    expect(await pageThrough(browser, 'code=user:logged_in&limit=2')).toEqual(logIns)
    expect((await auditPage(browser, `limit=${all.length}`)).nextCursor).toBeNull()
    expect((await auditPage(browser, `limit=${all.length - 1}`)).nextCursor).not.toBeNull()
  })

  it('A06 a forged cursor, an unknown filter and a limit out of range are 400', async () => {
    const { browser, email } = await signUp(server)
    const other = await signIn(server, email)
    await browser.delete(`/v1/me/sessions/${other.sessionId}`)
    const { nextCursor } = await auditPage(browser, 'limit=1')
    const cursor = nextCursor ?? ''
    const forged = [
      '',
      '1',
      'x',
      `${cursor}A`,
      cursor.slice(1),
      cursor.slice(0, -4),
      cursor.toUpperCase(),
      'x'.repeat(5_000),
    ]
    for (const text of forged) {
      expectProblem(await browser.get(`/v1/me/audit-events?cursor=${text}`), 400, 'invalid-request')
    }
    // A good one, of the other list.
    expectProblem(await browser.get(`/v1/me/sessions?state=ended&cursor=${cursor}`), 400, 'invalid-request')
    const bad = [
      ...[
        'foo=1',
        'user=x',
        'CODE=user:logged_in',
        'code=user:nothing',
        'code=',
        'outcome=maybe',
        'outcome=success&outcome=failure',
      ],
      ...[
        'from=yesterday',
        'from=2026-01-01',
        'to=',
        'ip=',
        'ip=8.8.8',
        'ip=example.com',
        'country=at',
        'country=AUT',
        'device=toaster',
        'session=x',
      ],
      ...[
        'limit=0',
        'limit=201',
        'limit=-1',
        'limit=1.5',
        'limit=x',
        'limit=',
        'limit=1e1',
        'limit=0x10',
        'limit=+5',
        'limit=2&limit=3',
      ],
      ...['ip=%00', 'ip=%ff', 'code[]=user:logged_in', '__proto__=1'],
    ]
    for (const query of bad) {
      const reply = await browser.get(`/v1/me/audit-events?${query}`)
      expect([query, reply.status]).toEqual([query, 400])
      expectProblem(reply, 400, 'invalid-request')
      expect(reply.body).toMatchObject({ errors: [{ pointer: expect.stringMatching(/^#\/query/) }] })
    }
  })
})

describe('Audit: filters', () => {
  let person: Person
  let phone: Omit<Person, 'email'>
  let all: readonly AuditEventBody[]

  beforeAll(async () => {
    person = await signUp(server, fromVienna)
    ahead += 10_000
    await server.browser(fromGoogle).logIn(person.email, 'a wrong password')
    ahead += 10_000
    phone = await signIn(server, person.email, PASSWORD, fromGoogle)
    ahead += 10_000
    await changePassword(phone.browser, 'a wrong password', NEW_PASSWORD)
    await person.browser.delete(`/v1/me/sessions/${phone.sessionId}`)
    all = await allEvents(server, person.browser)
    expect(codesOf(all)).toEqual([
      'user.session:revoked',
      'user.password:change_failed',
      'user:logged_in',
      'user:login_failed',
      'user:logged_in',
      'user:registered',
    ])
  })

  const found = async (query: string) => (await auditPage(person.browser, query)).items
  const those = (keep: (event: AuditEventBody) => boolean) => all.filter(keep)

  it('A06 code, once and repeated', async () => {
    expect(await found('code=user:logged_in')).toEqual(those(({ code }) => code === 'user:logged_in'))
    const both = ['user:logged_in', 'user:login_failed']
    expect(await found('code=user:logged_in&code=user:login_failed')).toEqual(those(({ code }) => both.includes(code)))
    expect(await found('code=user.2fa:enabled')).toEqual([])
  })

  it('A06 outcome', async () => {
    expect(await found('outcome=failure')).toEqual(those(({ outcome }) => outcome === 'failure'))
    expect(await found('outcome=failure')).toHaveLength(2)
    expect(await found('outcome=success')).toHaveLength(4)
  })

  it('A06 from is inclusive, to is exclusive, and both take any offset', async () => {
    const at = all[3]?.occurredAt ?? ''
    expect(await found(`from=${at}`)).toEqual(those(({ occurredAt }) => occurredAt >= at))
    expect(await found(`to=${at}`)).toEqual(those(({ occurredAt }) => occurredAt < at))
    expect(await found(`from=${at}&to=${all[2]?.occurredAt}`)).toEqual([all[3]])
    const twoHoursEast = new Date(Date.parse(at) + 7_200_000).toISOString().replace('Z', '%2B02:00')
    expect(await found(`from=${twoHoursEast}`)).toEqual(those(({ occurredAt }) => occurredAt >= at))
  })

  it('A06 ip, country and device', async () => {
    expect(await found('ip=8.8.8.8')).toEqual(those(({ ip }) => ip === '8.8.8.8'))
    expect(await found('ip=8.8.8.8')).toHaveLength(3)
    expect(await found('ip=::ffff:8.8.8.8')).toEqual(await found('ip=8.8.8.8'))
    expect(await found('country=US')).toEqual(those(({ location }) => location?.country === 'US'))
    expect(await found('country=US')).toHaveLength(3)
    expect(await found('device=desktop')).toEqual(those(({ device }) => device?.type === 'desktop'))
    expect(await found('device=desktop')).toHaveLength(2)
  })

  it('A06 session, by id or by hash: what it did and what was done to it', async () => {
    const biography = those(({ sessionId, data }) => [sessionId, data.sessionId].includes(phone.sessionId))
    expect(codesOf(biography)).toEqual(['user.session:revoked', 'user.password:change_failed', 'user:logged_in'])
    const hash = biography[1]?.sessionHash
    expect(await found(`session=${phone.sessionId}`)).toEqual(biography)
    expect(await found(`session=${hash}`)).toEqual(biography)
  })

  it('A06 all of them together narrow down', async () => {
    const query = `code=user:logged_in&outcome=success&ip=8.8.8.8&country=US&device=mobile&session=${phone.sessionId}`
    expect(await found(`${query}&from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z`)).toEqual([all[2]])
    expect(await found(`${query}&to=2020-01-01T00:00:00Z`)).toEqual([])
  })
})
