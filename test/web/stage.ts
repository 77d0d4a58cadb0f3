/**
 * What the tests in a browser share: one server and one Chromium for a file, a fresh window (with its own cookies) for
 * each test, and what an owner does there.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser as Chromium, Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { launchChromium } from '../../scripts/screenshots/chromium.ts'
import type { AuditEventBody } from '../../src/http/resources/schemas.ts'
import { linksIn, mailTo } from '../security/mail-folder.ts'
import {
  type Clock,
  code as codeOnClock,
  nextStep,
  openClock,
  type Protected,
  protect,
} from '../security/second-factor-support.ts'
import { allEvents, type Person, signUp } from '../security/support.ts'
import { PASSWORD, startServer, type TestServer } from '../support/server.ts'

/** Machines under load are slow, and no test waits longer than it has to. */
const WAIT_MS = 60_000
/** For a whole test. */
export const LONG_MS = 180_000

/** Like a locator's own waiting, for what is asked otherwise. */
export const eventually = <Value>(ask: () => Value | Promise<Value>) =>
  expect.poll(ask, { timeout: WAIT_MS, interval: 25 })

export interface StageOptions {
  readonly executable: string
  readonly env?: Readonly<Record<string, string>>
}

export interface Window {
  readonly page: Page
  /** What the page did that it must not: errors, refusals by its own policy, requests to other hosts. */
  readonly misdeeds: readonly string[]
}

export type Stage = Awaited<ReturnType<typeof openStage>>

/** Waits also for the page to be built, which is done once for these sources. */
export const openStage = async ({ executable, env = {} }: StageOptions) => {
  const clock: Clock = openClock()
  const dataDir = await mkdtemp(join(tmpdir(), 'strongroom-web-'))
  const server: TestServer = await startServer({
    now: clock.now,
    env: { DATA_DIR: dataDir, SESSION_IDLE_SECONDS: '36000', TRUSTED_PROXIES: '127.0.0.0/8, ::1/128', ...env },
  })
  const chromium: Chromium = await launchChromium(executable)
  expect((await fetch(server.url)).status).toBe(200)

  const openWindow = async (
    viewport = { width: 1280, height: 800 },
    extraHTTPHeaders: Record<string, string> = {},
  ): Promise<Window> => {
    const context = await chromium.newContext({
      viewport,
      acceptDownloads: true,
      reducedMotion: 'reduce',
      extraHTTPHeaders,
    })
    context.setDefaultTimeout(WAIT_MS)
    const page = await context.newPage()
    const misdeeds: string[] = []
    page.on('pageerror', (error) => misdeeds.push(error.message))
    page.on('console', (message) => {
      // A 401 is how the page learns that nobody is signed in.
      const isAnswer = message.text().startsWith('Failed to load resource')
      if (message.type() === 'error' && !isAnswer) misdeeds.push(message.text())
    })
    page.on('request', (request) => {
      const isOwn = request.url().startsWith(server.url) || request.url().startsWith('blob:')
      if (!isOwn) misdeeds.push(`a request to ${request.url()}`)
    })
    return { page, misdeeds }
  }

  return {
    server,
    clock,
    openWindow,

    /** An account with a session outside of any window, by which the test asks the API. */
    someone: (headers?: Readonly<Record<string, string>>): Promise<Person> => signUp(server, headers),

    async someoneProtected(): Promise<Protected> {
      const person = await signUp(server)
      return { ...person, ...(await protect(person.browser, clock)) }
    },

    /** Runs a test in a window that is closed afterwards, and fails it for what the page must not do. */
    async inWindow(run: (page: Page) => Promise<void>, viewport?: { width: number; height: number }): Promise<void> {
      const { page, misdeeds } = await openWindow(viewport)
      try {
        await run(page)
        expect(misdeeds).toEqual([])
      } finally {
        await page.context().close()
      }
    },

    open: (page: Page, path: string) => page.goto(server.url + path),

    /** Signed in without the form, which has tests of its own, and at a screen. */
    async enter(page: Page, person: Pick<Person, 'email'> | Protected, path = '/sessions'): Promise<void> {
      const post = async (path: string, data: unknown) =>
        expect((await page.context().request.post(server.url + path, { data })).status()).toBe(200)
      await post('/v1/auth/login', { email: person.email, password: PASSWORD })
      if ('secret' in person) {
        await post('/v1/auth/two-factor', { method: 'totp', code: codeOnClock(clock, person.secret) })
        nextStep(clock)
      }
      await page.goto(server.url + path)
      await page.getByRole('navigation', { name: 'User profile' }).waitFor()
    },

    /** Where the link in the newest mail about this leads, on this server. */
    async mailedLink(address: string, subject: RegExp, path: string): Promise<string> {
      const link = linksIn(await mailTo(dataDir, address, subject)).find(({ pathname }) => pathname === path)
      if (link === undefined) throw new Error(`the mail has no link to ${path}`)
      return server.url + link.pathname + link.search + link.hash
    },

    events: ({ browser }: Pick<Person, 'browser'>): Promise<readonly AuditEventBody[]> => allEvents(server, browser),

    async close(): Promise<void> {
      await chromium.close()
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Beside which field is what said? */
export const errorBeside = (page: Page, label: string) => {
  const field = page.locator('.field', { has: page.getByLabel(label, { exact: true }) })
  return field.locator('.field-error')
}

export const save = (page: Page) => page.getByRole('button', { name: 'Save' })

export const fillSignIn = async (page: Page, email: string, password: string): Promise<void> => {
  // The screen before it may have a field of the same name.
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

export const STRONG_PASSWORD = 'eleven green umbrellas sing'

/** Types a new password twice. */
export const fillNewPassword = async (page: Page, password: string, again = password): Promise<void> => {
  await page.getByLabel('New password', { exact: true }).fill(password)
  await page.getByLabel('Confirm new password', { exact: true }).fill(again)
}

/** As a reader sees it: what is hidden is left out. */
// biome-ignore lint/performance/useDomNodeTextContent: the rendered text is what is asked about
export const textOf = (shown: Locator): Promise<string> => shown.innerText()
