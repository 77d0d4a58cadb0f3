/** Profile, preferences and formatting on their screens, in a real browser. */
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '../../scripts/screenshots/chromium.ts'
import { codesOf, signIn } from '../security/support.ts'
import type { Browser } from '../support/browser.ts'
import { PASSWORD, someEmail } from '../support/server.ts'
import { errorBeside, eventually, fillSignIn, LONG_MS, openStage, type Stage, save, textOf } from './stage.ts'

const executable = findChromium()

const patch = (browser: Browser, part: 'profile' | 'preferences', json: object) =>
  browser.send('PATCH', `/v1/me/${part}`, { json, headers: { 'If-Match': '*' } })
const saved = (page: Page) => page.getByRole('status').filter({ hasText: /^Saved$/ })
/** News would renew the form before it is sent: here they never come. */
const withoutNews = (page: Page) => page.route('**/v1/me/events', (route) => route.abort())

describe.skipIf(executable === undefined)('the settings', { timeout: LONG_MS }, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({ executable: executable ?? '' })
  }, 120_000)
  afterAll(() => stage?.close())

  it('of the profile are saved, and what is refused is said beside its field', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.enter(page, person, '/profile')
      await page.getByLabel('Name').fill('Ada Lovelace')
      await page.getByLabel('Phone').fill('030 123456')
      await save(page).click()
      await errorBeside(page, 'Phone').waitFor()
      expect(await page.getByLabel('Name').inputValue()).toBe('Ada Lovelace')
      await page.getByLabel('Phone').fill('+4930123456')
      await save(page).click()
      await saved(page).waitFor()
      expect(await save(page).isDisabled()).toBe(true)
      await page.getByRole('banner').getByText('Ada Lovelace').waitFor()
      await page.reload()
      await eventually(() => page.getByLabel('Phone').inputValue()).toBe('+4930123456')
      expect(codesOf(await stage.events(person))).toContain('user.profile:updated')
    }))

  it('that somebody else has changed meanwhile are told, and nothing typed is lost', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await withoutNews(page)
      await stage.enter(page, person, '/profile')
      await page.getByLabel('Name').fill('Typed here')
      expect((await patch(person.browser, 'profile', { website: 'https://elsewhere.example/' })).status).toBe(200)
      await save(page).click()
      const told = page.getByRole('alert').filter({ hasText: 'Changed somewhere else' })
      await told.waitFor()
      expect(await page.getByLabel('Name').inputValue()).toBe('Typed here')
      await told.getByRole('button', { name: 'Load the newest' }).click()
      await eventually(() => page.getByLabel('Website').inputValue()).toBe('https://elsewhere.example/')
      expect(await page.getByLabel('Name').inputValue()).toBe('Typed here')
      await save(page).click()
      await saved(page).waitFor()
      expect((await person.browser.get('/v1/me/profile')).body).toMatchObject({
        name: 'Typed here',
        website: 'https://elsewhere.example/',
      })
    }))

  it('of formatting are previewed, and change the dates of the lists', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.enter(page, person, '/formatting')
      await page.getByLabel('Date format').selectOption('DD.MM.YYYY')
      await page.getByLabel('Decimal separator').selectOption(',')
      await page.getByLabel('Decimal places').selectOption('3')
      const preview = page.getByRole('region', { name: 'Preview' })
      expect(await textOf(preview)).toMatch(/\d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d/)
      expect(await textOf(preview)).toMatch(/1\s234\s567,891/)
      await save(page).click()
      await saved(page).waitFor()
      await page.getByRole('link', { name: 'Auditlog' }).click()
      await page
        .getByRole('cell', { name: /^\d\d\.\d\d\.\d{4} / })
        .first()
        .waitFor()
      const codes = codesOf(await stage.events(person))
      expect(codes.filter((each) => each === 'user.preferences:updated')).toHaveLength(1)
    }))

  it('of preferences hold for every screen: time zone and length of lists', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      for (let n = 0; n < 12; n += 1) await patch(person.browser, 'profile', { name: `Ada ${n}` })
      await stage.enter(page, person, '/preferences')
      await page.getByLabel('Language').fill('not a language')
      await save(page).click()
      await errorBeside(page, 'Language').waitFor()
      await page.getByLabel('Language').fill('de')
      await page.getByLabel('Time zone').selectOption('Australia/Eucla')
      await page.getByLabel('Items per page').selectOption('10')
      await save(page).click()
      await saved(page).waitFor()
      await page.getByRole('link', { name: 'Auditlog' }).click()
      await eventually(() => page.locator('tbody tr').count()).toBe(10)
      const at = await page.locator('tbody time').first().getAttribute('datetime')
      // 8:45 ahead of UTC, which no other zone is.
      const there = new Date(Date.parse(at ?? '') + (8 * 60 + 45) * 60_000)
      expect(await textOf(page.locator('tbody time').first())).toContain(there.toISOString().slice(11, 19))
    }))

  it('are renewed where they were changed elsewhere and nothing is typed here', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.enter(page, person, '/profile')
      await page.getByLabel('Website').waitFor()
      await patch(person.browser, 'profile', { website: 'https://elsewhere.example/' })
      await eventually(() => page.getByLabel('Website').inputValue()).toBe('https://elsewhere.example/')
    }))

  it('let the address change once both mailed links are confirmed', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      const newEmail = someEmail()
      await stage.enter(page, person, '/profile')
      await page.getByRole('button', { name: 'Change' }).click()
      const dialog = page.getByRole('dialog', { name: 'Change the e-mail address' })
      await dialog.getByLabel('New e-mail address').fill(newEmail)
      await dialog.getByLabel('Current password', { exact: true }).fill('not the right password')
      await dialog.getByLabel('Current password', { exact: true }).press('Enter')
      await dialog.getByText('This is not your current password.').waitFor()
      expect(await dialog.getByLabel('New e-mail address').inputValue()).toBe(newEmail)
      await dialog.getByLabel('Current password', { exact: true }).fill(PASSWORD)
      await dialog.getByLabel('Current password', { exact: true }).press('Enter')
      await dialog.waitFor({ state: 'hidden' })
      for (const [address, subject] of [
        [person.email, /confirm the change/i],
        [newEmail, /confirm your new/i],
      ] as const) {
        await page.goto(await stage.mailedLink(address, subject, '/confirm-email'))
        await page.getByRole('button', { name: 'Confirm' }).click()
        await page.getByText(/^Confirmed\./).waitFor()
      }
      const { browser } = await signIn(stage.server, newEmail)
      expect(codesOf(await stage.events({ browser }))).toContain('user.email:changed')
      await page.goto(`${stage.server.url}/profile`)
      // Whether or not the change has ended this session, the new address is the one that counts.
      await page
        .getByText(newEmail)
        .or(page.getByRole('heading', { name: 'Sign in' }))
        .first()
        .waitFor()
      if (new URL(page.url()).pathname === '/sign-in') await fillSignIn(page, newEmail, PASSWORD)
      await page.getByText(newEmail).first().waitFor()
    }))

  it('let somebody take along everything that is held about them', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.enter(page, person, '/profile')
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Download' }).click(),
      ])
      expect(JSON.stringify(JSON.parse(await readFile(await download.path(), 'utf8')))).toContain(person.email)
    }))
})
