/** From a request to a mailbox, with real processes and a real mail server. The links' use: test/security/mails.test.ts. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { until } from '../projector/support.ts'
import { signIn, signUp } from '../security/support.ts'
import { createDatabase } from '../support/postgres.ts'
import { PASSWORD, someEmail, startServer, type TestServer, urlOf } from '../support/server.ts'
import { type ServerProcess, spawnServer } from '../support/server-process.ts'
import { openSmtpFixture, type ReceivedMail, type SmtpFixture } from './smtp-fixture.ts'

const PUBLIC_URL = 'https://id.example.com'
const DESKTOP = { 'User-Agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0' }
const TABLET = {
  'User-Agent':
    'Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/604.1',
}

let smtp: SmtpFixture
let server: TestServer
const processes: ServerProcess[] = []
const cleanUps: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  smtp = await openSmtpFixture()
  server = await startServer({ env: { SMTP_URL: smtp.url, PUBLIC_URL, LOCK_AFTER_FAILURES: '3' } })
})
afterEach(async () => {
  await Promise.all(processes.splice(0).map((each) => each.end('SIGKILL')))
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})
afterAll(async () => {
  await server.stop()
  await smtp.stop()
})

const subjectOf = ({ raw }: ReceivedMail): string => /^Subject: (.*)$/m.exec(raw)?.[1]?.trim() ?? ''
/** Quoted-printable undone, as far as it matters here. */
const bodyOf = ({ raw }: ReceivedMail): string => raw.replaceAll('=\r\n', '').replaceAll('=3D', '=')

const mailsTo = (email: string) => smtp.mails.filter(({ to }) => to.includes(email))
const untilMailed = async (email: string, subject: string): Promise<string> => {
  const found = await until(
    () => mailsTo(email).filter((mail) => subjectOf(mail).startsWith(subject)),
    (mails) => mails.length > 0,
    20_000,
  )
  return found.map(bodyOf).at(-1) ?? ''
}

/** A place for processes of their own, and the way to start them. */
const openSite = async () => {
  const database = await createDatabase()
  const dataDir = await mkdtemp(join(tmpdir(), 'strongroom-mail-'))
  cleanUps.push(
    () => database.drop(),
    () => rm(dataDir, { recursive: true, force: true }),
  )
  return async (env: Readonly<Record<string, string>>): Promise<ServerProcess> => {
    const common = { DATABASE_URL: urlOf(database.connection), DATA_DIR: dataDir, PUBLIC_URL, LOG_LEVEL: 'trace' }
    const started = await spawnServer({ ...common, SMTP_URL: smtp.url, ...env })
    processes.push(started)
    return started
  }
}

test('L03 the owner is told of a lock', async () => {
  const { email } = await signUp(server)
  for (let n = 0; n < 3; n += 1) await server.browser().logIn(email, 'not the password at all')
  expect(await untilMailed(email, 'Signing in to your account is locked')).toContain('After 3 failed tries')
})

test('a sign-in from a new device is mailed with what it was, and the first one of an account is not', async () => {
  const { email } = await signUp(server, DESKTOP)
  await signIn(server, email, PASSWORD, DESKTOP)
  await signIn(server, email, PASSWORD, TABLET)
  const body = await untilMailed(email, 'New sign-in')
  for (const fact of ['from a new device.', 'Device: tablet', 'Operating system: iOS 17.5'])
    expect(body).toContain(fact)
  expect(mailsTo(email)).toHaveLength(1)
})

test('readyz speaks of the mailer where projectors run', async () => {
  const { body, status } = await server.browser().get('/readyz')
  expect({ status, told: JSON.stringify(body).includes('reactor mailer') }).toEqual({ status: 200, told: true })
})

test('what was asked for before the process was killed is mailed by the next one, without a token in any log', async () => {
  const start = await openSite()
  const email = someEmail()
  const first = await start({ SMTP_URL: 'smtp://127.0.0.1:1' })
  expect((await first.browser().register(email, PASSWORD)).status).toBe(201)
  expect((await first.browser().post('/v1/auth/password-resets', { email })).status).toBe(202)
  await first.end('SIGKILL')
  const second = await start({})
  const [, token = 'none'] = /#token=([\w-]{94})/.exec(await untilMailed(email, 'Reset your password')) ?? []
  const confirm = { token, newPassword: 'eleven copper kettles sing' }
  expect((await second.browser().post('/v1/auth/password-resets/confirm', confirm)).status).toBe(204)
  const notMe = /not-me\?token=([\w-]{94})/.exec(await untilMailed(email, 'Your password was reset'))?.[1] ?? 'none'
  expect((await second.browser().get(`/v1/auth/not-me?token=${notMe}`)).status).toBe(200)
  expect(await second.end('SIGTERM')).toBe(0)
  for (const log of [first.errors(), second.errors()]) {
    expect(log).toContain('reactor')
    for (const secret of [token, notMe, email, 'kettles']) expect(log).not.toContain(secret)
  }
}, 120_000)

test('mail asked for while no process ran projectors is sent once one does', async () => {
  const start = await openSite()
  const email = someEmail()
  const api = await start({ ROLES: 'api' })
  expect((await api.browser().register(email, PASSWORD)).status).toBe(201)
  expect((await api.browser().post('/v1/auth/password-resets', { email })).status).toBe(202)
  await start({ ROLES: 'projector' })
  await untilMailed(email, 'Reset your password')
}, 120_000)
