/** Profile, preferences and the e-mail address. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Browser, Reply } from '../support/browser.ts'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'
import { type Links, openLinks } from './links.ts'
import { openClock } from './second-factor-support.ts'
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

const PROFILE = '/v1/me/profile'
const PREFERENCES = '/v1/me/preferences'
type Section = typeof PROFILE | typeof PREFERENCES

const etagOf = (reply: Reply): string => reply.headers.get('etag') ?? ''

const patch = (
  browser: Browser,
  section: Section,
  json: unknown,
  ifMatch: string | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> =>
  browser.send('PATCH', section, {
    json,
    headers: { ...(ifMatch === null ? {} : { 'If-Match': ifMatch }), ...headers },
  })

const change = async (browser: Browser, section: Section, json: unknown): Promise<Reply> => {
  const reply = await patch(browser, section, json, etagOf(await browser.get(section)))
  expect(reply.status).toBe(200)
  return reply
}

describe('profile and preferences', () => {
  it('begin with the registered name and the documented defaults', async () => {
    const email = someEmail()
    await server.browser().register(email, PASSWORD, 'Ada Lovelace')
    const { browser } = await signIn(server, email)
    expect((await browser.get(PROFILE)).body).toEqual({
      name: 'Ada Lovelace',
      phone: null,
      website: null,
      avatarUrl: null,
    })
    expect((await browser.get(PREFERENCES)).body).toEqual({
      language: 'en',
      timeZone: 'UTC',
      dateFormat: 'YYYY-MM-DD',
      relativeTime: true,
      decimalSeparator: '.',
      precision: 2,
      itemsPerPage: 50,
      showTestData: false,
    })
  })

  it('take what is sent, keep the rest, and null takes a value back', async () => {
    const { browser } = await signUp(server)
    await change(browser, PROFILE, { name: 'Ada', phone: '+4930123456', website: 'https://ada.example/über?x=1' })
    await change(browser, PROFILE, { phone: null, avatarUrl: 'https://ada.example/me.png' })
    const profile = {
      name: 'Ada',
      phone: null,
      website: 'https://ada.example/über?x=1',
      avatarUrl: 'https://ada.example/me.png',
    }
    expect((await browser.get(PROFILE)).body).toEqual(profile)
    expect((await browser.get('/v1/me')).body).toMatchObject({ user: { name: 'Ada' } })
    await change(browser, PROFILE, { name: null })
    expect((await browser.get('/v1/me')).body).toMatchObject({ user: { name: null } })

    const set = { language: 'pt-br', timeZone: 'Europe/Berlin', precision: 8, itemsPerPage: 200, showTestData: true }
    expect((await change(browser, PREFERENCES, set)).body).toMatchObject({ ...set, language: 'pt-BR' })
    const reset = await change(browser, PREFERENCES, { language: null, precision: null })
    expect(reset.body).toMatchObject({ language: 'en', precision: 2, timeZone: 'Europe/Berlin', showTestData: true })
  })

  it('A01 A change leaves one event that names the fields, and their values nowhere in the open', async () => {
    const { browser, sessionId } = await signUp(server)
    await change(browser, PROFILE, { name: 'Grace Hopper', phone: '+12025550123', website: null })
    await change(browser, PREFERENCES, { dateFormat: 'DD.MM.YYYY', precision: 2 })
    const events = await allEvents(server, browser)
    expect(events.slice(0, 2)).toMatchObject([
      {
        code: 'user.preferences:updated',
        message: 'Preferences updated',
        outcome: 'success',
        sessionId,
        data: { fields: ['dateFormat'] },
      },
      {
        code: 'user.profile:updated',
        message: 'Profile updated',
        outcome: 'success',
        sessionId,
        data: { fields: ['name', 'phone'] },
      },
    ])
    for (const { ip, sessionHash, device } of events.slice(0, 2)) {
      expect({ ip, device }).toEqual({ ip: '127.0.0.1', device: { type: 'bot' } })
      expect(sessionHash).toEqual(expect.any(String))
    }
    expect(JSON.stringify(events)).not.toMatch(/Grace|12025550123|DD\.MM/)
  })

  it.each([
    ['name', ['', '  ', 'a\nb', 'a\u202eb', 'x'.repeat(201), 5, ['Ada']]],
    ['phone', ['030123456', '+0123456789', '+49 30 123456', '+1234567890123456', '+１２３４５６７８', 4930123456]],
    [
      'website',
      [
        'ada.example',
        'javascript:alert(1)',
        'ftp://ada.example',
        'https://',
        'https://a b',
        'https://you@evil.example',
        'https://a\n.example',
        `https://a.example/${'x'.repeat(2_048)}`,
      ],
    ],
    ['avatarUrl', ['http://ada.example/me.png', 'data:image/png;base64,AAAA', '//ada.example/me.png', '/me.png']],
  ] as const)('a bad %s is refused, and nothing changes', async (field, values) => {
    const { browser } = await signUp(server)
    const before = etagOf(await browser.get(PROFILE))
    for (const value of values) {
      const reply = await patch(browser, PROFILE, { [field]: value }, before)
      expectProblem(reply, 400, 'invalid-request')
      expect(reply.body).toMatchObject({ errors: [{ pointer: `#/${field}` }] })
    }
    expect(etagOf(await browser.get(PROFILE))).toBe(before)
  })

  it.each([
    ['language', ['', 'e', 'english please', 'en_US', 'de-', 7]],
    ['timeZone', ['', 'Mars/Olympus', '+01:00', 'Europe/', 'UTC\u0000', 0]],
    ['dateFormat', ['yyyy-mm-dd', '', 1]],
    ['relativeTime', ['true', 1]],
    ['decimalSeparator', [';', '', '٫']],
    ['precision', [-1, 9, 1.5, '2']],
    ['itemsPerPage', [0, 5, 55, 210, '50', 1e9]],
    ['showTestData', ['no', 0]],
  ] as const)('a bad %s is refused', async (field, values) => {
    const { browser } = await signUp(server)
    for (const value of values) {
      expectProblem(await patch(browser, PREFERENCES, { [field]: value }, '*'), 400, 'invalid-request')
    }
  })

  it('L14 fields of others, and dangerous names, are refused', async () => {
    const { browser } = await signUp(server)
    for (const raw of [
      '{"role":"admin"}',
      '{"__proto__":{"name":"x"}}',
      '{"constructor":1}',
      '{"name":"a","name":"b"}',
      '[]',
      'null',
    ]) {
      const headers = { 'Content-Type': 'application/json', 'If-Match': '*' }
      expectProblem(await browser.send('PATCH', PROFILE, { raw, headers }), 400, 'invalid-request')
    }
  })
})

describe('R12 ETag and If-Match', () => {
  it.each([PROFILE, PREFERENCES] as const)(
    'a change of %s without If-Match is 428, with a stale one 412',
    async (section) => {
      const { browser } = await signUp(server)
      const field = section === PROFILE ? { name: 'Ada' } : { precision: 3 }
      expectProblem(await patch(browser, section, field, null), 428, 'precondition-required')
      const stale = etagOf(await browser.get(section))
      expect(stale).toMatch(/^"[^"]+"$/)
      await change(browser, section, field)
      expectProblem(await patch(browser, section, field, stale), 412, 'precondition-failed')
    },
  )

  it('the tag of one section does not open the other after a change', async () => {
    const { browser } = await signUp(server)
    await change(browser, PROFILE, { name: 'Ada' })
    const tag = etagOf(await browser.get(PROFILE))
    expectProblem(await patch(browser, PREFERENCES, { precision: 3 }, tag), 412, 'precondition-failed')
  })

  it('takes *, a list and blanks; a weak tag matches nothing', async () => {
    const { browser } = await signUp(server)
    expect((await patch(browser, PROFILE, { name: 'One' }, '*')).status).toBe(200)
    const tag = etagOf(await browser.get(PROFILE))
    expectProblem(await patch(browser, PROFILE, { name: 'Two' }, `W/${tag}`), 412, 'precondition-failed')
    expect((await patch(browser, PROFILE, { name: 'Two' }, `"other" ,, W/"x",${tag}`)).status).toBe(200)
    for (const junk of ['', 'abc', '"abc', 'abc"', '"a" "b"', '*, "a"', "'a'", '"a"b']) {
      const reply = await patch(browser, PROFILE, { name: 'Three' }, junk)
      expect([400, 428]).toContain(reply.status)
    }
    expect((await browser.get(PROFILE)).body).toMatchObject({ name: 'Two' })
  })

  it('a change to what is so already leaves no event, and the tag as it is', async () => {
    const { browser } = await signUp(server)
    const first = await change(browser, PREFERENCES, { precision: 4, language: 'de' })
    const again = await patch(browser, PREFERENCES, { precision: 4, language: 'de' }, etagOf(first))
    const nothing = await patch(browser, PREFERENCES, {}, etagOf(first))
    for (const reply of [again, nothing]) {
      expect(reply.status).toBe(200)
      expect(etagOf(reply)).toBe(etagOf(first))
      expect(reply.body).toEqual(first.body)
    }
    expect(countOf(await allEvents(server, browser), 'user.preferences:updated')).toBe(1)
    expectProblem(await patch(browser, PREFERENCES, {}, '"old"'), 412, 'precondition-failed')
  })

  it('of ten changes at once on one version, on two nodes, one passes', async () => {
    const { browser } = await signUp(server)
    const elsewhere = neighbour.browser()
    for (const [name, value] of browser.cookies) elsewhere.cookies.set(name, value)
    const tag = etagOf(await browser.get(PROFILE))
    const replies = await atOnce(10, (index) =>
      patch(index % 2 === 0 ? browser : elsewhere, PROFILE, { name: `Name ${index}` }, tag),
    )
    expect([...statusesOf(replies)].sort()).toEqual([200, ...Array(9).fill(412)])
    const winner = replies.find(({ status }) => status === 200)
    expect((await browser.get(PROFILE)).body).toEqual(winner?.body)
    expect(etagOf(await elsewhere.get(PROFILE))).toBe(winner === undefined ? '' : etagOf(winner))
  })

  it('Idempotency-Key: a repeat is answered again although its tag is stale by now, another body is 422', async () => {
    const { browser } = await signUp(server)
    const tag = etagOf(await browser.get(PROFILE))
    const key = { 'Idempotency-Key': 'profile-1' }
    const first = await patch(browser, PROFILE, { name: 'Ada' }, tag, key)
    const repeat = await patch(browser, PROFILE, { name: 'Ada' }, tag, key)
    expect([first.status, repeat.status]).toEqual([200, 200])
    expect(repeat.body).toEqual(first.body)
    expectProblem(await patch(browser, PROFILE, { name: 'Eve' }, tag, key), 422, 'idempotency-mismatch')
    expect(countOf(await allEvents(server, browser), 'user.profile:updated')).toBe(1)
  })
})

const idOf = async (browser: Browser): Promise<string> =>
  ((await browser.get('/v1/me')).body as { user: { id: string } }).user.id

interface Mover extends Person {
  readonly userId: string
  readonly newEmail: string
}

const requestChange = (
  browser: Browser,
  newEmail: unknown,
  password: unknown = PASSWORD,
  headers = {},
): Promise<Reply> => browser.post('/v1/me/email', { newEmail, password }, { headers })

/** A person who has asked for another address, and the links of both mails. */
const mover = async (newEmail = someEmail()): Promise<Mover> => {
  const person = await signUp(server)
  expect((await requestChange(person.browser, newEmail)).status).toBe(202)
  return { ...person, userId: await idOf(person.browser), newEmail }
}

const linkFor = (userId: string, mailbox: 'old' | 'new'): Promise<string> =>
  links.of(userId, 'user.email:change_requested', `email-${mailbox}`)

const confirm = (token: unknown, node: TestServer = server): Promise<Reply> =>
  node.browser().post('/v1/auth/email-changes/confirm', { token })

const addressesOf = async (userId: string): Promise<number> => {
  const [row] = await sql(server, 'select count(*)::int as count from vault.addresses where user_id = $1', [userId])
  return Number(row?.count)
}

const emailOf = async (browser: Browser): Promise<string> =>
  ((await browser.get('/v1/me')).body as { user: { email: string } }).user.email

describe('the e-mail address', () => {
  it.each([
    ['old', 'new'],
    ['new', 'old'],
  ] as const)('is changed once both mailboxes have confirmed, the %s one first', async (first, second) => {
    const { userId, email, newEmail, browser } = await mover()
    expect((await confirm(await linkFor(userId, first))).status).toBe(204)
    expect(await emailOf(browser)).toBe(email)
    expectProblem(await server.browser().logIn(newEmail, PASSWORD), 401, 'invalid-credentials')
    expect((await confirm(await linkFor(userId, second))).status).toBe(204)
    expect(await emailOf(browser)).toBe(newEmail)
    await signIn(neighbour, newEmail)
    expectProblem(await server.browser().logIn(email, PASSWORD), 401, 'invalid-credentials')
    expect(await addressesOf(userId)).toBe(1)
  })

  it('the old address is free for others afterwards, and theirs is another account', async () => {
    const { userId, email, newEmail } = await mover()
    for (const mailbox of ['old', 'new'] as const)
      expect((await confirm(await linkFor(userId, mailbox))).status).toBe(204)
    expect((await server.browser().register(email, 'nine marble ladders lean')).status).toBe(201)
    const stranger = await signIn(server, email, 'nine marble ladders lean')
    expect(await idOf(stranger.browser)).not.toBe(userId)
    expectProblem(await server.browser().register(newEmail, PASSWORD), 409, 'email-taken')
  })

  it('an address that is taken is answered like a free one, and cannot be confirmed', async () => {
    const owner = await signUp(server)
    const free = await mover()
    const { userId, browser, email, newEmail } = await mover(owner.email)
    const [taken, other] = [await requestChange(browser, newEmail), await requestChange(free.browser, free.newEmail)]
    expect({ status: taken.status, text: taken.text }).toEqual({ status: other.status, text: other.text })
    expect((await confirm(await linkFor(userId, 'old'))).status).toBe(204)
    expectProblem(await confirm(await linkFor(userId, 'new')), 410, 'token-invalid')
    expect(await emailOf(browser)).toBe(email)
    await signIn(server, owner.email)
    expect(await idOf((await signIn(server, owner.email)).browser)).not.toBe(userId)
    expect(await addressesOf(userId)).toBe(1)
  })

  it('of two accounts that ask for one address, the first to confirm gets it', async () => {
    const wanted = someEmail()
    const movers = [await mover(wanted), await mover(wanted)]
    for (const { userId } of movers) expect((await confirm(await linkFor(userId, 'old'))).status).toBe(204)
    const tokens = await inTurn(2, (index) => linkFor(movers[index]?.userId ?? '', 'new'))
    const replies = await atOnce(2, (index) => confirm(tokens[index], index === 0 ? server : neighbour))
    expect([...statusesOf(replies)].sort()).toEqual([204, 410])
    const owners = await sql(server, `select user_id from vault.addresses where user_id = any($1)`, [
      movers.map(({ userId }) => userId),
    ])
    expect(owners).toHaveLength(2)
    const winner = movers[replies[0]?.status === 204 ? 0 : 1]
    expect(await idOf((await signIn(server, wanted)).browser)).toBe(winner?.userId)
  })

  it('both links at once, many times and on two nodes, change it once', async () => {
    for (const _ of Array(3)) {
      const { userId, newEmail, browser } = await mover()
      const tokens = [await linkFor(userId, 'old'), await linkFor(userId, 'new')]
      const replies = await atOnce(12, (index) => confirm(tokens[index % 2], index % 4 < 2 ? server : neighbour))
      expect([...statusesOf(replies)].sort()).toEqual([204, 204, ...Array(10).fill(410)])
      expect(await emailOf(browser)).toBe(newEmail)
      await signIn(server, newEmail)
      expect(await addressesOf(userId)).toBe(1)
      expect(countOf(await allEvents(server, browser), 'user.email:changed')).toBe(1)
    }
  })

  it('a link works once, for an hour, and not after a newer request, a change of the password or a report', async () => {
    const once = await mover()
    const link = await linkFor(once.userId, 'old')
    expect((await confirm(link)).status).toBe(204)
    expectProblem(await confirm(link), 410, 'token-invalid')

    const superseded = await mover()
    const before = await linkFor(superseded.userId, 'old')
    await requestChange(superseded.browser, someEmail())
    expectProblem(await confirm(before), 410, 'token-invalid')

    const changed = await mover()
    await changePassword(changed.browser, PASSWORD, 'nine marble ladders lean')
    expectProblem(await confirm(await linkFor(changed.userId, 'new')), 410, 'token-invalid')

    const reported = await mover()
    const notMe = await links.of(reported.userId, 'user.email:change_requested', 'not-me')
    expect((await server.browser().post('/v1/auth/not-me', { token: notMe })).status).toBe(204)
    for (const mailbox of ['old', 'new'] as const) {
      expectProblem(await confirm(await linkFor(reported.userId, mailbox)), 410, 'token-invalid')
    }

    const late = await mover()
    const token = await linkFor(late.userId, 'old')
    clock.forward(HOUR)
    expectProblem(await confirm(token), 410, 'token-invalid')
  })

  it('a reset that was asked for under the old address dies with it', async () => {
    const { userId, email } = await mover()
    await server.browser().post('/v1/auth/password-resets', { email })
    const reset = await links.of(userId, 'user.password:reset_requested', 'reset')
    for (const mailbox of ['old', 'new'] as const) await confirm(await linkFor(userId, mailbox))
    const reply = await server
      .browser()
      .post('/v1/auth/password-resets/confirm', { token: reset, newPassword: 'nine marble ladders lean' })
    expectProblem(reply, 410, 'token-invalid')
  })

  it('R09 junk and other kinds of token are refused', async () => {
    const { userId } = await mover()
    for (const token of [undefined, null, [], 5, '']) expectProblem(await confirm(token), 400, 'invalid-request')
    for (const purpose of ['reset', 'not-me'] as const) {
      const other = await links.of(userId, 'user.email:change_requested', purpose)
      expectProblem(await confirm(other), 410, 'token-invalid')
    }
  })

  it('my own address, however it is spelled, and what is no address are refused by name', async () => {
    const { browser, email } = await signUp(server)
    for (const newEmail of [email, email.toUpperCase(), 'nobody', 'ädä@example.com', '', null, ['a@example.com']]) {
      const reply = await requestChange(browser, newEmail)
      expectProblem(reply, 400, 'invalid-request')
      expect(reply.body).toMatchObject({ errors: [{ pointer: '#/newEmail' }] })
    }
  })

  it('P09 a wrong password is refused, recorded, and ends the session at the tenth', async () => {
    const { browser, email } = await signUp(server)
    const replies = await inTurn(10, (index) => requestChange(browser, someEmail(), `wrong guess ${index}`))
    for (const reply of replies) expectProblem(reply, 403, 'invalid-credentials')
    expect(await isSignedIn(browser)).toBe(false)
    const again = await signIn(server, email)
    const events = await allEvents(server, again.browser)
    expect(countOf(events, 'user.email:change_failed')).toBe(10)
    expect(events.find(({ code }) => code === 'user.session:ended')?.data).toMatchObject({ reason: 'guessing' })
  })

  it('R12 Idempotency-Key: a repeat asks once, another body is 422', async () => {
    const { browser } = await signUp(server)
    const newEmail = someEmail()
    const key = { 'Idempotency-Key': 'email-1' }
    for (const _ of Array(2)) expect((await requestChange(browser, newEmail, PASSWORD, key)).status).toBe(202)
    expectProblem(await requestChange(browser, someEmail(), PASSWORD, key), 422, 'idempotency-mismatch')
    expect(countOf(await allEvents(server, browser), 'user.email:change_requested')).toBe(1)
    const userId = await idOf(browser)
    for (const mailbox of ['old', 'new'] as const) await confirm(await linkFor(userId, mailbox))
    expect((await requestChange(browser, newEmail, PASSWORD, key)).status).toBe(202)
  })

  it('may be asked for three times an hour, so that nobody mails strangers through us', async () => {
    const { browser } = await signUp(server)
    await inTurn(3, async () => expect((await requestChange(browser, someEmail())).status).toBe(202))
    const fourth = await requestChange(browser, someEmail())
    expectProblem(fourth, 429, 'too-many-requests')
    expect(fourth.headers.get('retry-after')).toBe('3600')
    expect(countOf(await allEvents(server, browser), 'user.email:change_requested')).toBe(3)
    expectProblem(await requestChange(browser, someEmail(), 'a wrong guess'), 403, 'invalid-credentials')
    clock.forward(HOUR)
    expect((await requestChange(browser, someEmail())).status).toBe(202)
  })

  it('neither address is in the open part of an event', async () => {
    const { browser, newEmail, userId } = await mover()
    for (const mailbox of ['old', 'new'] as const) await confirm(await linkFor(userId, mailbox))
    await untilProjected(server)
    expect(JSON.stringify(await allEvents(server, browser))).not.toContain(newEmail)
  })
})

describe('a crash in the middle of an e-mail change', () => {
  it('between filing the new address and the event: the link, used again, completes it', async () => {
    const { userId, newEmail, browser } = await mover()
    expect((await confirm(await linkFor(userId, 'old'))).status).toBe(204)
    await fileFor(userId, newEmail)
    expectProblem(await server.browser().logIn(newEmail, PASSWORD), 401, 'invalid-credentials')
    expect((await confirm(await linkFor(userId, 'new'))).status).toBe(204)
    expect(await emailOf(browser)).toBe(newEmail)
    expect(await addressesOf(userId)).toBe(1)
  })

  it('between the event and giving up the old address: it signs nobody in, and the link, used again, frees it', async () => {
    const { userId, email, newEmail } = await mover()
    const token = await linkFor(userId, 'new')
    for (const link of [await linkFor(userId, 'old'), token]) expect((await confirm(link)).status).toBe(204)
    await fileFor(userId, email)
    expectProblem(await server.browser().logIn(email, PASSWORD), 401, 'invalid-credentials')
    expectProblem(await server.browser().register(email, PASSWORD), 409, 'email-taken')
    expectProblem(await confirm(token), 410, 'token-invalid')
    expect((await server.browser().register(email, PASSWORD)).status).toBe(201)
    await signIn(server, newEmail)
  })

  const fileFor = async (userId: string, email: string): Promise<void> => {
    const lookup = links.lookupOf(email)
    await sql(server, 'insert into vault.addresses (email_lookup, user_id) values ($1, $2)', [lookup, userId])
  }
})
