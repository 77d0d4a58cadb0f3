/** Every screen once, in a real browser: it opens, axe finds nothing serious, nothing breaks its policy or calls elsewhere. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'
import { findChromium, launchChromium } from './chromium.ts'

const executable = findChromium()
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** As one line each: what is wrong, and where first. */
const seriousViolations = async (page: Page): Promise<readonly string[]> => {
  // Evaluated by the debugger, as the policy of the page would refuse it as a script.
  const debug = await page.context().newCDPSession(page)
  await debug.send('Runtime.evaluate', { expression: axe })
  const expression = 'axe.run(document).then(({ violations }) => JSON.stringify(violations))'
  const { result } = await debug.send('Runtime.evaluate', { expression, awaitPromise: true })
  await debug.detach()
  const violations: readonly { impact: string; id: string; nodes: readonly { html: string }[] }[] = JSON.parse(
    result.value,
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`)
}

describe.skipIf(executable === undefined)('the Security page in Chromium', () => {
  let server: TestServer
  let chromium: Browser
  const email = someEmail()

  beforeAll(async () => {
    server = await startServer()
    chromium = await launchChromium(executable ?? '')
    expect((await server.browser().register(email, PASSWORD)).status).toBe(201)
    // Built once for these sources; a clean clone waits for it here and not in a test.
    expect((await fetch(server.url)).status).toBe(200)
  }, 120_000)
  afterAll(async () => {
    await chromium?.close()
    await server?.stop()
  })

  /** A page, and what it did that it must not. */
  const openPage = async (viewport: { width: number; height: number }) => {
    const context = await chromium.newContext({ viewport })
    const page = await context.newPage()
    page.setDefaultTimeout(30_000)
    const misdeeds: string[] = []
    page.on('pageerror', (error) => misdeeds.push(error.message))
    page.on('console', (message) => {
      // A 401 is how the page learns that nobody is signed in.
      const isAnswer = message.text().startsWith('Failed to load resource')
      if (message.type() === 'error' && !isAnswer) misdeeds.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url)) misdeeds.push(`a request to ${request.url()}`)
    })
    return { page, misdeeds, close: () => context.close() }
  }

  const signIn = async (page: Page) => {
    await page.goto(server.url)
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL('**/sessions')
    await page.getByText('Current session').waitFor()
  }

  it.for([
    { width: 1280, height: 800 },
    { width: 360, height: 740 },
  ])('signs in and opens each screen at $width x $height', { timeout: 120_000 }, async (viewport) => {
    const { page, misdeeds, close } = await openPage(viewport)
    const expectFine = async (where: string) => {
      expect(await seriousViolations(page), where).toEqual([])
      const width = await page.evaluate('document.documentElement.scrollWidth')
      expect(width, `${where} is wider than the window`).toBeLessThanOrEqual(viewport.width)
    }

    for (const [path, heading] of [
      ['/sign-in', 'Sign in'],
      ['/register', 'Create an account'],
      ['/forgot-password', 'Forgot your password?'],
      ['/reset-password#token=abc', 'Set a new password'],
      ['/confirm-email#token=abc', 'Confirm the e-mail address'],
      ['/second-factor', 'Second factor'],
    ] as const) {
      await page.goto(server.url + path)
      await page.getByRole('heading', { name: heading }).waitFor()
      await expectFine(path)
    }
    await signIn(page)
    await expectFine('/sessions')
    await page
      .getByRole('button', { name: /^Details of the session/ })
      .first()
      .click()
    await page.getByRole('link', { name: 'Show in the auditlog' }).waitFor()
    await expectFine('/sessions, unfolded')

    for (const [link, ready] of [
      ['Profile', page.getByLabel('Phone')],
      ['Preferences', page.getByLabel('Time zone')],
      ['Formatting', page.getByLabel('Date format')],
      ['Change password', page.getByText('at least 12 characters')],
      ['2FA authentication', page.getByRole('button', { name: 'Set up' })],
      ['Auditlog', page.getByRole('cell', { name: 'user:registered' })],
    ] as const) {
      await page.getByRole('link', { name: link, exact: true }).click()
      await ready.first().waitFor()
      await expectFine(link)
    }
    await page.getByRole('button', { name: 'Filters' }).click()
    await page.getByRole('button', { name: /^Details of: Registered/ }).click()
    await page.getByText('Client fingerprint').waitFor()
    await expectFine('Auditlog, unfolded')

    await page.getByRole('link', { name: '2FA authentication' }).click()
    await page.getByRole('button', { name: 'Set up' }).click()
    await page.getByRole('button', { name: 'or add manually' }).click()
    await expectFine('2FA authentication, setting up')

    expect(misdeeds).toEqual([])
    await close()
  })
})
