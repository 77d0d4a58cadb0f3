/** Nothing that could sign anybody in is written anywhere in the clear: not to the log, not to the database. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { codeOf, fromBase32, STEP_MS, stepAt } from '../support/authenticator.ts'
import type { Browser, Reply } from '../support/browser.ts'
import { createDatabase } from '../support/postgres.ts'
import { PASSWORD, someEmail, TEST_MASTER_KEY, type TestDatabase, urlOf } from '../support/server.ts'
import { type ServerProcess, spawnServer } from '../support/server-process.ts'
import { changePassword, sql } from './support.ts'

const SECRETS = {
  name: 'Wilhelmina Featherstonehaugh',
  agent: 'curl/8.5.0 featherstone-agent',
  wrong: 'tangerine dream of wrong guesses',
  next: 'eleven copper kettles sing',
  misplaced: 'password-in-the-wrong-place-4711',
  key: 'idempotency-key-of-someone-8812',
}

describe('T20 secrets, codes, hashes and tokens', () => {
  let database: TestDatabase
  let dataDir: string
  let server: ServerProcess
  const email = someEmail()
  const cookies = new Set<string>()
  /** Shown once, to the one who asked for them. */
  const shown: string[] = []
  const bodies: string[] = []

  beforeAll(async () => {
    database = await createDatabase()
    dataDir = await mkdtemp(join(tmpdir(), 'strongroom-secrecy-'))
    server = await spawnServer({ DATABASE_URL: urlOf(database.connection), DATA_DIR: dataDir, LOG_LEVEL: 'trace' })
    await story()
  })
  afterAll(async () => {
    await server.end('SIGTERM')
    await database.drop()
    await rm(dataDir, { recursive: true, force: true })
  })

  const keep = async (browser: Browser, asking: Promise<Reply>): Promise<Reply> => {
    const reply = await asking
    for (const name of ['__Host-session', '__Host-challenge']) {
      const cookie = browser.cookies.get(name)
      if (cookie !== undefined) cookies.add(cookie)
    }
    bodies.push(reply.text)
    return reply
  }

  /** All that can be done, all that can go wrong, and secrets in places where they do not belong. */
  const story = async (): Promise<void> => {
    const browser = server.browser({ 'User-Agent': SECRETS.agent })
    const other = server.browser({ 'User-Agent': SECRETS.agent })
    expect((await keep(browser, browser.register(email, PASSWORD, SECRETS.name))).status).toBe(201)
    for (const one of [browser, other]) expect((await keep(one, one.logIn(email, PASSWORD))).status).toBe(200)
    await keep(other, other.logIn(email, SECRETS.wrong))
    await keep(browser, changePassword(browser, SECRETS.wrong, SECRETS.next))
    const body = { currentPassword: PASSWORD, newPassword: SECRETS.next, keepOtherSessions: true }
    const headers = { 'Idempotency-Key': SECRETS.key }
    for (const status of [204, 409]) {
      expect((await keep(browser, browser.put('/v1/me/password', body, { headers }))).status).toBe(status)
    }
    await secondFactor(browser)
    const json = { 'Content-Type': 'application/json' }
    const misplaced: readonly Promise<Reply>[] = [
      other.get(`/v1/me?password=${SECRETS.misplaced}`),
      other.get('/v1/me', { headers: { Authorization: `Bearer ${SECRETS.misplaced}` } }),
      other.get('/v1/me', { headers: { Cookie: `__Host-session=${SECRETS.misplaced}` } }),
      other.get('/v1/me/sessions', { headers: { 'Consistency-Token': SECRETS.misplaced } }),
      other.get(`/v1/me/audit-events?cursor=${SECRETS.misplaced}`),
      other.post('/v1/auth/login', { email, password: { text: SECRETS.misplaced } }),
      other.post('/v1/auth/login', { email: [SECRETS.misplaced], password: PASSWORD, extra: SECRETS.misplaced }),
      other.send('POST', '/v1/auth/login', { raw: `{"password":"${SECRETS.misplaced}`, headers: json }),
      other.send('POST', '/v1/auth/login', { raw: `password=${SECRETS.misplaced}` }),
      other.logIn(SECRETS.misplaced, SECRETS.misplaced),
    ]
    for (const asking of misplaced) await keep(other, asking)
    const paths = ['/v1/me', '/v1/me/security', '/v1/me/sessions?state=all', '/v1/me/audit-events', '/openapi.json']
    for (const path of paths) await keep(browser, browser.get(path))
    // The database fails under it: drivers like to put what they were given into their errors.
    await sql({ database }, 'alter table vault.users rename to gone')
    await keep(other, server.browser().logIn(email, SECRETS.next))
    await keep(other, server.browser().register(someEmail(), SECRETS.next))
    await sql({ database }, 'alter table vault.gone rename to users')
    await sql({ database }, 'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
      'strongroom',
    ])
    await keep(browser, browser.post('/v1/auth/logout'))
  }

  /** The factor on, used in all ways, with wrong codes too, and off again. The one answer that shows a secret is not kept. */
  const secondFactor = async (browser: Browser): Promise<void> => {
    const enrolled = await browser.post('/v1/me/two-factor/enrollments')
    const { id, secret, qrCode } = enrolled.body as { id: string; secret: string; qrCode: { svg: string } }
    expect((await browser.get(qrCode.svg)).status).toBe(200)
    // Both codes must stay good until they are sent.
    await vi.waitUntil(() => Date.now() % STEP_MS < STEP_MS - 5_000, { timeout: 10_000, interval: 50 })
    const [before, now] = [-1, 0].map((off) => codeOf(secret, stepAt(Date.now()) + off))
    const verified = await browser.post(`/v1/me/two-factor/enrollments/${id}/verify`, { code: before })
    expect(verified.status).toBe(200)
    const { backupCodes } = verified.body as { backupCodes: readonly string[] }
    const later = await keep(
      browser,
      browser.post('/v1/me/two-factor/backup-codes', undefined, { headers: { 'X-Background': '1' } }),
    )
    shown.push(
      secret,
      fromBase32(secret).toString('latin1'),
      ...backupCodes,
      ...backupCodes.map((code) => code.replaceAll('-', '')),
    )
    bodies.pop()
    const fresh = (later.body as { backupCodes: readonly string[] }).backupCodes
    shown.push(...fresh)
    for (const [method, code] of [
      ['totp', now],
      ['totp', now],
      ['backup_code', fresh[0]],
      ['backup_code', backupCodes[0]],
    ]) {
      const other = server.browser()
      await keep(other, other.logIn(email, SECRETS.next))
      await keep(other, other.post('/v1/auth/two-factor', { method, code }))
    }
    await keep(browser, browser.post('/v1/auth/reauthenticate', { method: 'totp', code: now }))
    await keep(browser, browser.get('/v1/me/two-factor'))
    const off = { password: SECRETS.next, method: 'backup_code', code: fresh[1] }
    expect((await keep(browser, browser.post('/v1/me/two-factor/disable', off))).status).toBe(204)
  }

  /** The secrets of the story in the forms in which they might turn up. */
  const secrets = (): readonly string[] => {
    const tokens = [...cookies].flatMap((token) => [token, token.slice(-42)])
    const plain = [PASSWORD, SECRETS.wrong, SECRETS.next, SECRETS.misplaced, TEST_MASTER_KEY, ...shown, ...tokens]
    return plain.flatMap((text) => [
      text,
      encodeURIComponent(text),
      Buffer.from(text).toString('base64'),
      Buffer.from(text).toString('hex'),
    ])
  }

  it('no password, token or cookie is in the log at its most talkative, nor who it was about', () => {
    const log = server.errors()
    expect(cookies.size).toBeGreaterThanOrEqual(3)
    // It did write down what happened, failures among it.
    expect(log.split('\n').length).toBeGreaterThan(20)
    expect(log).toContain('/v1/auth/login')
    expect(log).toContain('"level":"error"')
    for (const secret of secrets()) expect(log).not.toContain(secret)
    for (const personal of [email, SECRETS.name, SECRETS.agent, SECRETS.key]) expect(log).not.toContain(personal)
  })

  it('none is in an answer', () => {
    for (const body of bodies) for (const secret of secrets()) expect(body).not.toContain(secret)
  })

  it('none is in the database, whose events and vault do not even name the person in the clear', async () => {
    const tables = await sql(
      { database },
      "select schemaname || '.' || tablename as name from pg_tables where schemaname in ('store', 'vault', 'read', 'log')",
    )
    expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(['store.events', 'vault.users']))
    for (const { name } of tables) {
      const rows = await sql({ database }, `select t::text as text from ${name} t`)
      const text = rows.map((row) => row.text).join('\n')
      for (const secret of secrets()) expect(text).not.toContain(secret)
      // Read models hold what they show, but never the address.
      const hidden = String(name).startsWith('read.') ? [email, SECRETS.name] : [email, SECRETS.name, SECRETS.agent]
      for (const personal of hidden) expect(text).not.toContain(personal)
      if (name === 'store.events') expect(text).not.toContain('127.0.0.1')
    }
  })
})
