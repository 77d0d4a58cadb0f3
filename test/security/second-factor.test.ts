import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromBase32 } from '../support/authenticator.ts'
import { PASSWORD, startServer, type TestServer } from '../support/server.ts'
import {
  challenged,
  code,
  complete,
  disable,
  enrol,
  nextStep,
  openClock,
  protect,
  signInProtected,
  signUpProtected,
  verify,
  wrongCode,
} from './second-factor-support.ts'
import {
  allEvents,
  atOnce,
  changePassword,
  codesOf,
  countOf,
  expectProblem,
  inTurn,
  isSignedIn,
  sessionPage,
  signIn,
  signUp,
  statusesOf,
} from './support.ts'

const NEW_PASSWORD = 'eleven copper kettles sing'

const clock = openClock()
let server: TestServer

beforeAll(async () => {
  server = await startServer({ now: clock.now, env: { SUDO_SECONDS: '300', SESSION_IDLE_SECONDS: '86400' } })
})
afterAll(() => server.stop())

const twoFactorOf = async (browser: { get(path: string): Promise<{ body: unknown }> }) =>
  (await browser.get('/v1/me/two-factor')).body as {
    enabled: boolean
    backupCodes: { total: number; remaining: number; codes: { index: number; usedAt: string | null }[] }
  }

describe('Second factor: setting it up', () => {
  it('T01 enrolling needs the sudo window, which signing in and confirming identity open', async () => {
    const { browser } = await signUp(server)
    clock.forward(299_000)
    expect((await browser.post('/v1/me/two-factor/enrollments')).status).toBe(201)
    clock.forward(2_000)
    expectProblem(await browser.post('/v1/me/two-factor/enrollments'), 403, 'reauthentication-required')
    expect((await browser.post('/v1/auth/reauthenticate', { password: PASSWORD })).status).toBe(204)
    expect((await browser.post('/v1/me/two-factor/enrollments')).status).toBe(201)
  })

  it('T01 nor is the secret of an enrolment under way shown again outside the window', async () => {
    const { browser, email } = await signUp(server)
    const { qrCode } = await enrol(browser)
    const other = await signIn(server, email)
    expect((await other.browser.get(qrCode.svg)).status).toBe(200)
    clock.forward(301_000)
    expectProblem(await browser.get(qrCode.svg), 403, 'reauthentication-required')
    expectProblem(await browser.get(qrCode.png), 403, 'reauthentication-required')
  })

  it('T02 the secret has at least 160 bits, and issuer and label are percent-encoded', async () => {
    const { browser, email } = await signUp(server)
    const { secret, otpauthUri, qrCode } = await enrol(browser)
    expect(fromBase32(secret).length * 8).toBeGreaterThanOrEqual(160)
    const uri = new URL(otpauthUri)
    expect(uri.protocol + uri.host).toBe('otpauth:totp')
    expect(otpauthUri).toMatch(/^[!-~]+$/)
    expect(otpauthUri).not.toMatch(/[^%]@/)
    expect(decodeURIComponent(uri.pathname)).toBe(`/Strongroom:${email}`)
    expect(uri.searchParams.get('secret')).toBe(secret)
    expect(uri.searchParams.get('issuer')).toBe('Strongroom')
    const [svg, png] = [await browser.get(qrCode.svg), await browser.get(qrCode.png)]
    expect(svg.headers.get('content-type')).toContain('image/svg+xml')
    expect(png.headers.get('content-type')).toBe('image/png')
    expect([svg, png].map(({ headers }) => headers.get('cache-control'))).toEqual(['no-store', 'no-store'])
  })

  it('T03 until it is verified, log-in asks no code', async () => {
    const { browser, email } = await signUp(server)
    await enrol(browser)
    expect((await server.browser().logIn(email, PASSWORD)).body).toMatchObject({ status: 'authenticated' })
    expect((await twoFactorOf(browser)).enabled).toBe(false)
  })

  it('T04 while the factor is on, enrolling again is refused and the secret keeps working', async () => {
    const person = await signUpProtected(server, clock)
    expectProblem(await person.browser.post('/v1/me/two-factor/enrollments'), 409, 'two-factor-already-enabled')
    await signInProtected(server, clock, person)
  })

  it('T04 of two pending enrolments only the newest verifies', async () => {
    const { browser } = await signUp(server)
    const [older, newer] = [await enrol(browser), await enrol(browser)]
    expectProblem(await verify(browser, older, code(clock, older.secret)), 410, 'enrollment-expired')
    expect((await verify(browser, newer, code(clock, newer.secret))).status).toBe(200)
  })

  it('T04 an enrolment expires', async () => {
    const { browser } = await signUp(server)
    const enrollment = await enrol(browser)
    clock.forward(601_000)
    expectProblem(await verify(browser, enrollment, code(clock, enrollment.secret)), 410, 'enrollment-expired')
    expect((await browser.post('/v1/auth/reauthenticate', { password: PASSWORD })).status).toBe(204)
    expectProblem(await browser.get(enrollment.qrCode.svg), 410, 'enrollment-expired')
  })

  it('T05 the code that confirmed the enrolment does not sign in', async () => {
    const person = await signUp(server)
    const { id, secret } = await enrol(person.browser)
    const used = code(clock, secret)
    expect((await verify(person.browser, { id }, used)).status).toBe(200)
    expectProblem(await complete(await challenged(server, person), used), 401, 'code-invalid')
  })

  it('T13 verifying gives exactly ten distinct codes of at least 64 bits, once', async () => {
    const { browser, backupCodes } = await signUpProtected(server, clock)
    expect(new Set(backupCodes).size).toBe(10)
    for (const each of backupCodes) {
      const symbols = each.replace(/[^0-9A-Za-z]/g, '')
      // 32 letters at most are in use, so each is worth 5 bits at most.
      expect(symbols.length * 5).toBeGreaterThanOrEqual(64)
    }
    const shown = await twoFactorOf(browser)
    expect(shown.backupCodes).toMatchObject({ total: 10, remaining: 10 })
    const everything = JSON.stringify([
      shown,
      (await browser.get('/v1/me/security')).body,
      await allEvents(server, browser),
    ])
    for (const each of backupCodes) expect(everything).not.toContain(each)
  })

  it('T13 nor are they given again under the same Idempotency-Key', async () => {
    const { browser } = await signUp(server)
    const enrollment = await enrol(browser)
    const headers = { 'Idempotency-Key': 'verify-once' }
    const json = { code: code(clock, enrollment.secret) }
    const path = `/v1/me/two-factor/enrollments/${enrollment.id}/verify`
    expect((await browser.post(path, json, { headers })).status).toBe(200)
    expectProblem(await browser.post(path, json, { headers }), 409, 'already-done')
  })

  it('T18 enabling it ends the other sessions and rotates the own token', async () => {
    const { browser, email } = await signUp(server)
    const other = await signIn(server, email)
    const before = browser.copy()
    await protect(browser, clock)
    expectProblem(await other.browser.get('/v1/me'), 401, 'session-ended')
    expect(await isSignedIn(before)).toBe(false)
    expect(await isSignedIn(browser)).toBe(true)
    const ended = await sessionPage(browser, 'state=ended')
    expect(ended.items.map(({ endedReason }) => endedReason)).toEqual(['two_factor_changed'])
  })

  it('wrong codes while verifying end the session that guesses, and the factor stays off', async () => {
    const { browser, email } = await signUp(server)
    const enrollment = await enrol(browser)
    const replies = await inTurn(10, () => verify(browser, enrollment, wrongCode(clock, enrollment.secret)))
    for (const reply of replies) expectProblem(reply, 422, 'code-invalid')
    expectProblem(await verify(browser, enrollment, code(clock, enrollment.secret)), 401, 'session-ended')
    const again = await signIn(server, email)
    expect(codesOf(await allEvents(server, again.browser))).toContain('user.2fa:enrollment_failed')
  })
})

describe('Second factor: signing in', () => {
  it('a code of the app completes the log-in', async () => {
    const person = await signUpProtected(server, clock)
    const browser = await challenged(server, person)
    expect(await isSignedIn(browser)).toBe(false)
    const reply = await complete(browser, code(clock, person.secret))
    expect(reply.body).toMatchObject({ status: 'authenticated', session: { id: expect.any(String) } })
    expect(await isSignedIn(browser)).toBe(true)
    expect(browser.cookies.has('__Host-challenge')).toBe(false)
    const [newest] = await allEvents(server, browser)
    expect(newest).toMatchObject({ code: 'user:logged_in', data: { method: 'totp' } })
    nextStep(clock)
  })

  it('T06 a code accepted once is refused everywhere, with the text of a wrong code', async () => {
    const person = await signUpProtected(server, clock)
    const used = code(clock, person.secret)
    const browser = await challenged(server, person)
    expect((await complete(browser, used)).status).toBe(200)
    const again = await complete(await challenged(server, person), used)
    const wrong = await complete(await challenged(server, person), wrongCode(clock, person.secret))
    const text = ({ body }: { body: unknown }) => ({ ...(body as object), requestId: '' })
    expect(text(again)).toEqual(text(wrong))
    expectProblem(await browser.post('/v1/auth/reauthenticate', { method: 'totp', code: used }), 403, 'code-invalid')
    expectProblem(await disable(browser, used), 403, 'code-invalid')
    nextStep(clock)
  })

  it('T07 of twenty parallel log-ins with one code exactly one passes', async () => {
    const person = await signUpProtected(server, clock)
    const browsers = await atOnce(20, () => challenged(server, person))
    const given = code(clock, person.secret)
    const statuses = statusesOf(await Promise.all(browsers.map((browser) => complete(browser, given))))
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => ![200, 401, 429].includes(status))).toEqual([])
    nextStep(clock)
  })

  it('T08 after step n, step n-1 is refused', async () => {
    const person = await signUpProtected(server, clock)
    nextStep(clock)
    expect((await complete(await challenged(server, person), code(clock, person.secret))).status).toBe(200)
    expectProblem(await complete(await challenged(server, person), code(clock, person.secret, -1)), 401, 'code-invalid')
  })

  it('T09 the current and the previous step pass; two back and two ahead do not', async () => {
    const person = await signUpProtected(server, clock)
    clock.forward(120_000)
    for (const off of [-2, 2]) {
      const reply = await complete(await challenged(server, person), code(clock, person.secret, off))
      expectProblem(reply, 401, 'code-invalid')
    }
    for (const off of [-1, 0]) {
      expect((await complete(await challenged(server, person), code(clock, person.secret, off))).status).toBe(200)
    }
  })

  it.each(['12345', '1234567', 'abcdef', '１２３４５６', '', ' ', '      ', '123 456\u0007', 123456, 0, -1, 1e300])(
    'T10 %j is a wrong code, and no failure of ours',
    async (junk) => {
      const person = await signUpProtected(server, clock)
      const enrolling = await signUp(server)
      const enrollment = await enrol(enrolling.browser)
      const browser = await challenged(server, person)
      for (const method of ['totp', 'backup_code'] as const) {
        expectProblem(await complete(browser, junk, method), 401, 'code-invalid')
      }
      expectProblem(await verify(enrolling.browser, enrollment, junk), 422, 'code-invalid')
    },
  )

  it.each([null, [], {}, true, ['123456'], undefined])('T10 %j is no code at all', async (junk) => {
    const browser = await challenged(server, await signUpProtected(server, clock))
    expectProblem(await complete(browser, junk), 400, 'invalid-request')
  })

  it('T11 wrong codes over many challenges and both methods lock at ten', async () => {
    const person = await signUpProtected(server, clock)
    const replies = await inTurn(10, async (index) =>
      complete(
        await challenged(server, person),
        wrongCode(clock, person.secret),
        index % 2 === 0 ? 'totp' : 'backup_code',
      ),
    )
    expect(statusesOf(replies)).toEqual(Array(10).fill(401))
    expectProblem(await server.browser().logIn(person.email, PASSWORD), 429, 'login-throttled')
    expect(await isSignedIn(person.browser)).toBe(true)
  })

  it('T11 of fifty parallel codes at most ten are evaluated, the right one among them or not', async () => {
    const person = await signUpProtected(server, clock)
    const browsers = await atOnce(50, () => challenged(server, person))
    const guess = wrongCode(clock, person.secret)
    const statuses = statusesOf(await Promise.all(browsers.map((browser) => complete(browser, guess))))
    expect(statuses.filter((status) => status === 401)).toHaveLength(10)
    expect(statuses.filter((status) => status === 429)).toHaveLength(40)
  })

  it('L09 a right password alone does not reset the counter while the second factor is pending', async () => {
    const person = await signUpProtected(server, clock)
    await inTurn(9, async () => complete(await challenged(server, person), wrongCode(clock, person.secret)))
    const browser = await challenged(server, person)
    expectProblem(await complete(browser, wrongCode(clock, person.secret)), 401, 'code-invalid')
    expectProblem(await complete(browser, code(clock, person.secret)), 429, 'login-throttled')
  })

  it('T12 the challenge cookie opens nothing else', async () => {
    const browser = await challenged(server, await signUpProtected(server, clock))
    const challenge = browser.cookies.get('__Host-challenge') ?? ''
    const thief = server.browser()
    thief.cookies.set('__Host-session', challenge)
    expect(await isSignedIn(thief)).toBe(false)
    for (const path of ['/v1/me', '/v1/me/sessions', '/v1/me/audit-events', '/v1/me/two-factor', '/v1/me/security']) {
      expect((await browser.get(path)).status).toBe(401)
    }
    expect((await browser.get('/v1/me/sessions', { headers: { 'Consistency-Token': challenge } })).status).toBe(401)
  })

  it('T12 it is bound to its user', async () => {
    const [ada, eve] = [await signUpProtected(server, clock), await signUpProtected(server, clock)]
    const browser = await challenged(server, ada)
    expectProblem(await complete(browser, code(clock, eve.secret)), 401, 'code-invalid')
    expectProblem(await complete(browser, eve.backupCodes[0], 'backup_code'), 401, 'code-invalid')
  })

  it('T12 it is used once', async () => {
    const person = await signUpProtected(server, clock)
    const browser = await challenged(server, person)
    const again = browser.copy()
    expect((await complete(browser, code(clock, person.secret))).status).toBe(200)
    nextStep(clock)
    expectProblem(await complete(again, code(clock, person.secret)), 401, 'challenge-expired')
    expectProblem(await complete(again, person.backupCodes[0], 'backup_code'), 401, 'challenge-expired')
  })

  it('T12 it is dead after five minutes', async () => {
    const person = await signUpProtected(server, clock)
    const browser = await challenged(server, person)
    clock.forward(299_000)
    expectProblem(await complete(browser, wrongCode(clock, person.secret)), 401, 'code-invalid')
    clock.forward(1_000)
    expectProblem(await complete(browser, code(clock, person.secret)), 401, 'challenge-expired')
  })

  it.each([undefined, '', 'junk', 'null', 'a'.repeat(200)])('T12 %j is no challenge', async (junk) => {
    const browser = server.browser()
    if (junk !== undefined) browser.cookies.set('__Host-challenge', junk)
    expectProblem(await complete(browser, '123456'), 401, 'challenge-expired')
  })

  it('P12 a log-in waiting for its second factor dies with a password change', async () => {
    const person = await signUpProtected(server, clock)
    const waiting = await challenged(server, person)
    expect((await changePassword(person.browser, PASSWORD, NEW_PASSWORD)).status).toBe(204)
    expectProblem(await complete(waiting, code(clock, person.secret)), 401, 'challenge-expired')
    expect((await complete(await challenged(server, person, NEW_PASSWORD), code(clock, person.secret))).status).toBe(
      200,
    )
    nextStep(clock)
  })

  it('P12 and with a new second factor', async () => {
    const person = await signUpProtected(server, clock)
    const waiting = await challenged(server, person)
    expect((await disable(person.browser, code(clock, person.secret))).status).toBe(204)
    const { secret } = await protect(person.browser, clock)
    expectProblem(await complete(waiting, code(clock, secret)), 401, 'challenge-expired')
  })
})

describe('Second factor: backup codes', () => {
  it('one signs in, in whatever spelling, and is then used up', async () => {
    const person = await signUpProtected(server, clock)
    const [first = '', second = ''] = person.backupCodes
    expect((await complete(await challenged(server, person), first, 'backup_code')).status).toBe(200)
    expectProblem(await complete(await challenged(server, person), first, 'backup_code'), 401, 'code-invalid')
    const sloppy = ` ${second.toLowerCase().replaceAll('-', ' ')} `
    const browser = await challenged(server, person)
    expect((await complete(browser, sloppy, 'backup_code')).status).toBe(200)
    const { backupCodes } = await twoFactorOf(browser)
    expect(backupCodes.remaining).toBe(8)
    expect(backupCodes.codes.map(({ usedAt }) => usedAt !== null)).toEqual([true, true, ...Array(8).fill(false)])
    const used = (await allEvents(server, browser)).filter((event) => event.code === 'user.2fa:backup_code_used')
    expect(used.map(({ data }) => data.remaining)).toEqual([8, 9])
  })

  it('T14 of twenty parallel uses of one backup code one passes, nine remain', async () => {
    const person = await signUpProtected(server, clock)
    const browsers = await atOnce(20, () => challenged(server, person))
    const replies = await Promise.all(browsers.map((each) => complete(each, person.backupCodes[3], 'backup_code')))
    expect(statusesOf(replies).filter((status) => status === 200)).toHaveLength(1)
    expect((await twoFactorOf(person.browser)).backupCodes.remaining).toBe(9)
  })

  it('T15 regenerating kills the old list, used codes and unused ones', async () => {
    const person = await signUpProtected(server, clock)
    const reply = await person.browser.post('/v1/me/two-factor/backup-codes')
    expect(reply.status).toBe(201)
    const { backupCodes } = reply.body as { backupCodes: readonly string[] }
    expect(new Set([...backupCodes, ...person.backupCodes]).size).toBe(20)
    expectProblem(
      await complete(await challenged(server, person), person.backupCodes[0], 'backup_code'),
      401,
      'code-invalid',
    )
    expect((await complete(await challenged(server, person), backupCodes[0], 'backup_code')).status).toBe(200)
  })

  it('regenerating needs the factor and the sudo window', async () => {
    const { browser } = await signUp(server)
    expectProblem(await browser.post('/v1/me/two-factor/backup-codes'), 409, 'two-factor-not-enabled')
    const person = await signUpProtected(server, clock)
    clock.forward(301_000)
    expectProblem(await person.browser.post('/v1/me/two-factor/backup-codes'), 403, 'reauthentication-required')
  })

  it("T16 another user's code fails", async () => {
    const [ada, eve] = [await signUpProtected(server, clock), await signUpProtected(server, clock)]
    for (const each of eve.backupCodes.slice(0, 3)) {
      expectProblem(await complete(await challenged(server, ada), each, 'backup_code'), 401, 'code-invalid')
    }
    expect((await twoFactorOf(eve.browser)).backupCodes.remaining).toBe(10)
  })

  it('warns when three are left', async () => {
    const person = await signUpProtected(server, clock)
    for (const each of person.backupCodes.slice(0, 6)) {
      expect((await complete(await challenged(server, person), each, 'backup_code')).status).toBe(200)
    }
    expect((await person.browser.get('/v1/me/security')).body).toMatchObject({
      twoFactor: { enabled: true, backupCodesRemaining: 4 },
      warnings: [],
    })
    expect((await complete(await challenged(server, person), person.backupCodes[6], 'backup_code')).status).toBe(200)
    expect((await person.browser.get('/v1/me/security')).body).toMatchObject({
      twoFactor: { backupCodesRemaining: 3 },
      warnings: ['backup-codes-low'],
    })
  })
})

describe('Second factor: turning it off', () => {
  it('T17 needs the password and the factor, and enrolling again gives a new secret', async () => {
    const person = await signUpProtected(server, clock)
    const right = () => code(clock, person.secret)
    expectProblem(await disable(person.browser, right(), 'totp', 'not the password'), 403, 'invalid-credentials')
    expectProblem(await disable(person.browser, wrongCode(clock, person.secret)), 403, 'code-invalid')
    expect((await twoFactorOf(person.browser)).enabled).toBe(true)
    expect((await disable(person.browser, right())).status).toBe(204)
    expect((await twoFactorOf(person.browser)).enabled).toBe(false)
    expect((await server.browser().logIn(person.email, PASSWORD)).body).toMatchObject({ status: 'authenticated' })
    expect((await enrol(person.browser)).secret).not.toBe(person.secret)
    const events = await allEvents(server, person.browser)
    expect(events.filter((event) => event.code === 'user.2fa:disable_failed').map(({ data }) => data.method)).toEqual([
      'totp',
      'password',
    ])
  })

  it('T17 a backup code does as well', async () => {
    const person = await signUpProtected(server, clock)
    expect((await disable(person.browser, person.backupCodes[9], 'backup_code')).status).toBe(204)
    expectProblem(await disable(person.browser, person.backupCodes[8], 'backup_code'), 409, 'two-factor-not-enabled')
  })

  it('T17 guesses end the session that makes them', async () => {
    const person = await signUpProtected(server, clock)
    const guess = wrongCode(clock, person.secret)
    const replies = await atOnce(30, () => disable(person.browser, guess))
    expect(statusesOf(replies).filter((status) => status === 403)).toHaveLength(10)
    expect(statusesOf(replies).filter((status) => status === 401)).toHaveLength(20)
    const browser = await signInProtected(server, clock, person)
    expect((await twoFactorOf(browser)).enabled).toBe(true)
  })

  it('T18 disabling ends the other sessions and rotates the own token', async () => {
    const person = await signUpProtected(server, clock)
    const other = await signInProtected(server, clock, person)
    const before = person.browser.copy()
    expect((await disable(person.browser, code(clock, person.secret))).status).toBe(204)
    expectProblem(await other.get('/v1/me'), 401, 'session-ended')
    expect(await isSignedIn(before)).toBe(false)
    expect(await isSignedIn(person.browser)).toBe(true)
  })
})

describe('Second factor: confirming identity', () => {
  it('takes the password without a factor, and rotates the token', async () => {
    const { browser } = await signUp(server)
    const before = browser.copy()
    expectProblem(await browser.post('/v1/auth/reauthenticate', { password: 'not it' }), 403, 'invalid-credentials')
    expectProblem(
      await browser.post('/v1/auth/reauthenticate', { method: 'totp', code: '123456' }),
      403,
      'code-invalid',
    )
    clock.forward(301_000)
    expect((await browser.post('/v1/auth/reauthenticate', { password: PASSWORD })).status).toBe(204)
    expect(await isSignedIn(before)).toBe(false)
    const me = (await browser.get('/v1/me')).body as { session: { sudoUntil: string } }
    expect(Date.parse(me.session.sudoUntil) - clock.now()).toBeGreaterThan(290_000)
    expect(codesOf(await allEvents(server, browser)).slice(0, 2)).toEqual([
      'user:reauthenticated',
      'user:reauthentication_failed',
    ])
  })

  it('takes a code of the app and nothing else with it: no password, no backup code', async () => {
    const person = await signUpProtected(server, clock)
    const { browser } = person
    expectProblem(await browser.post('/v1/auth/reauthenticate', { password: PASSWORD }), 403, 'code-invalid')
    const backup = { method: 'backup_code', code: person.backupCodes[0] }
    expectProblem(await browser.post('/v1/auth/reauthenticate', backup), 403, 'code-invalid')
    expect((await twoFactorOf(browser)).backupCodes.remaining).toBe(10)
    const totp = { method: 'totp', code: code(clock, person.secret) }
    expect((await browser.post('/v1/auth/reauthenticate', totp)).status).toBe(204)
    expectProblem(await browser.post('/v1/auth/reauthenticate', totp), 403, 'code-invalid')
  })

  it('signing in with a backup code does not open the window either: a stolen list is no lasting access', async () => {
    const person = await signUpProtected(server, clock)
    const browser = await challenged(server, person)
    expect((await complete(browser, person.backupCodes[0], 'backup_code')).status).toBe(200)
    expectProblem(await browser.post('/v1/me/two-factor/backup-codes'), 403, 'reauthentication-required')
    const totp = { method: 'totp', code: code(clock, person.secret) }
    expect((await browser.post('/v1/auth/reauthenticate', totp)).status).toBe(204)
    expect((await browser.post('/v1/me/two-factor/backup-codes')).status).toBe(201)
    nextStep(clock)
  })

  it('P09 an app of the thief forgives no wrong passwords: ten in all end the session', async () => {
    const { browser, email } = await signUp(server)
    const { secret } = await protect(browser, clock)
    const guess = () => changePassword(browser, 'not the password', NEW_PASSWORD)
    expect(statusesOf(await inTurn(9, guess))).toEqual(Array(9).fill(403))
    const own = { method: 'totp', code: code(clock, secret) }
    expect((await browser.post('/v1/auth/reauthenticate', own)).status).toBe(204)
    nextStep(clock)
    expectProblem(await guess(), 403, 'invalid-credentials')
    expectProblem(await guess(), 401, 'session-ended')
    expect((await server.browser().logIn(email, PASSWORD)).body).toMatchObject({ status: 'two_factor_required' })
  })

  it('guesses end the session, and do not lock the account', async () => {
    const { browser, email } = await signUp(server)
    const replies = await atOnce(30, () => browser.post('/v1/auth/reauthenticate', { password: 'not it' }))
    expect(statusesOf(replies).filter((status) => status === 403)).toHaveLength(10)
    expect(statusesOf(replies).filter((status) => status === 401)).toHaveLength(20)
    const again = await signIn(server, email)
    expect(countOf(await allEvents(server, again.browser), 'user:reauthentication_failed')).toBe(10)
  })
})
