/** What operators do with an access token of the scope admin:users. */
import { Kysely, PostgresDialect } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../src/platform/database.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { openAccessTokens, type Scope } from '../../src/secrets/access-tokens.ts'
import type { Reply } from '../support/browser.ts'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'
import { type Links, openLinks } from './links.ts'
import { openClock, protect } from './second-factor-support.ts'
import {
  allEvents,
  atOnce,
  countOf,
  expectProblem,
  inTurn,
  isSignedIn,
  type Person,
  signIn,
  signUp,
  sql,
  statusesOf,
} from './support.ts'

const NEW = 'eleven copper kettles sing'
const NOBODY = '0a000000-0000-4000-8000-00000000dead'
const clock = openClock()

let server: TestServer
let links: Links
let token: { readonly id: string; readonly bearer: string }

beforeAll(async () => {
  server = await startServer({ now: clock.now })
  links = await openLinks(server)
  token = await makeToken(['admin:users'])
})
afterAll(() => server.stop())

const makeToken = async (scopes: readonly Scope[]): Promise<typeof token> => {
  const pool = openPool(server.database.connection, {
    applicationName: 'tokens',
    max: 1,
    log: pino({ level: 'silent' }),
  })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  try {
    const made = await openAccessTokens(db, Date.now).create('a test', scopes)
    return { id: made.record.id, bearer: made.token }
  } finally {
    await db.destroy()
  }
}

const operate = (
  path: string,
  json?: unknown,
  { bearer = token.bearer, headers = {} }: { bearer?: string; headers?: Record<string, string> } = {},
): Promise<Reply> =>
  server.browser().post(`/v1/admin/users${path}`, json, { headers: { Authorization: `Bearer ${bearer}`, ...headers } })

const idOf = async ({ browser }: Pick<Person, 'browser'>): Promise<string> =>
  ((await browser.get('/v1/me')).body as { user: { id: string } }).user.id

const made = (reply: Reply): { readonly id: string } => {
  expect(reply.status).toBe(201)
  return (reply.body as { user: { id: string } }).user
}

const CALLS = [
  '',
  `/${NOBODY}/revoke-sessions`,
  `/${NOBODY}/unlock`,
  `/${NOBODY}/disable-two-factor`,
  `/${NOBODY}/erase`,
] as const

describe('A03 who may', () => {
  it.each(CALLS)(
    'POST /v1/admin/users%s takes no cookie, no other scope and no revoked or unknown token',
    async (path) => {
      const { browser } = await signUp(server)
      const json = path === '' ? { email: someEmail() } : undefined
      expectProblem(await browser.post(`/v1/admin/users${path}`, json), 401, 'unauthenticated')
      const { bearer } = await makeToken([
        'events:read',
        'events:pii',
        'audit:read',
        'audit:export',
        'projections:write',
      ])
      expectProblem(await operate(path, json, { bearer }), 403, 'insufficient-scope')
      expectProblem(await operate(path, json, { bearer: 'strongroom_junk' }), 401, 'unauthenticated')
      expectProblem(
        await operate(path, json, { bearer: browser.cookies.get('__Host-session') ?? '' }),
        401,
        'unauthenticated',
      )
    },
  )

  it.each(CALLS.slice(1))('POST /v1/admin/users%s of nobody is 404', async (path) => {
    expectProblem(await operate(path), 404, 'not-found')
    expectProblem(await operate(path.replace(NOBODY, 'me')), 404, 'not-found')
  })
})

describe('making an account', () => {
  it('claims the address, signs nobody in, and its owner sets the password by the mailed link', async () => {
    const email = someEmail()
    const reply = await operate('', { email: email.toUpperCase(), name: 'Grace Hopper' })
    const { id } = made(reply)
    expect(reply.body).toEqual({ user: { id, email, name: 'Grace Hopper' } })
    expectProblem(await server.browser().logIn(email, PASSWORD), 401, 'invalid-credentials')
    expectProblem(await server.browser().register(email, PASSWORD), 409, 'email-taken')

    const link = await links.of(id, 'user.password:reset_requested', 'reset')
    const confirm = { token: link, newPassword: NEW }
    expect((await server.browser().post('/v1/auth/password-resets/confirm', confirm)).status).toBe(204)
    const { browser } = await signIn(server, email, NEW)
    const events = await allEvents(server, browser)
    const begin = events.filter(({ actor }) => actor.kind === 'operator')
    expect(begin.map(({ code, actor }) => [code, actor])).toEqual([
      ['user.password:reset_requested', { kind: 'operator', id: token.id }],
      ['user:registered', { kind: 'operator', id: token.id }],
    ])
  })

  it('an address that is taken is 409, and of ten at once one passes', async () => {
    const { email } = await signUp(server)
    expectProblem(await operate('', { email }), 409, 'email-taken')
    const free = someEmail()
    expect([...statusesOf(await atOnce(10, () => operate('', { email: free })))].sort()).toEqual([
      201,
      ...Array(9).fill(409),
    ])
  })

  it('R12 Idempotency-Key: a repeat gets the same account, another body is 422, another token is another request', async () => {
    const email = someEmail()
    const headers = { 'Idempotency-Key': `create-${email}` }
    const first = await operate('', { email, name: 'Ada' }, { headers })
    const repeat = await operate('', { email, name: 'Ada' }, { headers })
    expect([first.status, repeat.status]).toEqual([201, 201])
    expect(repeat.body).toEqual(first.body)
    expectProblem(await operate('', { email, name: 'Eve' }, { headers }), 422, 'idempotency-mismatch')
    const { bearer } = await makeToken(['admin:users'])
    expectProblem(await operate('', { email, name: 'Ada' }, { headers, bearer }), 409, 'email-taken')
    const [row] = await sql(server, 'select count(*)::int as count from vault.addresses where email_lookup = $1', [
      links.lookupOf(email),
    ])
    expect(row?.count).toBe(1)
  })

  it('L13 L14 bad input is refused', async () => {
    for (const json of [
      undefined,
      {},
      [],
      { email: 'x' },
      { email: [someEmail()] },
      { email: someEmail(), name: 'a\nb' },
      { email: someEmail(), role: 'x' },
      { email: someEmail(), password: PASSWORD },
    ]) {
      expectProblem(await operate('', json), 400, 'invalid-request')
    }
  })
})

describe('helping an owner', () => {
  it('revoke-sessions ends all of them and says how many; a repeat under the key says the same', async () => {
    const person = await signUp(server)
    const other = await signIn(server, person.email)
    const id = await idOf(person)
    const headers = { 'Idempotency-Key': `revoke-${id}` }
    const reply = await operate(`/${id}/revoke-sessions`, undefined, { headers })
    expect({ status: reply.status, body: reply.body }).toEqual({ status: 200, body: { revoked: 2 } })
    for (const browser of [person.browser, other.browser])
      expectProblem(await browser.get('/v1/me'), 401, 'session-ended')
    expect((await operate(`/${id}/revoke-sessions`, undefined, { headers })).body).toEqual({ revoked: 2 })
    expect((await operate(`/${id.toUpperCase()}/revoke-sessions`)).body).toEqual({ revoked: 0 })

    const { browser } = await signIn(server, person.email)
    const revoked = (await allEvents(server, browser)).filter(({ code }) => code === 'user.session:revoked')
    expect(revoked.map(({ actor, data }) => [actor, data.by])).toEqual(
      Array(2).fill([{ kind: 'operator', id: token.id }, 'operator']),
    )
  })

  it('unlock opens the lock, and again is fine', async () => {
    const person = await signUp(server)
    const id = await idOf(person)
    await inTurn(10, (index) => server.browser().logIn(person.email, `wrong guess ${index}`))
    expectProblem(await server.browser().logIn(person.email, PASSWORD), 429, 'login-throttled')
    expect((await operate(`/${id}/unlock`)).status).toBe(204)
    const { browser } = await signIn(server, person.email)
    expect((await operate(`/${id}/unlock`, {})).status).toBe(204)
    const unlocked = (await allEvents(server, browser)).filter(({ code }) => code === 'user:unlocked')
    expect(unlocked).toMatchObject([{ data: { by: 'operator' }, actor: { kind: 'operator', id: token.id } }])
  })

  it('unlock does not open what "not me" has shut: somebody else knows the password', async () => {
    const person = await signUp(server)
    const id = await idOf(person)
    const notMe = await links.of(id, 'user:logged_in', 'not-me')
    expect((await server.browser().post('/v1/auth/not-me', { token: notMe })).status).toBe(204)
    expectProblem(await server.browser().logIn(person.email, PASSWORD), 429, 'login-throttled')
    expect((await operate(`/${id}/unlock`)).status).toBe(204)
    expectProblem(await server.browser().logIn(person.email, PASSWORD), 429, 'login-throttled')
  })

  it('disable-two-factor turns it off, ends the sessions and leaves the password; where it is off it is 409', async () => {
    const person = await signUp(server)
    const id = await idOf(person)
    expectProblem(await operate(`/${id}/disable-two-factor`), 409, 'two-factor-not-enabled')
    await protect(person.browser, clock)
    expect((await operate(`/${id}/disable-two-factor`)).status).toBe(204)
    expect(await isSignedIn(person.browser)).toBe(false)
    const { browser } = await signIn(server, person.email)
    const events = await allEvents(server, browser)
    expect(events.find(({ code }) => code === 'user.2fa:disabled')).toMatchObject({
      actor: { kind: 'operator', id: token.id },
      data: { by: 'operator' },
    })
    expect(countOf(events, 'user.session:ended')).toBe(1)
  })

  it('R12 a key used for one user is free for another', async () => {
    const people = [await signUp(server), await signUp(server)]
    const headers = { 'Idempotency-Key': 'the-same-for-both' }
    for (const person of people) {
      const reply = await operate(`/${await idOf(person)}/revoke-sessions`, undefined, { headers })
      expect(reply.body).toEqual({ revoked: 1 })
    }
  })
})
