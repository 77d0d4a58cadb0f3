/** Getting in and out, in a real browser, and what the account's history says of it afterwards. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium } from '../../scripts/screenshots/chromium.ts'
import { code, nextStep, wrongCode } from '../security/second-factor-support.ts'
import { codesOf, isSignedIn, signIn } from '../security/support.ts'
import { PASSWORD, someEmail } from '../support/server.ts'
import {
  errorBeside,
  eventually,
  fillNewPassword,
  fillSignIn,
  LONG_MS,
  openStage,
  STRONG_PASSWORD,
  type Stage,
  textOf,
} from './stage.ts'

const executable = findChromium()
const LOCK_AFTER = 3

const untilInside = async (page: Page) => {
  await page.getByText('Current session').waitFor()
  expect(new URL(page.url()).pathname).toBe('/sessions')
}

describe.skipIf(executable === undefined)('signing in', { timeout: LONG_MS }, () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({ executable: executable ?? '', env: { LOCK_AFTER_FAILURES: String(LOCK_AFTER) } })
  }, 120_000)
  afterAll(() => stage?.close())

  it('works with the right password, and signing out leads back', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.open(page, '/')
      await fillSignIn(page, person.email, PASSWORD)
      await untilInside(page)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
      // Whoever signs out by themselves needs no explanation.
      expect(await page.getByText('You were signed out').count()).toBe(0)
      await page.goBack()
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
      expect(codesOf(await stage.events(person)).slice(0, 2)).toEqual(['user:logged_out', 'user:logged_in'])
    }))

  it('tells a wrong password and an unknown address in the same words, and keeps what was typed', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      const told: string[] = []
      for (const [email, password] of [
        [person.email, 'not the right password'],
        [someEmail(), PASSWORD],
      ] as const) {
        await stage.open(page, '/sign-in')
        await fillSignIn(page, email, password)
        told.push(await textOf(page.getByRole('alert').filter({ hasText: 'not right' })))
        expect(await page.getByLabel('E-mail address').inputValue()).toBe(email)
        expect(await page.getByLabel('Password', { exact: true }).inputValue()).toBe(password)
      }
      expect(told[0]).toBe(told[1])
      expect(told[0]).toContain('The e-mail address or the password is not right.')
      expect(codesOf(await stage.events(person))[0]).toBe('user:login_failed')
    }))

  it('says when an account is locked for how long, and what can be done', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.open(page, '/sign-in')
      for (let guess = 1; guess <= LOCK_AFTER; guess += 1) {
        const answer = page.waitForResponse('**/v1/auth/login')
        await fillSignIn(page, person.email, `wrong guess number ${guess}`)
        expect((await answer).status()).toBe(401)
      }
      await fillSignIn(page, person.email, PASSWORD)
      const alert = page.getByRole('alert').filter({ hasText: 'Too many failed attempts' })
      expect(await textOf(alert)).toMatch(/Try again in 30 minutes/)
      expect(await textOf(alert)).not.toMatch(/Retry-After/)
      expect(codesOf(await stage.events(person)).slice(0, 2)).toEqual(['user:locked', 'user:login_failed'])
    }))

  it('comes back to the screen that was asked for', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.open(page, '/audit-log?code=user%3Aregistered')
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
      await fillSignIn(page, person.email, PASSWORD)
      await page.getByRole('cell', { name: 'user:registered' }).waitFor()
      expect(new URL(page.url()).pathname + new URL(page.url()).search).toMatch(
        /^\/audit-log\?code=user(:|%3A)registered$/,
      )
      expect(await page.getByRole('cell', { name: 'user:logged_in' }).count()).toBe(0)
    }))

  it('never leads to another host afterwards', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.open(page, '/sign-in?next=//evil.example/sessions')
      await fillSignIn(page, person.email, PASSWORD)
      await untilInside(page)
    }))

  it('asks for the code of the app where the second factor is on', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someoneProtected()
      await stage.open(page, '/profile')
      await fillSignIn(page, person.email, PASSWORD)
      await page.getByRole('heading', { name: 'Second factor' }).waitFor()
      const field = page.getByLabel('Code from the app')
      await field.and(page.locator(':focus')).waitFor()
      expect(await page.getByRole('button', { name: 'Continue' }).isDisabled()).toBe(true)
      await field.fill(wrongCode(stage.clock, person.secret))
      await field.press('Enter')
      expect(await textOf(errorBeside(page, 'Code from the app'))).toMatch(/wrong/)
      // As the app shows it, with a blank in the middle.
      await field.fill(code(stage.clock, person.secret).replace(/^.../, '$& '))
      await field.press('Enter')
      await page.getByLabel('Phone').waitFor()
      nextStep(stage.clock)
      expect(codesOf(await stage.events(person)).slice(0, 2)).toEqual(['user:logged_in', 'user:login_failed'])
    }))

  it('takes a backup code instead, once', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someoneProtected()
      const [backup = ''] = person.backupCodes
      const enter = async () => {
        await stage.open(page, '/sign-in')
        await fillSignIn(page, person.email, PASSWORD)
        await page.getByRole('button', { name: 'Use a backup code instead' }).click()
        await page.getByLabel('Backup code', { exact: true }).fill(backup)
        await page.getByRole('button', { name: 'Continue' }).click()
      }
      await enter()
      await untilInside(page)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('heading', { name: 'Sign in' }).waitFor()
      await enter()
      expect(await textOf(errorBeside(page, 'Backup code'))).toMatch(/used before/)
      expect(codesOf(await stage.events(person))).toContain('user.2fa:backup_code_used')
    }))

  it('makes an account, once for an address, and signs nobody in', () =>
    stage.inWindow(async (page) => {
      const email = someEmail()
      const fill = async () => {
        await stage.open(page, '/register')
        await page.getByLabel('E-mail address').fill(email)
        await page.getByLabel('Name (optional)').fill('Grace')
        await fillNewPassword(page, STRONG_PASSWORD)
        await page.getByRole('button', { name: 'Create the account' }).click()
      }
      await fill()
      await page.getByText('Your account is there.').waitFor()
      await fill()
      await page.getByText('There is an account with this e-mail address.').waitFor()
      expect(await page.getByLabel('Name (optional)').inputValue()).toBe('Grace')
      await page.getByRole('link', { name: 'Back to sign in' }).click()
      await fillSignIn(page, email, STRONG_PASSWORD)
      await untilInside(page)
      await page.getByText('Grace').waitFor()
    }))

  it('resets a forgotten password by the mailed link, whose token leaves the address bar', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.open(page, '/sign-in')
      await page.getByRole('link', { name: 'Forgot your password?' }).click()
      await page.getByRole('heading', { name: 'Forgot your password?' }).waitFor()
      await page.getByLabel('E-mail address').fill(person.email)
      await page.getByRole('button', { name: 'Send the link' }).click()
      await page.getByText(`If there is an account for ${person.email}`).waitFor()

      const link = await stage.mailedLink(person.email, /reset your password/i, '/reset-password')
      await page.goto(link)
      const set = page.getByRole('button', { name: 'Set the password' })
      await set.waitFor()
      await eventually(() => page.url()).toBe(`${stage.server.url}/reset-password`)
      await fillNewPassword(page, 'password123456')
      await set.click()
      expect(await textOf(errorBeside(page, 'New password'))).toMatch(/guessed first/)
      await fillNewPassword(page, STRONG_PASSWORD)
      await set.click()
      await page.getByText('The new password is set.').waitFor()
      expect(await isSignedIn(person.browser)).toBe(false)
      await fillSignIn(page, person.email, STRONG_PASSWORD)
      await untilInside(page)
      const { browser } = await signIn(stage.server, person.email, STRONG_PASSWORD)
      expect(codesOf(await stage.events({ browser }))).toContain('user.password:changed')

      await page.goto(link)
      await fillNewPassword(page, 'twelve yellow kettles whistle')
      await set.click()
      await page.getByText('The link is no longer valid').waitFor()
      await page.getByRole('link', { name: 'Ask for a new link' }).waitFor()
    }))

  it('locks the account of somebody who says that it was not them', () =>
    stage.inWindow(async (page) => {
      const person = await stage.someone()
      await stage.enter(page, person)
      await page.getByRole('link', { name: 'Change password' }).click()
      await page.getByLabel('Current password', { exact: true }).fill(PASSWORD)
      await fillNewPassword(page, STRONG_PASSWORD)
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Your password is changed').first().waitFor()

      const link = await stage.mailedLink(person.email, /your password was changed/i, '/v1/auth/not-me')
      const mail = await page.context().newPage()
      await mail.goto(link)
      await mail.getByRole('button', { name: 'It was not me' }).click()
      await mail.getByText('Your account is locked').waitFor()
      // The window that was open meanwhile is out without anybody touching it.
      await page.getByText('this session was ended somewhere else').waitFor()
      await fillSignIn(page, person.email, STRONG_PASSWORD)
      await page.getByRole('alert').filter({ hasText: /\S/ }).first().waitFor()
      expect(new URL(page.url()).pathname).toBe('/sign-in')
      // The way back in is mailed.
      await page.goto(await stage.mailedLink(person.email, /choose a new password/i, '/reset-password'))
      await fillNewPassword(page, 'twelve yellow kettles whistle')
      await page.getByRole('button', { name: 'Set the password' }).click()
      await page.getByText('The new password is set.').waitFor()
      const { browser } = await signIn(stage.server, person.email, 'twelve yellow kettles whistle')
      expect(codesOf(await stage.events({ browser }))).toContain('user:compromise_reported')
    }))

  it('says so where there is no such page, and where a link has lost its end', () =>
    stage.inWindow(async (page) => {
      await stage.open(page, '/reset-password')
      await page.getByText('Open the link again, or ask for a new one').waitFor()
      await stage.open(page, '/confirm-email')
      await page.getByText('Open the link again, or ask for a new one').waitFor()
    }))
})
