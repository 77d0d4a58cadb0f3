/** Everything that is held about a person, for that person: what is in it, and who gets it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { Browser } from '../support/browser.ts'
import { PASSWORD, startServer, type TestServer } from '../support/server.ts'
import { mailTo } from './mail-folder.ts'
import { openClock, protect } from './second-factor-support.ts'
import { allEvents, expectProblem, sessionPage, signIn, signUp, sql } from './support.ts'
import { makeToken } from './tokens.ts'

const SUDO_SECONDS = 300
const ARCHIVE = '/v1/me/archive'

const clock = openClock()
let folder: string
let server: TestServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strongroom-archive-'))
  const env = { SUDO_SECONDS: String(SUDO_SECONDS), SESSION_IDLE_SECONDS: '86400', DATA_DIR: folder }
  server = await startServer({ now: clock.now, env })
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const body = async (browser: Browser, path: string): Promise<Readonly<Record<string, unknown>>> => {
  const reply = await browser.get(path)
  expect(reply.status).toBe(200)
  return reply.body as Readonly<Record<string, unknown>>
}

const change = async (browser: Browser, path: string, json: unknown): Promise<void> => {
  const etag = (await browser.get(path)).headers.get('etag') ?? ''
  expect((await browser.send('PATCH', path, { json, headers: { 'If-Match': etag } })).status).toBe(200)
}

const untilMailed = (id: unknown): Promise<void> =>
  vi.waitFor(async () => {
    const rows = await sql(server, 'select outcome from vault.outbox where user_id = $1', [id])
    expect(rows.map(({ outcome }) => outcome)).toContain('sent')
    expect(rows.map(({ outcome }) => outcome)).not.toContain(null)
  }, 20_000)

it('has everything held about me, in each part what its own endpoint shows, and no secret', async () => {
  const person = await signUp(server, { 'User-Agent': 'Firefox of the archive' })
  const { browser, email } = person
  const { backupCodes, secret } = await protect(browser, clock)
  await change(browser, '/v1/me/profile', { phone: '+4366012345987', website: 'https://ada.example/about' })
  await change(browser, '/v1/me/preferences', { timeZone: 'Pacific/Chatham', precision: 4 })
  expect((await server.browser().post('/v1/auth/password-resets', { email })).status).toBe(202)
  await mailTo(folder, email, /reset/i)
  const { user } = (await body(browser, '/v1/me')) as { readonly user: { readonly id: string } }
  const auditor = await makeToken(server, ['audit:read'])
  const look = `/v1/audit/events?user=${user.id}&outcome=failure`
  expect((await server.browser().get(look, { headers: auditor.headers })).status).toBe(200)
  const seen = await allEvents(server, browser)
  await untilMailed(user.id)

  const reply = await browser.get(ARCHIVE)
  expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8'])
  expect(reply.headers.get('content-disposition')).toMatch(/^attachment; filename="archive-.*\.json"$/)
  const archive = reply.body as Readonly<Record<string, unknown>> & {
    readonly events: readonly (Readonly<Record<string, unknown>> & {
      readonly id: string
      readonly personal: unknown
    })[]
    readonly mails: readonly unknown[]
  }
  expect(Object.keys(archive).sort()).toEqual(
    ['auditorAccesses', 'events', 'madeAt', 'mails', 'preferences', 'profile', 'security', 'sessions', 'user'].sort(),
  )
  expect(archive.madeAt).toBe(new Date(clock.now()).toISOString())
  expect(archive.user).toEqual(user)
  expect(archive.profile).toEqual(await body(browser, '/v1/me/profile'))
  expect(archive.profile).toMatchObject({ phone: '+4366012345987', website: 'https://ada.example/about' })
  expect(archive.preferences).toEqual(await body(browser, '/v1/me/preferences'))
  expect(archive.preferences).toMatchObject({ timeZone: 'Pacific/Chatham', precision: 4 })
  expect(archive.security).toEqual(await body(browser, '/v1/me/security'))
  expect(archive.security).toMatchObject({ twoFactor: { enabled: true, backupCodesRemaining: 10 }, activeSessions: 1 })
  const { items: sessions } = await sessionPage(browser, 'state=all')
  expect(archive.sessions).toEqual(sessions.map((session) => ({ ...session, userAgent: 'Firefox of the archive' })))
  expect(sessions).toMatchObject([{ id: person.sessionId, current: true }])

  const [accesses, own] = [true, false].map((ofOthers) =>
    seen.filter(({ sequence }) => (sequence === null) === ofOthers).toReversed(),
  )
  expect(accesses).toMatchObject([{ code: 'audit:accessed', actor: { kind: 'operator', id: auditor.id } }])
  expect(archive.auditorAccesses).toEqual(accesses)
  expect(archive.events.map(({ personal: _, ...event }) => event)).toEqual(own)
  const registered = archive.events.find(({ code }) => code === 'user:registered')
  expect(registered?.personal).toMatchObject({ email })
  expect(archive.mails).toEqual(
    (
      await sql(server, 'select kind, occurred_at, outcome from vault.outbox where user_id = $1 order by occurred_at', [
        user.id,
      ])
    ).map(({ kind, occurred_at: at, outcome }) => ({ kind, occurredAt: (at as Date).toISOString(), outcome })),
  )
  expect(archive.mails).toContainEqual(expect.objectContaining({ kind: 'password_reset', outcome: 'sent' }))

  expect(reply.text).not.toMatch(/scrypt|passwordHash|tokenHash|totpSecret|boxes|commit"/)
  for (const hidden of [secret, PASSWORD, ...backupCodes, ...browser.cookies.values()]) {
    expect(reply.text).not.toContain(hidden)
  }
})

it('needs a recent proof of who I am: 403 behind the window, and 200 once I have given it again', async () => {
  const { browser, email } = await signUp(server)
  clock.forward(SUDO_SECONDS * 1_000 - 1)
  expect((await browser.get(ARCHIVE)).status).toBe(200)
  clock.forward(1)
  const refused = await browser.get(ARCHIVE)
  expectProblem(refused, 403, 'reauthentication-required')
  expect(refused.text).not.toContain(email)
  expect((await browser.post('/v1/auth/reauthenticate', { password: PASSWORD })).status).toBe(204)
  expect((await browser.get(ARCHIVE)).body).toMatchObject({ user: { email } })
})

it('is of nobody else, and of nobody without a session', async () => {
  const [ada, grace] = [await signUp(server), await signUp(server)]
  const other = await signIn(server, ada.email)
  expect((await grace.browser.get(ARCHIVE)).text).not.toContain(ada.email)
  expectProblem(await server.browser().get(ARCHIVE), 401, 'unauthenticated')
  expect((await other.browser.post('/v1/auth/logout')).status).toBe(204)
  expect((await other.browser.get(ARCHIVE)).status).toBe(401)
})
