/** People with a second factor, and the clock that their codes and the server share. */
import { expect } from 'vitest'
import { codeOf, STEP_MS, stepAt } from '../support/authenticator.ts'
import type { Browser, Reply } from '../support/browser.ts'
import { PASSWORD, type TestServer } from '../support/server.ts'
import { type Person, signUp } from './support.ts'

export interface Clock {
  /** For `startServer`. */
  readonly now: () => number
  forward(ms: number): void
}

/** It stands still between the steps of a test: no code turns old by the time it arrives. */
export const openClock = (): Clock => {
  let time = Date.now()
  return {
    now: () => time,
    forward(ms) {
      time += ms
    },
  }
}

export interface Enrollment {
  readonly id: string
  readonly secret: string
  readonly otpauthUri: string
  readonly qrCode: { readonly svg: string; readonly png: string }
  readonly expiresAt: string
}

export interface Protected extends Person {
  readonly secret: string
  readonly backupCodes: readonly string[]
}

export const enrol = async (browser: Browser): Promise<Enrollment> => {
  const reply = await browser.post('/v1/me/two-factor/enrollments')
  expect(reply.status).toBe(201)
  return reply.body as Enrollment
}

export const verify = (browser: Browser, { id }: Pick<Enrollment, 'id'>, code: unknown): Promise<Reply> =>
  browser.post(`/v1/me/two-factor/enrollments/${id}/verify`, { code })

/** What the app shows now, or that many steps off. */
export const code = (clock: Clock, secret: string, off = 0): string => codeOf(secret, stepAt(clock.now()) + off)

/** A code of a step that is surely none of those accepted now. */
export const wrongCode = (clock: Clock, secret: string): string => {
  const near = [-1, 0, 1, 2].map((off) => code(clock, secret, off))
  return ['000000', '111111', '222222', '333333', '444444'].find((guess) => !near.includes(guess)) ?? ''
}

/** Lets the step pass whose code was used last, so that the app shows a new one. */
export const nextStep = (clock: Clock): void => clock.forward(STEP_MS)

/** A new account with the second factor on. Its next code is that of the next step. */
export const signUpProtected = async (
  server: TestServer,
  clock: Clock,
  headers?: Readonly<Record<string, string>>,
): Promise<Protected> => {
  const person = await signUp(server, headers)
  return { ...person, ...(await protect(person.browser, clock)) }
}

export const protect = async (browser: Browser, clock: Clock): Promise<Pick<Protected, 'secret' | 'backupCodes'>> => {
  const enrollment = await enrol(browser)
  const reply = await verify(browser, enrollment, code(clock, enrollment.secret))
  expect(reply.status).toBe(200)
  nextStep(clock)
  return { secret: enrollment.secret, ...(reply.body as { backupCodes: readonly string[] }) }
}

/** The first step alone: a browser that holds the challenge. */
export const challenged = async (
  server: TestServer,
  { email }: Pick<Person, 'email'>,
  password: string = PASSWORD,
): Promise<Browser> => {
  const browser = server.browser()
  const reply = await browser.logIn(email, password)
  expect(reply.body).toMatchObject({ status: 'two_factor_required', methods: ['totp', 'backup_code'] })
  return browser
}

export const complete = (browser: Browser, given: unknown, method: 'totp' | 'backup_code' = 'totp'): Promise<Reply> =>
  browser.post('/v1/auth/two-factor', { method, code: given })

export const signInProtected = async (
  server: TestServer,
  clock: Clock,
  person: Pick<Protected, 'email' | 'secret'>,
): Promise<Browser> => {
  const browser = await challenged(server, person)
  expect((await complete(browser, code(clock, person.secret))).status).toBe(200)
  nextStep(clock)
  return browser
}

export const disable = (browser: Browser, given: unknown, method = 'totp', password = PASSWORD): Promise<Reply> =>
  browser.post('/v1/me/two-factor/disable', { password, method, code: given })
