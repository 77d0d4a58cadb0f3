/** The sessions and the audit log on their screens, in a real browser. */
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '../../scripts/screenshots/chromium.ts'
import { codesOf, inTurn, isSignedIn, sessionPage, signIn, untilProjected } from '../security/support.ts'
import { makeToken } from '../security/tokens.ts'
import type { Browser } from '../support/browser.ts'
import { eventually, LONG_MS, openStage, type Stage, textOf } from './stage.ts'

const executable = findChromium()
const PHONE = {
  'User-Agent':
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  'X-Forwarded-For': '129.132.1.1',
}

const revokeButtons = (page: Page) => page.getByRole('button', { name: /^Revoke the session of/ })
const shownCodes = (page: Page) => page.locator('.event-code').allInnerTexts()
const rows = (page: Page) => page.locator('tbody tr:not(.row-details)')

describe.skipIf(executable === undefined)('the lists', { timeout: LONG_MS }, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({ executable: executable ?? '' })
  }, 120_000)
  afterAll(() => stage?.close())

  describe('of sessions', () => {
    it('show where somebody is signed in, and tell each session its story', () =>
      stage.inWindow(async (page) => {
        const person = await stage.someone(PHONE)
        await stage.enter(page, person)
        const phone = rows(page).filter({ hasText: '129.132.1.1' })
        expect(await textOf(phone)).toMatch(/Active[\s\S]*Switzerland/)
        expect(await phone.locator('img.flag').count()).toBe(1)
        await phone.getByRole('img', { name: 'Mobile' }).waitFor()
        // The own one comes first, and cannot be revoked.
        expect(await textOf(rows(page).first())).toContain('Current session')
        await page.getByRole('button', { name: 'The current session is ended by signing out' }).waitFor()
        expect(await rows(page).first().getByRole('button').last().isDisabled()).toBe(true)

        const unfold = phone.getByRole('button', { name: /^Details of the session of Mobile Safari/ })
        await unfold.click()
        expect(await unfold.getAttribute('aria-expanded')).toBe('true')
        const details = page.locator('.row-details')
        await details.getByText('iPhone; CPU iPhone OS').waitFor()
        await details.getByText('user:logged_in').waitFor()
        const [session] = (await sessionPage(person.browser)).items.filter(({ current }) => current)
        expect(await textOf(details)).toContain(session?.hash)
        await details.getByRole('link', { name: 'Show in the auditlog' }).click()
        await page.getByText('1 filter is set').waitFor()
        await eventually(() => shownCodes(page)).toEqual(['user:logged_in'])
      }))

    it('revoke one with effect on its next request, and list it among the ended ones', () =>
      stage.inWindow(async (page) => {
        const person = await stage.someone(PHONE)
        await stage.enter(page, person)
        await revokeButtons(page).click()
        await page.getByText('The session was revoked.').waitFor()
        await eventually(() => rows(page).count()).toBe(1)
        expect(await isSignedIn(person.browser)).toBe(false)
        await page.getByText('Ended', { exact: true }).click()
        await page.getByRole('button', { name: /^Details of the session/ }).click()
        await page.locator('.row-details').getByText('Revoked', { exact: true }).waitFor()
        await page.locator('.row-details').getByText('user.session:revoked').waitFor()
        const { browser } = await signIn(stage.server, person.email)
        expect(codesOf(await stage.events({ browser }))).toContain('user.session:revoked')
      }))

    it('revoke all others after a question that says that the current one is kept', () =>
      stage.inWindow(async (page) => {
        const person = await stage.someone()
        await signIn(stage.server, person.email)
        await stage.enter(page, person)
        await eventually(() => rows(page).count()).toBe(3)
        const open = page.getByRole('button', { name: 'Revoke all sessions' })
        await open.click()
        const dialog = page.getByRole('dialog', { name: 'Revoke all other sessions?' })
        await dialog.getByText('The current session is kept.').waitFor()
        await dialog.getByRole('button', { name: 'Cancel' }).click()
        await dialog.waitFor({ state: 'hidden' })
        expect(await isSignedIn(person.browser)).toBe(true)
        await open.click()
        await dialog.getByRole('button', { name: 'Revoke all sessions' }).click()
        await page.getByText('2 sessions were revoked.').waitFor()
        await eventually(() => rows(page).count()).toBe(1)
        expect(await open.isDisabled()).toBe(true)
        const { browser } = await signIn(stage.server, person.email)
        const events = await stage.events({ browser })
        expect(codesOf(events).filter((each) => each === 'user.session:revoked')).toHaveLength(2)
        // A new sign-in elsewhere appears by itself.
        await eventually(() => rows(page).count()).toBe(2)
      }))
  })

  describe('of events', () => {
    it('load further pages, show news by themselves, and no event twice', () =>
      stage.inWindow(async (page) => {
        const person = await stage.someone()
        await inTurn(55, (n) => patchProfile(person.browser, { name: `Ada the ${n}th` }))
        await stage.enter(page, person, '/audit-log')
        await eventually(() => rows(page).count()).toBe(50)
        await page.getByRole('button', { name: 'Load more' }).click()
        const total = (await stage.events(person)).length
        await eventually(() => rows(page).count()).toBe(total)
        expect(total).toBeGreaterThan(50)
        expect(await page.getByRole('button', { name: 'Load more' }).count()).toBe(0)
        await signIn(stage.server, person.email)
        await eventually(() => rows(page).count()).toBe(total + 1)
        expect((await shownCodes(page))[0]).toBe('user:logged_in')
        const told = page.getByRole('status').filter({ hasText: 'Logged in' })
        expect(await told.count()).toBe(1)
      }))

    it('are filtered, with the filter in the address, and unfold to all that is known', () =>
      stage.inWindow(async (page) => {
        const person = await stage.someone(PHONE)
        await stage.server.browser(PHONE).logIn(person.email, 'a wrong guess of the password')
        await stage.enter(page, person, '/audit-log')
        await page.getByRole('button', { name: 'Filters' }).click()
        await page.getByLabel('Outcome').selectOption('failure')
        await page.getByLabel('Country').fill('ch')
        await page.getByLabel('IP address').fill('129.132.1.1')
        await page.getByRole('button', { name: 'Apply' }).click()
        await page.getByText('3 filters are set').waitFor()
        await eventually(() => shownCodes(page)).toEqual(['user:login_failed'])
        expect(await page.locator('.event-code').getAttribute('class')).toContain('danger')

        await page.getByRole('button', { name: /^Details of:/ }).click()
        const details = page.locator('.row-details')
        const facts = await textOf(details)
        for (const each of [
          'Client fingerprint',
          'No data',
          'iOS 18.5',
          'Mobile Safari',
          'Switzerland',
          'iPhone; CPU',
        ]) {
          expect(facts).toContain(each)
        }
        expect(facts).not.toMatch(/null|undefined/)

        // Another event that the filter leaves out does not appear; one that it takes does.
        await signIn(stage.server, person.email)
        await stage.server.browser(PHONE).logIn(person.email, 'another wrong guess of it')
        await eventually(() => shownCodes(page)).toEqual(['user:login_failed', 'user:login_failed'])

        await page.reload()
        await eventually(() => shownCodes(page)).toEqual(['user:login_failed', 'user:login_failed'])
        expect(await page.getByLabel('Country').inputValue()).toBe('CH')
        await page.getByRole('button', { name: 'Clear' }).click()
        await eventually(() => shownCodes(page)).toContain('user:registered')
        await page.goBack()
        await eventually(() => shownCodes(page)).toEqual(['user:login_failed', 'user:login_failed'])

        await page.getByLabel('IP address').fill('not an address')
        await page.getByRole('button', { name: 'Apply' }).click()
        const field = page.locator('.filters .field', { has: page.getByLabel('IP address') })
        await field.locator('.field-error').waitFor()
      }))

    it('say when an auditor has read them', () =>
      stage.inWindow(async (page) => {
        const person = await stage.someone()
        const { user } = (await person.browser.get('/v1/me')).body as { user: { id: string } }
        const { headers } = await makeToken(stage.server, ['audit:read'])
        const auditor = stage.server.browser(headers)
        expect((await auditor.get(`/v1/audit/events?user=${user.id}`)).status).toBe(200)
        await untilProjected(stage.server)
        await stage.enter(page, person, '/audit-log')
        const row = rows(page).filter({ hasText: 'audit:accessed' })
        await row.getByRole('button', { name: /^Details of:/ }).click()
        const facts = await textOf(page.locator('.row-details'))
        expect(facts).toMatch(/Done by\s+An operator or auditor/)
        expect(facts).not.toMatch(/null|undefined|Number/)
      }))

    it.for(['CSV', 'NDJSON', 'JSON'])('are saved as %s, those that the filter shows', (format) =>
      stage.inWindow(async (page) => {
        const person = await stage.someone()
        await stage.enter(page, person, '/audit-log?code=user:registered')
        await eventually(() => shownCodes(page)).toEqual(['user:registered'])
        const [download] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', { name: `Export: ${format}` }).click(),
        ])
        expect(download.suggestedFilename()).toMatch(new RegExp(`\\.${format.toLowerCase()}$`))
        const text = await readFile(await download.path(), 'utf8')
        expect(text).toContain('user:registered')
        expect(text).not.toContain('user:logged_in')
      }),
    )
  })
})

const patchProfile = (browser: Browser, json: object) =>
  browser.send('PATCH', '/v1/me/profile', { json, headers: { 'If-Match': '*' } })
