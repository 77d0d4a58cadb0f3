/** `npm run user`: what it understands, what it does beside a running server, and as an operator runs it. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { runUserCommand } from '../../scripts/user/command.ts'
import { withServices } from '../../scripts/user/services.ts'
import { readConfig } from '../../src/config.ts'
import { type Links, openLinks } from '../security/links.ts'
import { openClock, protect } from '../security/second-factor-support.ts'
import { allEvents, inTurn, isSignedIn, signIn, signUp } from '../security/support.ts'
import { DEFAULTS, PASSWORD, someEmail, startServer, type TestServer, urlOf } from '../support/server.ts'
import { spawnServer } from '../support/server-process.ts'

interface Ran {
  readonly code: number
  readonly lines: readonly string[]
  readonly errors: string
}

const clock = openClock()
let server: TestServer
let links: Links
let opened = 0

beforeAll(async () => {
  server = await startServer()
  links = await openLinks(server)
})
afterAll(() => server.stop())

const run = async (...args: readonly string[]): Promise<Ran> => {
  const { eventStore, connection } = server.database
  const config = readConfig({
    ...DEFAULTS,
    DATABASE_URL: urlOf(connection),
    ...(eventStore === undefined ? {} : { EVENT_STORE_URL: eventStore.connectionString }),
  })
  let [text, errors] = ['', '']
  const code = await runUserCommand(args, {
    withServices: (work) => {
      opened += 1
      return withServices(config, pino({ level: 'silent' }), work)
    },
    operatorId: 'script:grace',
    out: (more) => {
      text += more
    },
    complain: (more) => {
      errors += more
    },
  })
  return { code, lines: text.split('\n').slice(0, -1), errors }
}

const json = (ran: Ran): Record<string, unknown> => {
  expect(ran).toMatchObject({ code: 0, errors: '' })
  expect(ran.lines).toHaveLength(1)
  return JSON.parse(ran.lines[0] ?? '')
}

const listed = async (email: string): Promise<Record<string, unknown> | undefined> => {
  const { lines } = await run('list', '--json')
  return lines.map((line) => JSON.parse(line)).find((user) => user.email === email)
}

describe('beside a running server', () => {
  it('create makes an account whose owner sets the password by the mailed link; as done by the script', async () => {
    const email = someEmail()
    const user = json(await run('--json', 'create', email.toUpperCase(), '--name', 'Ada Lovelace'))
    expect(user).toEqual({ id: expect.any(String), email, name: 'Ada Lovelace' })
    expect(await listed(email)).toEqual({
      id: user.id,
      email,
      status: 'invited',
      legalHold: false,
      twoFactor: false,
      sessions: 0,
      lastSignIn: null,
    })
    const token = await links.of(String(user.id), 'user.password:reset_requested', 'reset')
    const confirm = { token, newPassword: PASSWORD }
    expect((await server.browser().post('/v1/auth/password-resets/confirm', confirm)).status).toBe(204)
    const { browser } = await signIn(server, email)
    expect((await browser.get('/v1/me')).body).toMatchObject({ user: { id: user.id, email, name: 'Ada Lovelace' } })
    const made = (await allEvents(server, browser)).find(({ code }) => code === 'user:registered')
    expect(made).toMatchObject({ actor: { kind: 'operator', id: 'script:grace' }, ip: null, device: null })
    expect(await listed(email)).toMatchObject({ status: 'active', sessions: 1, lastSignIn: expect.any(String) })

    expect(await run('create', email)).toEqual({ code: 4, lines: [], errors: `${email} has an account already\n` })
  })

  it('unlock opens the lock', async () => {
    const { email } = await signUp(server)
    await inTurn(10, (index) => server.browser().logIn(email, `wrong guess ${index}`))
    expect((await server.browser().logIn(email, PASSWORD)).status).toBe(429)
    expect(await listed(email)).toMatchObject({ status: 'locked' })
    expect(await run('unlock', email)).toMatchObject({ code: 0, lines: [expect.stringContaining('may sign in')] })
    await signIn(server, email)
    expect(await listed(email)).toMatchObject({ status: 'active' })
  })

  it('revoke-sessions ends them at once in the server, by id as well', async () => {
    const { email, browser } = await signUp(server)
    await signIn(server, email)
    const { id } = (await listed(email)) ?? {}
    expect(json(await run('revoke-sessions', String(id).toUpperCase(), '--json'))).toEqual({ id, revoked: 2 })
    expect(await isSignedIn(browser)).toBe(false)
    expect((await run('revoke-sessions', email)).lines).toEqual([`Ended 0 sessions of user ${id}.`])
  })

  it('disable-2fa turns it off; where it is off, it says so', async () => {
    const { email, browser } = await signUp(server)
    await protect(browser, clock)
    expect(await listed(email)).toMatchObject({ twoFactor: true })
    expect((await run('disable-2fa', email)).code).toBe(0)
    expect(await isSignedIn(browser)).toBe(false)
    await signIn(server, email)
    expect(await run('disable-2fa', email)).toMatchObject({
      code: 4,
      lines: [],
      errors: expect.stringMatching(/is off already\n/),
    })
  })

  it('hold keeps a user from being erased until release, and list tells of it', async () => {
    const { email, browser } = await signUp(server)
    expect(json(await run('hold', email, '--json'))).toMatchObject({ legalHold: true })
    expect(await listed(email)).toMatchObject({ status: 'active', legalHold: true })
    expect((await run('list')).lines.find((line) => line.includes(email))).toContain(' active, held ')
    expect(await run('erase', email)).toEqual({
      code: 4,
      lines: [],
      errors: `${email} is under legal hold: release it first\n`,
    })
    expect(await isSignedIn(browser)).toBe(true)
    expect(json(await run('release', email, '--json'))).toMatchObject({ legalHold: false })
    expect((await run('erase', email)).code).toBe(0)
  })

  it('erase ends the sessions at once; by id it says of who is gone that it was done; erasures lists them', async () => {
    const { email, browser } = await signUp(server)
    const { id } = (await listed(email)) ?? {}
    expect((await run('erase', email)).lines).toEqual([`User ${id} is erased.`])
    expect(await isSignedIn(browser)).toBe(false)
    await vi.waitFor(async () => expect(await listed(email)).toBeUndefined(), { timeout: 10_000 })
    expect((await run('erase', String(id))).lines).toEqual([`User ${id} was erased before.`])
    expect(await run('erase', email)).toMatchObject({ code: 3 })
    expect(await run('hold', String(id))).toMatchObject({ code: 3 })
    await vi.waitFor(async () => {
      const lines = (await run('erasures', '--json')).lines.map((line) => JSON.parse(line))
      expect(lines.find((line) => line.id === id)).toEqual({ id, erasedAt: expect.any(String), completeAt: null })
    })
  })

  it('list shows a table', async () => {
    const { email } = await signUp(server)
    const { lines } = await run('list')
    expect(lines[0]).toMatch(/^ {2}id +e-mail +status +2FA +sessions +last sign-in$/)
    expect(lines.find((line) => line.includes(email))).toMatch(/ active +off +1 +\d{4}-\d\d-\d\dT/)
  })

  it.each(['unlock', 'revoke-sessions', 'disable-2fa', 'erase', 'hold', 'release'])(
    '%s of nobody says so',
    async (command) => {
      for (const nobody of [someEmail(), '0a000000-0000-4000-8000-00000000dead', 'junk', '']) {
        expect(await run(command, nobody)).toEqual({ code: 3, lines: [], errors: `there is no user ${nobody}\n` })
      }
    },
  )
})

describe('what it does not understand', () => {
  it.for([
    [['create'], /missing required argument/],
    [['create', 'nobody'], /no e-mail address/],
    [['create', 'a@example.com', '--name', 'two\nlines'], /one line/],
    [['create', 'a@example.com', '--password', 'x'], /unknown option/],
    [['unlock'], /missing required argument/],
    [['erase'], /missing required argument/],
    [['hold'], /missing required argument/],
    [['forget', 'a@example.com'], /unknown command/],
    [[], /Usage: user/],
  ] as const)('%j is answered with what is wrong, and nothing is opened', async ([args, message]) => {
    const before = opened
    expect(await run(...args)).toMatchObject({ code: 2, lines: [], errors: expect.stringMatching(message) })
    expect(opened).toBe(before)
  })

  it('explains itself', async () => {
    const { code, lines } = await run('--help')
    expect(code).toBe(0)
    const parts = ['create [options] <email>', 'unlock <user>', 'disable-2fa <user>', '--json', 'Exit codes: 0 done']
    for (const part of parts) expect(lines.join('\n')).toContain(part)
  })
})

const spawn = (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const options = { env: { PATH: process.env.PATH ?? '', NODE_ENV: 'test', ...env } }
    execFile(process.execPath, ['--import', 'tsx', 'scripts/user.ts', ...args], options, (error, stdout, errors) => {
      resolve({ code: error === null ? 0 : Number(error.code), lines: stdout.split('\n').slice(0, -1), errors })
    })
  })

describe('npm run user', { timeout: 90_000 }, () => {
  it('works beside a running server on its embedded database, which goes on, and without one', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'strongroom-user-'))
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
    const env = { DATA_DIR: dataDir, MASTER_KEY: '' }
    const running = await spawnServer(env)
    const email = someEmail()
    const beside = await spawn(env, 'create', email)
    expect(beside).toMatchObject({ code: 0, errors: '' })
    expect((await running.browser().get('/readyz')).status).toBe(200)
    expect((await running.browser().register(email, PASSWORD)).status).toBe(409)
    expect(await running.end('SIGTERM')).toBe(0)

    const alone = await spawn(env, 'list', '--json')
    expect(alone).toMatchObject({ code: 0, errors: '' })
    expect(alone.lines.map((line) => JSON.parse(line))).toMatchObject([{ email, status: 'invited' }])
  })

  it('makes neither a database nor a key in a folder that was mistyped', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'strongroom-user-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const typo = join(folder, 'typo')
    expect(await spawn({ DATA_DIR: typo }, 'list')).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/^there is no /),
    })
    const otherDatabase = { DATA_DIR: typo, DATABASE_URL: urlOf(server.database.connection) }
    expect(await spawn(otherDatabase, 'list')).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/^there is no master key/),
    })
    expect(existsSync(typo)).toBe(false)
    const wrong = { ...otherDatabase, MASTER_KEY: Buffer.alloc(32, 9).toString('base64') }
    expect(await spawn(wrong, 'list')).toMatchObject({ code: 2, errors: expect.stringMatching(/master key/) })
  })

  it('says that the database is away, and not with which password', async () => {
    const env = { DATABASE_URL: 'postgres://someone:hunter2@127.0.0.1:1/none', MASTER_KEY: DEFAULTS.MASTER_KEY }
    expect(await spawn(env, 'list')).toEqual({
      code: 1,
      lines: [],
      errors: 'the database cannot be reached; check DATABASE_URL and that it runs\n',
    })
  })
})
