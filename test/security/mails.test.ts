/** From the request to the mailbox and back: what the mails are for, through the files of a server without SMTP. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'
import { linksIn, mailsTo, mailTo, tokenIn } from './mail-folder.ts'
import { sendBytes } from './raw.ts'
import { atOnce, expectProblem, isSignedIn, signIn, signUp } from './support.ts'

const NEW = 'eleven copper kettles sing'
const PUBLIC_URL = 'https://account.example'

let server: TestServer
let dataDir: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'strongroom-mails-'))
  server = await startServer({ env: { DATA_DIR: dataDir, PUBLIC_URL } })
})
afterAll(async () => {
  await server.stop()
  await rm(dataDir, { recursive: true, force: true })
})

const ask = (email: string) => server.browser().post('/v1/auth/password-resets', { email })
const confirm = (token: string, newPassword = NEW) =>
  server.browser().post('/v1/auth/password-resets/confirm', { token, newPassword })

describe('a forgotten password', () => {
  it('R10 the mailed link sets a new one, and a notice tells that it was done', async () => {
    const { email, browser } = await signUp(server)
    await ask(email)
    const mail = await mailTo(dataDir, email, /reset your password/i)
    expect((await confirm(tokenIn(mail, '/reset-password'))).status).toBe(204)
    expect(await isSignedIn(browser)).toBe(false)
    await signIn(server, email, NEW)
    const notice = await mailTo(dataDir, email, /was reset/i)
    const report = { token: tokenIn(notice, '/v1/auth/not-me') }
    expect((await server.browser().post('/v1/auth/not-me', report)).status).toBe(204)
    await mailTo(dataDir, email, /choose a new password/i)
  })

  it('R06 more than three requests an hour send no more mail, and an unknown address gets none', async () => {
    const { email } = await signUp(server)
    const unknown = someEmail()
    await atOnce(6, () => ask(email))
    await ask(unknown)
    // A later mail: when it is there, those before it are.
    const last = await signUp(server)
    await ask(last.email)
    await mailTo(dataDir, last.email, /reset your password/i)
    await vi.waitFor(async () => expect(await mailsTo(dataDir, email)).toHaveLength(3), { timeout: 20_000 })
    expect(await mailsTo(dataDir, unknown)).toEqual([])
  })

  it('R07 a forged Host never reaches the mailed link', async () => {
    const { email } = await signUp(server)
    const body = JSON.stringify({ email })
    const head = [
      'POST /v1/auth/password-resets HTTP/1.1',
      'Host: evil.example',
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: http',
      'Forwarded: host=evil.example',
      'X-Original-URL: https://evil.example/',
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
    ]
    expect((await sendBytes(server, `${head.join('\r\n')}\r\n\r\n${body}`)).status).toBe(202)
    const mail = await mailTo(dataDir, email, /reset your password/i)
    expect(linksIn(mail).map(({ origin }) => origin)).toEqual([PUBLIC_URL])
    expect(mail.text + mail.html).not.toContain('evil')
    expect(mail.html).toContain(`href="${PUBLIC_URL}/`)
  })

  it('the token is in no path and no query of the link, where servers would log it', async () => {
    const { email } = await signUp(server)
    await ask(email)
    const [link] = linksIn(await mailTo(dataDir, email, /reset your password/i))
    expect(link?.search).toBe('')
    expect(link?.pathname).toBe('/reset-password')
  })
})

describe('an e-mail change', () => {
  it('both mailboxes confirm, and both are told', async () => {
    const { email, browser } = await signUp(server)
    const newEmail = someEmail()
    expect((await browser.post('/v1/me/email', { newEmail, password: PASSWORD })).status).toBe(202)
    const [old, fresh] = [await mailTo(dataDir, email, /confirm/i), await mailTo(dataDir, newEmail, /confirm/i)]
    for (const mail of [fresh, old]) {
      const token = tokenIn(mail, '/confirm-email')
      expect((await server.browser().post('/v1/auth/email-changes/confirm', { token })).status).toBe(204)
    }
    await signIn(server, newEmail)
    for (const address of [email, newEmail]) await mailTo(dataDir, address, /was changed|changed/i)
  })

  it('the old mailbox can still say that it was not me: the account is its again, and the link comes there', async () => {
    const { email, browser } = await signUp(server)
    const newEmail = someEmail()
    await browser.post('/v1/me/email', { newEmail, password: PASSWORD })
    for (const address of [newEmail, email]) {
      const token = tokenIn(await mailTo(dataDir, address, /confirm/i), '/confirm-email')
      expect((await server.browser().post('/v1/auth/email-changes/confirm', { token })).status).toBe(204)
    }
    const notMe = tokenIn(await mailTo(dataDir, email, /was changed|changed/i), '/v1/auth/not-me')
    expect((await server.browser().post('/v1/auth/not-me', { token: notMe })).status).toBe(204)
    expect(await isSignedIn(browser)).toBe(false)
    const token = tokenIn(await mailTo(dataDir, email, /password/i), '/reset-password')
    const newPassword = 'eleven copper kettles sing'
    expect((await server.browser().post('/v1/auth/password-resets/confirm', { token, newPassword })).status).toBe(204)
    expect((await server.browser().logIn(newEmail, newPassword)).status).toBe(401)
    const again = await signIn(server, email, newPassword)
    expect((await again.browser.get('/v1/me')).body).toMatchObject({ user: { email } })
  })

  it('"not me" in the old mailbox stops it before the new one has confirmed', async () => {
    const { email, browser } = await signUp(server)
    const newEmail = someEmail()
    await browser.post('/v1/me/email', { newEmail, password: PASSWORD })
    const notMe = tokenIn(await mailTo(dataDir, email, /confirm/i), '/v1/auth/not-me')
    expect((await server.browser().post('/v1/auth/not-me', { token: notMe })).status).toBe(204)
    const token = tokenIn(await mailTo(dataDir, newEmail, /confirm/i), '/confirm-email')
    const confirmed = await server.browser().post('/v1/auth/email-changes/confirm', { token })
    expectProblem(confirmed, 410, 'token-invalid')
    expect((await mailTo(dataDir, newEmail, /confirm/i)).text).not.toContain('not-me')
    const reset = await mailTo(dataDir, email, /choose a new password/i)
    expect((await confirm(tokenIn(reset, '/reset-password'))).status).toBe(204)
    await signIn(server, email, NEW)
  })
})
