/** Every screen and dialog, in the order in which somebody meets them. */
import type { Locator, Page } from 'playwright-core'
import { EMAIL, LAPTOP, liveAWeek, PASSWORD, PHONE } from './history.ts'
import type { Device, Studio } from './studio.ts'
import { codeAt } from './totp.ts'

type Keep = (name: string, picture: Buffer) => Promise<void>

export const takePictures = async (studio: Studio, keep: Keep): Promise<void> => {
  const snap = async (name: string, page: Page, options: { readonly whole?: boolean } = {}) => {
    await page.mouse.move(0, 0)
    await keep(name, await page.screenshot({ fullPage: options.whole ?? true, animations: 'disabled', caret: 'hide' }))
  }
  const laptop = await liveAWeek(studio)
  await outside(studio, snap)
  const page = await studio.openPage(laptop, '/sessions')
  await lists(studio, page, snap)
  await settings(page, snap)
  await password(page, snap)
  const secret = await secondFactor(studio, page, snap)
  await signingInWithFactor(studio, secret, snap)
  await onAPhone(studio, secret, snap)
}

type Snap = (name: string, page: Page, options?: { readonly whole?: boolean }) => Promise<void>

const outside = async (studio: Studio, snap: Snap) => {
  const visitor = await studio.openDevice(LAPTOP, { width: 900, height: 700 })
  const page = await studio.openPage(visitor, '/sign-in')
  await page.getByLabel('E-mail address').fill(EMAIL)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await snap('sign-in', page)
  await page.goto(`${studio.url}/register`)
  await page.getByLabel('E-mail address').fill('grace@example.com')
  await page.getByLabel('New password', { exact: true }).fill(PASSWORD)
  await page.getByText('Strength').waitFor()
  await snap('register', page)
  await page.goto(`${studio.url}/forgot-password`)
  await page.getByLabel('E-mail address').fill(EMAIL)
  await snap('forgot-password', page)
  await page.goto(`${studio.url}/reset-password#token=from-the-mail`)
  await page.getByText('at least 12 characters').waitFor()
  await snap('reset-password', page)
  await page.goto(`${studio.url}/confirm-email#token=from-the-mail`)
  await page.getByRole('button', { name: 'Confirm' }).waitFor()
  await snap('confirm-email', page)
  await page.goto(`${studio.url}/v1/auth/not-me?token=from-the-mail`)
  await page.getByRole('button', { name: 'It was not me' }).waitFor()
  await snap('not-me', page)
}

const lists = async (studio: Studio, page: Page, snap: Snap) => {
  await page.getByText('Current session').waitFor()
  await page
    .getByRole('button', { name: /^Details of the session of Mobile Safari/ })
    .first()
    .click()
  await page.locator('.row-details').getByText('user:logged_in').waitFor()
  await snap('sessions', page)
  await page.getByRole('button', { name: 'Revoke all sessions' }).click()
  await page.getByRole('dialog').waitFor()
  await snap('revoke-all', page, { whole: false })
  await closeDialog(page)
  await page.getByText('Ended', { exact: true }).click()
  await page
    .getByRole('button', { name: /^Details of the session/ })
    .first()
    .click()
  await page.locator('.row-details').getByText('user:logged_out').waitFor()
  await snap('sessions-ended', page)

  await go(page, 'Auditlog', page.getByRole('cell', { name: 'user:registered' }))
  await page.getByRole('button', { name: /^Details of: Password changed/ }).click()
  await page.getByText('Client fingerprint').waitFor()
  await snap('audit-log', page)
  await page.goto(`${studio.url}/audit-log?outcome=failure&country=US`)
  await page.getByText('2 filters are set').waitFor()
  await page.getByRole('cell', { name: 'user:login_failed' }).first().waitFor()
  await snap('audit-log-filters', page)
}

const settings = async (page: Page, snap: Snap) => {
  await go(page, 'Profile', page.getByLabel('Phone'))
  await snap('profile', page)
  await page.getByRole('button', { name: 'Change' }).click()
  await page.getByRole('dialog').getByLabel('New e-mail address').fill('ada@lovelace.example')
  await snap('change-email', page, { whole: false })
  await closeDialog(page)
  await go(page, 'Preferences', page.getByLabel('Time zone'))
  await snap('preferences', page)
  await go(page, 'Formatting', page.getByLabel('Date format'))
  await snap('formatting', page)
}

const password = async (page: Page, snap: Snap) => {
  await go(page, 'Change password', page.getByText('at least 12 characters'))
  await page.getByLabel('Current password', { exact: true }).fill(PASSWORD)
  await page.getByLabel('New password', { exact: true }).fill('twelve yellow kettles')
  await page.getByLabel('Confirm new password', { exact: true }).fill('twelve yellow kettle')
  await page.getByText('The two passwords differ.').waitFor()
  await snap('change-password', page)
}

/** The secret, as the app has it. */
const secondFactor = async (studio: Studio, page: Page, snap: Snap): Promise<string> => {
  await go(page, '2FA authentication', page.getByRole('button', { name: 'Set up' }))
  await snap('two-factor-off', page)
  studio.pass(30)
  await page.clock.setFixedTime(studio.now())
  await page.getByRole('button', { name: 'Set up' }).click()
  const proof = page.getByRole('dialog')
  await proof.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await snap('confirm-it-is-you', page, { whole: false })
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'or add manually' }).click()
  await page.getByLabel('Verify code').waitFor()
  await snap('two-factor-set-up', page)
  const key = page.locator('dt', { hasText: /^Key$/ }).locator('xpath=following-sibling::dd[1]')
  const secret = ((await key.textContent()) ?? '').replaceAll(/\s/g, '')
  await page.getByLabel('Verify code').fill(await codeAt(studio.now(), secret))
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Your backup codes' }).waitFor()
  await snap('backup-codes', page)
  await page.getByRole('button', { name: 'I have stored them' }).click()
  studio.pass(1)
  await page.getByRole('button', { name: 'Show backup codes' }).click()
  await page.getByText('10 of 10 backup codes are left.').waitFor()
  await snap('two-factor-on', page)
  await page.getByRole('button', { name: 'Generate new codes' }).click()
  await page.getByRole('dialog').waitFor()
  await snap('generate-codes', page, { whole: false })
  await closeDialog(page)
  await page.getByRole('button', { name: 'Disable' }).click()
  await page.getByRole('dialog').waitFor()
  await snap('two-factor-disable', page, { whole: false })
  await closeDialog(page)
  return secret
}

const signingInWithFactor = async (studio: Studio, secret: string, snap: Snap) => {
  const visitor = await studio.openDevice(LAPTOP, { width: 900, height: 700 })
  const page = await studio.openPage(visitor, '/sign-in')
  await page.getByLabel('E-mail address').fill(EMAIL)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByLabel('Code from the app').fill(await codeAt(studio.now(), secret))
  await snap('second-factor', page)
}

const onAPhone = async (studio: Studio, secret: string, snap: Snap) => {
  studio.pass(1)
  const phone: Device = await studio.openDevice(PHONE, { width: 390, height: 844 })
  await phone.post('/v1/auth/login', { email: EMAIL, password: PASSWORD })
  await phone.post('/v1/auth/two-factor', { method: 'totp', code: await codeAt(studio.now(), secret) })
  studio.pass(2)
  const page = await studio.openPage(phone, '/sessions')
  await page.getByText('Current session').waitFor()
  await snap('phone-sessions', page, { whole: false })
  await page.goto(`${studio.url}/audit-log`)
  await page.locator('.event-code').first().waitFor()
  await snap('phone-audit-log', page, { whole: false })
}

const go = async (page: Page, link: string, ready: Locator) => {
  await page.getByRole('link', { name: link, exact: true }).click()
  await ready.first().waitFor()
}

const closeDialog = async (page: Page) => {
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'hidden' })
}
