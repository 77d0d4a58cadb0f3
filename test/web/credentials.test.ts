/** Password and second factor on their screens, in a real browser. */
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '../../scripts/screenshots/chromium.ts'
import { challenged, code, complete, nextStep, wrongCode } from '../security/second-factor-support.ts'
import { codesOf, isSignedIn, signIn } from '../security/support.ts'
import { PASSWORD } from '../support/server.ts'
import {
  errorBeside,
  eventually,
  fillNewPassword,
  LONG_MS,
  openStage,
  STRONG_PASSWORD,
  type Stage,
  save,
  textOf,
} from './stage.ts'

const executable = findChromium()
const SUDO_MS = 600_000

const current = (page: Page) => page.getByLabel('Current password', { exact: true })

describe.skipIf(executable === undefined)('the screens of password and second factor', { timeout: LONG_MS }, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({ executable: executable ?? '', env: { SUDO_SECONDS: String(SUDO_MS / 1_000) } })
  }, 120_000)
  afterAll(() => stage?.close())

  it('guide to a new password, refuse beside the fields, and end the other sessions', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.enter(page, person, '/change-password')
      const length = page.getByRole('listitem').filter({ hasText: 'at least 12 characters' })
      expect(await textOf(length)).toMatch(/missing/)
      expect(await save(page).isDisabled()).toBe(true)

      await current(page).fill('not the current password')
      await fillNewPassword(page, 'short')
      expect(await page.getByText('Strength: Too weak').count()).toBe(1)
      expect(await save(page).isDisabled()).toBe(true)
      await fillNewPassword(page, STRONG_PASSWORD, `${STRONG_PASSWORD}!`)
      expect(await textOf(length)).toMatch(/fulfilled/)
      expect(await textOf(errorBeside(page, 'Confirm new password'))).toBe('The two passwords differ.')
      expect(await save(page).isDisabled()).toBe(true)
      await fillNewPassword(page, STRONG_PASSWORD)
      await save(page).click()
      expect(await textOf(errorBeside(page, 'Current password'))).toBe('This is not your current password.')

      await current(page).fill(PASSWORD)
      await fillNewPassword(page, 'password123456')
      await save(page).click()
      expect(await textOf(errorBeside(page, 'New password'))).toMatch(/guessed first/)
      // Nothing that was typed is lost by a refusal.
      expect(await current(page).inputValue()).toBe(PASSWORD)
      await page.getByRole('button', { name: 'Show: New password' }).click()
      expect(await page.getByLabel('New password', { exact: true }).getAttribute('type')).toBe('text')
      await fillNewPassword(page, STRONG_PASSWORD)
      await save(page).click()
      await page.getByText('your other sessions are ended').waitFor()
      expect(await current(page).inputValue()).toBe('')
      expect(await page.getByLabel('Confirm new password', { exact: true }).inputValue()).toBe('')
      expect(await isSignedIn(person.browser)).toBe(false)

      const { browser } = await signIn(stage.server, person.email, STRONG_PASSWORD)
      const codes = codesOf(await stage.events({ browser }))
      expect(codes.filter((each) => each === 'user.password:change_failed')).toHaveLength(1)
      expect(codes.filter((each) => each === 'user.password:changed')).toHaveLength(1)
    }))

  it('keep the other sessions where that was asked for', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.enter(page, person, '/change-password')
      await current(page).fill(PASSWORD)
      await fillNewPassword(page, STRONG_PASSWORD)
      await page.getByText('Stay signed in on my other devices').click()
      await save(page).click()
      await page.getByText('Your password is changed.').waitFor()
      expect(await isSignedIn(person.browser)).toBe(true)
    }))

  it('set up the second factor by the typed key, and give ten codes once', () =>
    stage.inWindow(async (page) => {
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
      const person = await stage.someone()
      await stage.enter(page, person, '/two-factor')
      await page.getByRole('button', { name: 'Set up' }).click()
      for (const name of ['App Store', 'Google Play', 'Authy']) {
        expect(await page.getByRole('link', { name }).getAttribute('rel')).toContain('noopener')
      }
      await page.getByAltText('QR code to scan').waitFor()
      await eventually(() => page.evaluate("document.querySelector('.qr-code').naturalWidth")).toBeGreaterThan(0)
      await page.getByRole('button', { name: 'or add manually' }).click()
      const key = page.locator('dt', { hasText: /^Key$/ }).locator('xpath=following-sibling::dd[1]')
      const secret = (await textOf(key)).replaceAll(' ', '')
      const field = page.getByLabel('Verify code')
      const verify = page.getByRole('button', { name: 'Verify' })
      expect(await verify.isDisabled()).toBe(true)
      await field.fill(wrongCode(stage.clock, secret))
      await verify.click()
      expect(await textOf(errorBeside(page, 'Verify code'))).toMatch(/wrong/)
      await field.fill(code(stage.clock, secret))
      await verify.click()

      await page.getByRole('heading', { name: 'Your backup codes' }).waitFor()
      nextStep(stage.clock)
      const codes = await page.locator('.codes li').allInnerTexts()
      expect(codes).toHaveLength(10)
      await page.getByRole('button', { name: 'Copy' }).click()
      await page.getByText('Copied').waitFor()
      expect(await page.evaluate('navigator.clipboard.readText()')).toBe(codes.join('\n'))
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Download' }).click(),
      ])
      expect(download.suggestedFilename()).toBe('strongroom-backup-codes.txt')
      const file = await readFile(await download.path(), 'utf8')
      expect(file).toContain(person.email)
      for (const each of codes) expect(file).toContain(each)
      await page.evaluate('window.printed = 0; window.print = () => { window.printed += 1 }')
      await page.getByRole('button', { name: 'Print' }).click()
      expect(await page.evaluate('window.printed')).toBe(1)
      // Leaving them by the menu asks first.
      page.once('dialog', (dialog) => dialog.dismiss())
      await page.getByRole('link', { name: 'Sessions' }).click()
      expect(await page.locator('.codes li').count()).toBe(10)
      await page.getByRole('button', { name: 'I have stored them' }).click()

      await page.getByText('Enabled').waitFor()
      expect(await page.locator('.codes').count()).toBe(0)
      await page.getByRole('button', { name: 'Show backup codes' }).click()
      await page.getByText('10 of 10 backup codes are left.').waitFor()
      const text = await textOf(page.getByRole('main'))
      for (const each of codes) expect(text).not.toContain(each)

      // Enabling has ended the session the person was watching with; the codes are what sign-in takes.
      expect(await isSignedIn(person.browser)).toBe(false)
      const browser = await challenged(stage.server, person)
      expect((await complete(browser, codes[3], 'backup_code')).status).toBe(200)
      await page.getByText('9 of 10 backup codes are left.').waitFor()
      const states = await page.locator('.code-states li').allInnerTexts()
      expect(states.filter((state) => /used (now|\d)/.test(state))).toHaveLength(1)
      expect(codesOf(await stage.events({ browser }))).toEqual(expect.arrayContaining(['user.2fa:enabled']))
    }))

  it('generate new codes, after a warning and a fresh proof by the app', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someoneProtected()
      await stage.enter(page, person, '/two-factor')
      await page.getByRole('button', { name: 'Show backup codes' }).click()
      stage.clock.forward(SUDO_MS + 1_000)

      const open = page.getByRole('button', { name: 'Generate new codes' })
      await open.first().click()
      const asking = page.getByRole('dialog', { name: 'Generate new backup codes?' })
      await asking.getByText('stop working at once').waitFor()
      await asking.getByRole('button', { name: 'Generate new codes' }).click()
      const proof = page.getByRole('dialog', { name: 'Confirm that it is you' })
      const field = proof.getByLabel('Code from the app')
      await field.fill(wrongCode(stage.clock, person.secret))
      await field.press('Enter')
      await proof.getByText('The code is wrong').waitFor()
      await field.fill(code(stage.clock, person.secret))
      await field.press('Enter')
      await page.getByRole('heading', { name: 'Your backup codes' }).waitFor()
      nextStep(stage.clock)
      const codes = await page.locator('.codes li').allInnerTexts()
      expect(codes).toHaveLength(10)
      expect(codes.some((each) => person.backupCodes.includes(each))).toBe(false)
      await page.getByRole('button', { name: 'I have stored them' }).click()

      const codesNow = codesOf(await stage.events(person))
      expect(codesNow.slice(0, 3)).toEqual([
        'user.2fa:backup_codes_generated',
        'user:reauthenticated',
        'user:reauthentication_failed',
      ])
      const browser = await challenged(stage.server, person)
      expect((await complete(browser, person.backupCodes[0], 'backup_code')).status).toBe(401)
    }))

  it('ask for the password before a set-up where the last proof is old, and do nothing where that is called off', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.enter(page, person, '/two-factor')
      const setUp = page.getByRole('button', { name: 'Set up' })
      await setUp.waitFor()
      stage.clock.forward(SUDO_MS + 1_000)
      await setUp.click()
      const proof = page.getByRole('dialog', { name: 'Confirm that it is you' })
      await proof.getByRole('button', { name: 'Cancel' }).click()
      await proof.waitFor({ state: 'hidden' })
      expect(codesOf(await stage.events(person))).not.toContain('user.2fa:enrollment_started')

      await setUp.click()
      const field = proof.getByLabel('Password', { exact: true })
      await field.fill('not the right password')
      await field.press('Enter')
      await proof.getByText('This is not your current password.').waitFor()
      await field.fill(PASSWORD)
      await field.press('Enter')
      await page.getByText('Step 3').waitFor()
      expect(codesOf(await stage.events(person)).slice(0, 2)).toEqual([
        'user.2fa:enrollment_started',
        'user:reauthenticated',
      ])
    }))

  it.for(['Code from the app', 'Backup code'] as const)('turn the second factor off by password and %s', (method) =>
    stage.inWindow(async (page) => {
      const person = await stage.someoneProtected()
      await stage.enter(page, person, '/two-factor')
      await page.getByRole('button', { name: 'Disable' }).click()
      const dialog = page.getByRole('dialog', { name: 'Turn off 2FA authentication' })
      const submit = dialog.getByRole('button', { name: 'Disable' })
      expect(await submit.isDisabled()).toBe(true)
      await dialog.getByLabel('Password', { exact: true }).fill('not the right password')
      await dialog.getByRole('radio', { name: method }).check({ force: true })
      const right = method === 'Backup code' ? (person.backupCodes[0] ?? '') : code(stage.clock, person.secret)
      await dialog.getByRole('textbox', { name: method }).fill(right)
      await submit.click()
      await dialog.getByText('This is not your current password.').waitFor()
      expect(await dialog.getByRole('textbox', { name: method }).inputValue()).toBe(right)
      await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD)
      await submit.click()
      await page.getByText('2FA authentication is turned off.').waitFor()
      await page.getByRole('button', { name: 'Set up' }).waitFor()
      nextStep(stage.clock)
      const { browser } = await signIn(stage.server, person.email)
      expect(codesOf(await stage.events({ browser }))).toEqual(
        expect.arrayContaining(['user.2fa:disabled', 'user.2fa:disable_failed']),
      )
    }),
  )
})
