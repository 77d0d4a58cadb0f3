/**
 * Every screen, dialog and unfolded row, wide and narrow: axe finds nothing serious, nothing is wider than the window;
 * and the whole way by keyboard alone.
 */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '../../scripts/screenshots/chromium.ts'
import { code, nextStep } from '../security/second-factor-support.ts'
import { signIn } from '../security/support.ts'
import { PASSWORD } from '../support/server.ts'
import { expectAccessible } from './axe.ts'
import { eventually, fillNewPassword, fillSignIn, LONG_MS, openStage, STRONG_PASSWORD, type Stage } from './stage.ts'

const executable = findChromium()
const SIZES = [
  { width: 1280, height: 800 },
  { width: 360, height: 740 },
]
const SUDO_MS = 600_000

const dialog = (page: Page) => page.getByRole('dialog')
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

describe.skipIf(executable === undefined)('the page for everybody', { timeout: LONG_MS }, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({ executable: executable ?? '', env: { SUDO_SECONDS: String(SUDO_MS / 1_000) } })
  }, 120_000)
  afterAll(() => stage?.close())

  /** Opens a dialog, judges it, and closes it again. */
  const judgeDialog = async (page: Page, name: string, fill?: () => Promise<void>) => {
    await dialog(page).waitFor()
    await fill?.()
    await expectAccessible(page, name)
    await page.keyboard.press('Escape')
    await dialog(page).waitFor({ state: 'hidden' })
  }

  it.for(SIZES)('before signing in, at $width x $height', (size) =>
    stage.inWindow(async (page) => {
      for (const [path, heading] of [
        ['/register', 'Create an account'],
        ['/forgot-password', 'Forgot your password?'],
        ['/reset-password#token=abc', 'Set a new password'],
        ['/confirm-email#token=abc', 'Confirm the e-mail address'],
        ['/second-factor', 'Second factor'],
        ['/sign-in?next=/profile', 'Sign in'],
      ] as const) {
        await stage.open(page, path)
        await page.getByRole('heading', { name: heading }).waitFor()
        await expectAccessible(page, path)
      }
      await fillSignIn(page, 'nobody@example.com', 'not a right password')
      await page.getByText('The credentials are not right').waitFor()
      await expectAccessible(page, 'a refused sign-in')
    }, size),
  )

  it.for(SIZES)('on every screen, at $width x $height', (size) =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await signIn(stage.server, person.email)
      await stage.server.browser().logIn(person.email, 'a wrong guess of the password')
      await stage.enter(page, person)
      await page.getByText('Current session').waitFor()
      await button(page, /^Details of the session/)
        .first()
        .click()
      await page.getByRole('link', { name: 'Show in the auditlog' }).waitFor()
      await expectAccessible(page, 'Sessions, unfolded')
      await button(page, 'Revoke all sessions').click()
      await judgeDialog(page, 'the question before revoking all')
      await page.getByText('Ended', { exact: true }).click()
      await page.getByText('There are no sessions here.').waitFor()
      await expectAccessible(page, 'ended sessions')

      for (const [link, ready] of [
        ['Profile', page.getByLabel('Phone')],
        ['Preferences', page.getByLabel('Time zone')],
        ['Formatting', page.getByLabel('Date format')],
        ['2FA authentication', button(page, 'Set up')],
      ] as const) {
        await page.getByRole('link', { name: link, exact: true }).click()
        await ready.waitFor()
        await expectAccessible(page, link)
      }
      await page.getByRole('link', { name: 'Profile', exact: true }).click()
      await button(page, 'Change').click()
      await judgeDialog(page, 'the change of the address', async () => {
        await dialog(page).getByLabel('New e-mail address').fill('new@example.com')
        await dialog(page).getByLabel('Current password', { exact: true }).fill('not the right one')
        await dialog(page).getByLabel('Current password', { exact: true }).press('Enter')
        await dialog(page).getByText('This is not your current password.').waitFor()
      })

      await page.getByRole('link', { name: 'Change password' }).click()
      await fillNewPassword(page, STRONG_PASSWORD, 'another')
      await page.getByText('The two passwords differ.').waitFor()
      await expectAccessible(page, 'Change password')

      await page.getByRole('link', { name: 'Auditlog' }).click()
      await page.getByRole('cell', { name: 'user:registered' }).waitFor()
      await button(page, 'Filters').click()
      await button(page, /^Details of: Registered/).click()
      await page.getByText('Client fingerprint').waitFor()
      await expectAccessible(page, 'Auditlog, unfolded')

      await stage.open(page, '/audit-log?session=none')
      await page
        .getByRole('main')
        .getByText(/No event matches|not valid/)
        .first()
        .waitFor()
      await expectAccessible(page, 'Auditlog without a match')
    }, size),
  )

  it.for(SIZES)('through the second factor, at $width x $height', (size) =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.enter(page, person, '/two-factor')
      await button(page, 'Set up').waitFor()
      stage.clock.forward(SUDO_MS + 1_000)
      await button(page, 'Set up').click()
      await judgeDialog(page, 'the proof of identity')
      await button(page, 'Set up').click()
      await dialog(page).getByLabel('Password', { exact: true }).fill(PASSWORD)
      await page.keyboard.press('Enter')
      await button(page, 'or add manually').click()
      await expectAccessible(page, 'setting up')
      const key = page.locator('dt', { hasText: /^Key$/ }).locator('xpath=following-sibling::dd[1]')
      const secret = ((await key.textContent()) ?? '').replaceAll(/\s/g, '')
      await page.getByLabel('Verify code').fill(code(stage.clock, secret))
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Your backup codes' }).waitFor()
      nextStep(stage.clock)
      await expectAccessible(page, 'backup codes')
      await button(page, 'I have stored them').click()
      await button(page, 'Show backup codes').click()
      await expectAccessible(page, 'second factor on')
      await button(page, 'Generate new codes').click()
      await judgeDialog(page, 'the question before new codes')
      await button(page, 'Disable').click()
      await judgeDialog(page, 'turning it off')
      stage.clock.forward(SUDO_MS + 1_000)
      await button(page, 'Generate new codes').click()
      await dialog(page).getByRole('button', { name: 'Generate new codes' }).click()
      await page.getByRole('dialog', { name: 'Confirm that it is you' }).getByLabel('Code from the app').waitFor()
      await expectAccessible(page, 'the proof of identity by a code')
    }, size),
  )

  it('is walked by keyboard alone, and a dialog holds the focus and gives it back', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      const isFocused = (name: RegExp, role: 'button' | 'link' | 'textbox' = 'button') =>
        page.getByRole(role, { name }).and(page.locator(':focus')).count()
      /** Tab until it is there, as somebody does who listens. */
      const tabTo = async (name: RegExp, role: 'button' | 'link' | 'textbox' = 'button') => {
        for (let steps = 0; steps < 40; steps += 1) {
          if ((await isFocused(name, role)) > 0) return
          await page.keyboard.press('Tab')
        }
        throw new Error(`Tab does not lead to ${name}`)
      }
      await stage.open(page, '/')
      await page.getByLabel('E-mail address').and(page.locator(':focus')).waitFor()
      await page.keyboard.type(person.email)
      await page.keyboard.press('Tab')
      await page.keyboard.type(PASSWORD)
      await page.keyboard.press('Enter')
      await page.getByText('Current session').waitFor()
      // A new screen begins at its heading.
      await page.getByRole('heading', { level: 1 }).and(page.locator(':focus')).waitFor()

      await page.keyboard.press('Shift+Tab')
      await tabTo(/^Sessions$|^Revoke all sessions$/)
      expect(await isFocused(/^Revoke all sessions$/)).toBe(1)
      await page.keyboard.press('Enter')
      await dialog(page).waitFor()
      const isInside = () => page.evaluate('document.activeElement.closest(\'[role="dialog"]\') !== null')
      await eventually(isInside).toBe(true)
      for (let steps = 0; steps < 6; steps += 1) {
        await page.keyboard.press('Tab')
        expect(await isInside()).toBe(true)
      }
      for (let steps = 0; steps < 6; steps += 1) {
        await page.keyboard.press('Shift+Tab')
        expect(await isInside()).toBe(true)
      }
      await page.keyboard.press('Escape')
      await dialog(page).waitFor({ state: 'hidden' })
      await eventually(() => isFocused(/^Revoke all sessions$/)).toBe(1)

      await tabTo(/^Details of the session/)
      await page.keyboard.press('Enter')
      await page.getByRole('link', { name: 'Show in the auditlog' }).waitFor()
      await tabTo(/Show in the auditlog/, 'link')
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Auditlog', level: 1 }).and(page.locator(':focus')).waitFor()

      const backToStart = async () => {
        for (let steps = 0; steps < 20 && (await isFocused(/Skip to content/, 'link')) === 0; steps += 1) {
          await page.keyboard.press('Shift+Tab')
        }
        expect(await isFocused(/Skip to content/, 'link')).toBe(1)
      }
      await backToStart()
      await tabTo(/^Profile$/, 'link')
      await page.keyboard.press('Enter')
      await page.getByLabel('Phone').waitFor()
      await backToStart()
      await page.keyboard.press('Enter')
      await page.getByRole('main').and(page.locator(':focus')).waitFor()
      await tabTo(/^Phone$/, 'textbox')
      await page.keyboard.type('+4930123456')
      await page.keyboard.press('Enter')
      await page
        .getByRole('status')
        .filter({ hasText: /^Saved$/ })
        .waitFor()
    }))
})
