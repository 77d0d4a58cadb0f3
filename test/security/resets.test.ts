/** Forgotten passwords, "not me" and the links that carry them. What the mails say is in mails.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Browser, Reply } from '../support/browser.ts'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'
import { type Links, openLinks } from './links.ts'
import { challenged, code, complete, openClock, protect } from './second-factor-support.ts'
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
  sql,
  statusesOf,
  untilProjected,
} from './support.ts'

const NEW = 'eleven copper kettles sing'
const HOUR = 3_600_000

const clock = openClock()
let server: TestServer
let neighbour: TestServer
let links: Links

beforeAll(async () => {
  const env = { SESSION_IDLE_SECONDS: '31536000', SESSION_ABSOLUTE_SECONDS: '31536000' }
  server = await startServer({ now: clock.now, env })
  neighbour = await startServer({ now: clock.now, database: server.database, env: { ...env, ROLES: 'api' } })
  links = await openLinks(server)
})
afterAll(async () => {
  await neighbour.stop()
  await server.stop()
})

const ask = (email: string, browser: Browser = server.browser()): Promise<Reply> =>
  browser.post('/v1/auth/password-resets', { email })

const confirm = (token: unknown, newPassword: unknown = NEW, browser: Browser = server.browser()): Promise<Reply> =>
  browser.post('/v1/auth/password-resets/confirm', { token, newPassword })

const idOf = async (browser: Browser): Promise<string> =>
  ((await browser.get('/v1/me')).body as { user: { id: string } }).user.id

const resetToken = (userId: string): Promise<string> => links.of(userId, 'user.password:reset_requested', 'reset')

interface Forgetful extends Person {
  readonly userId: string
  readonly token: string
}

/** Signed in still, and with a link in the mail. */
const forgetful = async (): Promise<Forgetful> => {
  const person = await signUp(server)
  const userId = await idOf(person.browser)
  expect((await ask(person.email)).status).toBe(202)
  return { ...person, userId, token: await resetToken(userId) }
}

describe('asking for a reset', () => {
  it('R06 is answered alike for a known address, an unknown one and what is no address', async () => {
    const { email } = await signUp(server)
    const replies = [await ask(email), await ask(someEmail()), await ask('not an address')]
    for (const { status, text, headers } of replies) {
      expect({ status, text }).toEqual({ status: 202, text: '' })
      expect([...headers.keys()].sort()).toEqual([...(replies[1]?.headers.keys() ?? [])].sort())
      expect(headers.get('consistency-token')).toBeNull()
      expect(headers.getSetCookie()).toEqual([])
    }
  })

  it('R06 more than three an hour are recorded no more, and so mailed no more; an hour later they are', async () => {
    const { email, browser } = await signUp(server)
    expect(statusesOf(await atOnce(8, () => ask(email)))).toEqual(Array(8).fill(202))
    expect(countOf(await allEvents(server, browser), 'user.password:reset_requested')).toBe(3)
    clock.forward(HOUR)
    await ask(email)
    expect(countOf(await allEvents(server, browser), 'user.password:reset_requested')).toBe(4)
  })

  it('A01 leaves one event, with where it came from and without a session or an identity', async () => {
    const { email, browser } = await signUp(server)
    await ask(
      email,
      server.browser({ 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0' }),
    )
    const events = (await allEvents(server, browser)).filter(({ code }) => code === 'user.password:reset_requested')
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({
      message: 'Requested a password reset',
      outcome: 'success',
      ip: '127.0.0.1',
      location: null,
      device: { type: 'desktop' },
      browser: { name: 'Firefox' },
      os: { name: 'Linux' },
      sessionHash: null,
      sessionId: null,
      actor: { kind: 'anonymous', id: null },
      data: {},
    })
  })

  it.each([
    ['Cyrillic', 'а'],
    ['full-width', 'ａ'],
    ['combining', 'a\u0300'],
    ['zero-width', 'a\u200b'],
  ])('R11 a %s variant of an address reaches nobody', async (_, letter) => {
    const local = `ada-${someEmail()}`
    const browser = server.browser()
    await browser.register(local, PASSWORD)
    await browser.logIn(local, PASSWORD)
    expect((await ask(local.replace('a', letter))).status).toBe(202)
    expect(countOf(await allEvents(server, browser), 'user.password:reset_requested')).toBe(0)
    expect((await ask(local.toUpperCase())).status).toBe(202)
    expect(countOf(await allEvents(server, browser), 'user.password:reset_requested')).toBe(1)
  })

  it('R09 without an address, or with something else in its place, is a bad request', async () => {
    for (const email of [undefined, null, [], {}, 5, '', 'a\u0000b@example.com', `${'x'.repeat(2_000)}@example.com`]) {
      expectProblem(await server.browser().post('/v1/auth/password-resets', { email }), 400, 'invalid-request')
    }
  })
})

describe('using the link', () => {
  it('R10 sets the password, signs nobody in and ends every session', async () => {
    const { email, browser, token } = await forgetful()
    const other = await signIn(server, email)
    const resetting = server.browser()
    const reply = await confirm(token, NEW, resetting)
    expect(reply.status).toBe(204)
    expect(resetting.cookies.has('__Host-session')).toBe(false)
    for (const ended of [browser, other.browser]) {
      expectProblem(await ended.get('/v1/me'), 401, 'session-ended')
    }
    expectProblem(await neighbour.browser().logIn(email, PASSWORD), 401, 'invalid-credentials')
    const again = await signIn(server, email, NEW)
    const events = await allEvents(server, again.browser)
    const reasons = events.filter(({ code }) => code === 'user.session:ended').map(({ data }) => data.reason)
    expect(reasons).toEqual(['password_reset', 'password_reset'])
    expect(events.find(({ code }) => code === 'user.password:changed')?.data).toEqual({
      by: 'password_reset',
      rotated: null,
    })
  })

  it('R08 works once under twenty tries at once, on two nodes', async () => {
    const { email, token } = await forgetful()
    const replies = await atOnce(20, (index) =>
      confirm(token, `${NEW} ${index}`, (index % 2 === 0 ? server : neighbour).browser()),
    )
    const passed = replies.flatMap(({ status }, index) => (status === 204 ? [index] : []))
    expect(passed).toHaveLength(1)
    expect(statusesOf(replies).filter((status) => status === 410)).toHaveLength(19)
    const { browser } = await signIn(server, email, `${NEW} ${passed[0]}`)
    expect(countOf(await allEvents(server, browser), 'user.password:changed')).toBe(1)
  })

  it('R08 expires', async () => {
    const { email, token } = await forgetful()
    clock.forward(HOUR)
    expectProblem(await confirm(token), 410, 'token-invalid')
    await signIn(server, email)
  })

  it('R08 dies with a newer one', async () => {
    const { email, userId, token } = await forgetful()
    await ask(email)
    expectProblem(await confirm(token), 410, 'token-invalid')
    expect((await confirm(await resetToken(userId))).status).toBe(204)
  })

  it('R08 dies with a change of the password', async () => {
    const { browser, token } = await forgetful()
    expect((await changePassword(browser, PASSWORD, NEW)).status).toBe(204)
    expectProblem(await confirm(token, 'nine marble ladders lean'), 410, 'token-invalid')
  })

  it('R09 no token, null, a list or a number is a bad request', async () => {
    for (const token of [undefined, null, [], ['x'], 5, {}, '', 'x'.repeat(513)]) {
      expectProblem(await confirm(token), 400, 'invalid-request')
    }
  })

  it('R09 another kind of token, or a token with one character changed, opens nothing', async () => {
    const { userId, browser, token } = await forgetful()
    const others = [
      await links.of(userId, 'user.password:reset_requested', 'not-me'),
      await links.of(userId, 'user.password:reset_requested', 'email-new'),
      await links.of(userId, 'user:logged_in', 'reset'),
      browser.cookies.get('__Host-session') ?? '',
      `${token}A`,
      token.slice(0, -1),
      `${token} `,
      token.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A')),
      token.replace(/.(?=.{20}$)/, (letter) => (letter === 'A' ? 'B' : 'A')),
    ]
    for (const other of others) expectProblem(await confirm(other), 410, 'token-invalid')
    expect((await confirm(token)).status).toBe(204)
  })

  it('L04 ends the lock', async () => {
    const { email, token } = await forgetful()
    await inTurn(10, (index) => server.browser().logIn(email, `wrong guess ${index}`))
    expectProblem(await server.browser().logIn(email, PASSWORD), 429, 'login-throttled')
    expect((await confirm(token)).status).toBe(204)
    const { browser } = await signIn(server, email, NEW)
    expect((await allEvents(server, browser)).find(({ code }) => code === 'user:unlocked')?.data).toEqual({
      by: 'password_reset',
    })
  })

  it('T19 does not skip the second factor', async () => {
    const { email, browser, token } = await forgetful()
    await protect(browser, clock)
    expect((await confirm(token)).status).toBe(204)
    const half = await challenged(server, { email }, NEW)
    expect(half.cookies.has('__Host-session')).toBe(false)
    expect((await half.get('/v1/me')).status).toBe(401)
  })

  it('P10 a log-in with the old password that races the reset is not signed in after it', async () => {
    const { email, token } = await forgetful()
    const browsers = Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? server : neighbour).browser())
    const [reply] = await Promise.all([confirm(token), ...browsers.map((browser) => browser.logIn(email, PASSWORD))])
    expect(reply?.status).toBe(204)
    for (const browser of browsers) expect(await isSignedIn(browser)).toBe(false)
  })
})

describe('the new password', () => {
  const refusedAs = async (token: string, newPassword: string, code: string): Promise<void> => {
    const reply = await confirm(token, newPassword)
    expectProblem(reply, 422, code)
    expect(reply.body).not.toMatchObject({ detail: expect.stringContaining(newPassword) })
  }

  it('P01 P06 P07 is held against the policy, and a refusal leaves the link good', async () => {
    const { email, token } = await forgetful()
    await refusedAs(token, 'elevenchars', 'password-too-short')
    await refusedAs(token, 'passwordpassword', 'password-blocklisted')
    await refusedAs(token, `${email}!!`, 'password-context')
    await refusedAs(token, 'strongroom1234', 'password-context')
    expect((await confirm(token)).status).toBe(204)
  })

  it('P08 is none of the last four', async () => {
    const { email, browser, userId } = await forgetful()
    const used = [
      PASSWORD,
      'first new password ok',
      'second new password ok',
      'third new password ok',
      'fourth new one ok',
    ]
    for (let index = 1; index < used.length; index++) {
      expect((await changePassword(browser, used[index - 1] ?? '', used[index] ?? '')).status).toBe(204)
    }
    await ask(email)
    const token = await resetToken(userId)
    for (const password of used.slice(1)) await refusedAs(token, password, 'password-reused')
    expect((await confirm(token, used[0])).status).toBe(204)
  })

  it('P02 P04 works whole and in either normal form', async () => {
    const { email, token } = await forgetful()
    const long = `Zürich \u{1f511} ${'ab cd '.repeat(16)}`.slice(0, 100)
    expect((await confirm(token, long.normalize('NFD'))).status).toBe(204)
    expectProblem(await server.browser().logIn(email, long.slice(0, 72)), 401, 'invalid-credentials')
    await signIn(server, email, long.normalize('NFC'))
  })

  it('P03 of a megabyte is refused at once', async () => {
    const { token } = await forgetful()
    const start = performance.now()
    expectProblem(await confirm(token, 'x'.repeat(1_048_576)), 413, 'content-too-large')
    expect(performance.now() - start).toBeLessThan(1_000)
    expectProblem(await confirm(token, 'x'.repeat(60_000)), 400, 'invalid-request')
  })
})

describe('"this was not me"', () => {
  const page = (token: string): Promise<Reply> => server.browser().get(`/v1/auth/not-me?token=${token}`)
  const report = (token: unknown, browser: Browser = server.browser()): Promise<Reply> =>
    browser.post('/v1/auth/not-me', { token })

  const told = async (): Promise<Forgetful> => {
    const person = await signUp(server)
    const userId = await idOf(person.browser)
    return { ...person, userId, token: await links.of(userId, 'user:logged_in', 'not-me') }
  }

  it('opening the link changes nothing, however often a scanner follows it', async () => {
    const { browser, token } = await told()
    const before = await allEvents(server, browser)
    for (const reply of await atOnce(5, () => page(token))) expect(reply.status).toBe(200)
    expect((await server.browser().send('HEAD', `/v1/auth/not-me?token=${token}`)).status).toBe(200)
    expect(await allEvents(server, browser)).toEqual(before)
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('the page is one text for every token, runs no inline script and loads nothing from elsewhere', async () => {
    const [reply, other] = [await page('a%22%3E%3Cscript%3E'), await page('b')]
    expect(reply.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(reply.text).toBe(other.text)
    expect(reply.headers.get('referrer-policy')).toBe('no-referrer')
    expect(reply.headers.get('cache-control')).toBe('no-store')
    const policy = reply.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("script-src 'self';")
    expect(policy).not.toContain('unsafe')
    expect([...reply.text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url)).toEqual([
      '/v1/auth/not-me/page.js',
    ])
    expect(reply.text).not.toMatch(/<script(?![^>]*\bsrc=)| on[a-z]+=|style=/)
    const script = await server.browser().get('/v1/auth/not-me/page.js')
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  })

  it('ends every session, shuts sign-in by password and mails a reset that opens it again', async () => {
    const { email, browser, userId, token } = await told()
    const intruder = await signIn(server, email)
    expect((await report(token)).status).toBe(204)
    for (const ended of [browser, intruder.browser]) expectProblem(await ended.get('/v1/me'), 401, 'session-ended')
    expectProblem(await server.browser().logIn(email, PASSWORD), 429, 'login-throttled')
    clock.forward(2 * HOUR)
    expectProblem(await neighbour.browser().logIn(email, PASSWORD), 429, 'login-throttled')
    await ask(email)
    expect((await confirm(await resetToken(userId))).status).toBe(204)
    const events = await allEvents(server, (await signIn(server, email, NEW)).browser)
    expect(countOf(events, 'user:compromise_reported')).toBe(1)
    expect(countOf(events, 'user.session:revoked')).toBe(2)
  })

  it('works once under twenty tries at once, on two nodes', async () => {
    const { userId, token } = await told()
    const replies = await atOnce(20, (index) => report(token, (index % 2 === 0 ? server : neighbour).browser()))
    expect([...statusesOf(replies)].sort()).toEqual([204, ...Array(19).fill(410)])
    await untilProjected(server)
    const reports = `select count(*)::int as count from read.auditlog where user_id = $1 and code = 'user:compromise_reported'`
    expect(await sql(server, reports, [userId])).toEqual([{ count: 1 }])
  })

  it('expires after a week', async () => {
    const { browser, token } = await told()
    clock.forward(7 * 24 * HOUR)
    expectProblem(await report(token), 410, 'token-invalid')
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('a challenge begun before it signs nobody in', async () => {
    const { email, browser, token } = await told()
    const { secret } = await protect(browser, clock)
    const intruder = await challenged(server, { email })
    expect((await report(token)).status).toBe(204)
    expect((await complete(intruder, code(clock, secret))).status).not.toBe(200)
    expect(await isSignedIn(intruder)).toBe(false)
  })

  it('R09 no token or another kind of token is refused', async () => {
    const { userId, browser } = await told()
    for (const token of [undefined, null, [], 5, '']) expectProblem(await report(token), 400, 'invalid-request')
    const others = [await links.of(userId, 'user:logged_in', 'reset'), 'junk', browser.cookies.get('__Host-session')]
    for (const token of others) expectProblem(await report(token), 410, 'token-invalid')
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('R01 R02 R03 is taken from no other origin, as no form and by no other method', async () => {
    const { browser, token } = await told()
    const post = (headers: Record<string, string>) => server.browser().post('/v1/auth/not-me', { token }, { headers })
    expectProblem(await post({ Origin: 'https://evil.example' }), 403, 'forbidden-origin')
    expectProblem(await post({ 'Content-Type': 'application/x-www-form-urlencoded' }), 415, 'unsupported-media-type')
    expectProblem(await server.browser().put('/v1/auth/not-me', { token }), 405, 'method-not-allowed')
    expect(await isSignedIn(browser)).toBe(true)
  })
})
