/** What somebody tries on an account, as plain data: numbers pick among what there is by then. See life.ts. */
import fc from 'fast-check'
import { hours, minutes, seconds } from './given.ts'

/** A session, mostly a live one, with its token or one of another generation; perhaps under an Idempotency-Key. */
export interface Asking {
  readonly session: number
  readonly isLive: boolean
  readonly generationOff: number
  readonly key: number | null
}

export interface PasswordGuess {
  readonly matched: boolean
  readonly stale: boolean
}

export interface CodeGuess {
  readonly method: 'totp' | 'backup_code'
  readonly matched: boolean
  readonly stale: boolean
  /** Steps from the one of this moment. */
  readonly stepOff: number
  readonly index: number
}

/** `newest`: how many newer ones there are than the one meant. */
interface Newest {
  readonly newest: number
}

export type Attempt =
  | { readonly kind: 'register' | 'createUser' | 'requestPasswordReset' }
  | { readonly kind: 'erase'; readonly held: boolean }
  | { readonly kind: 'logIn'; readonly password: PasswordGuess; readonly stronger: boolean; readonly client: number }
  | ({ readonly kind: 'completeLogIn'; readonly code: CodeGuess; readonly client: number } & Newest)
  | { readonly kind: 'reauthenticate'; readonly with: PasswordGuess | CodeGuess; readonly by: Asking }
  | {
      readonly kind: 'changePassword'
      readonly password: PasswordGuess
      readonly keepOtherSessions: boolean
      readonly by: Asking
    }
  | ({ readonly kind: 'resetPassword' } & Newest)
  | ({ readonly kind: 'reportCompromise'; readonly standing: 'filed' | 'taken' } & Newest)
  | {
      readonly kind: 'startEnrollment' | 'regenerateBackupCodes' | 'logOut' | 'revokeOtherSessions'
      readonly by: Asking
    }
  | ({ readonly kind: 'verifyEnrollment'; readonly matched: boolean; readonly by: Asking } & Newest)
  | {
      readonly kind: 'disableTwoFactor'
      readonly password: PasswordGuess
      readonly code: CodeGuess
      readonly by: Asking
    }
  | { readonly kind: 'revokeSession'; readonly target: number; readonly by: Asking }
  | { readonly kind: 'expireSession'; readonly target: number; readonly limit: 'idle' | 'absolute' }
  | {
      readonly kind: 'updateProfile' | 'updatePreferences'
      readonly fields: readonly string[]
      readonly stale: boolean
      readonly by: Asking
    }
  | { readonly kind: 'requestEmailChange'; readonly password: PasswordGuess; readonly by: Asking }
  | ({
      readonly kind: 'confirmEmailChange'
      readonly address: 'old' | 'new'
      readonly standing: 'filed' | 'taken' | 'notAsked'
    } & Newest)
  | { readonly kind: 'unlock' | 'revokeAllSessions' | 'disableTwoFactorOf'; readonly key: number | null }

export interface Step {
  readonly attempt: Attempt
  readonly pauseMs: number
}

const mostly = fc.constantFrom(true, true, true, true, true, true, false)
const seldom = fc.constantFrom(false, false, false, false, false, true)
const newest = fc.constantFrom(0, 0, 0, 0, 1, 2, 9)
const key = fc.option(fc.nat(3), { freq: 2 })
const by: fc.Arbitrary<Asking> = fc.record({
  session: fc.nat(20),
  isLive: mostly,
  generationOff: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 1),
  key,
})
const passwordGuess = (matched: fc.Arbitrary<boolean>): fc.Arbitrary<PasswordGuess> =>
  fc.record({ matched, stale: seldom })
const codeGuess = (matched: fc.Arbitrary<boolean>): fc.Arbitrary<CodeGuess> =>
  fc.record({
    method: fc.constantFrom('totp', 'totp', 'backup_code'),
    matched,
    stale: seldom,
    stepOff: fc.constantFrom(0, 0, 0, 0, -1, 1),
    index: fc.constantFrom(0, 0, 1, 2, 9),
  })
const password = passwordGuess(mostly)
const code = codeGuess(mostly)
/** Wrong often enough that some lives come to the lock. */
const atTheDoor = { password: passwordGuess(fc.boolean()), code: codeGuess(fc.boolean()) }
const standing = fc.constantFrom('filed', 'filed', 'filed', 'taken', 'notAsked')
const client = fc.constantFrom(0, 0, 0, 1, 2, 3)
const is = <const K extends Attempt['kind']>(...kinds: readonly K[]) => fc.constantFrom(...kinds)

const weighed: readonly fc.WeightedArbitrary<Attempt>[] = [
  { weight: 2, arbitrary: fc.record({ kind: is('register', 'createUser') }) },
  { weight: 24, arbitrary: fc.record({ kind: is('logIn'), password: atTheDoor.password, stronger: seldom, client }) },
  { weight: 28, arbitrary: fc.record({ kind: is('completeLogIn'), code: atTheDoor.code, client, newest }) },
  { weight: 10, arbitrary: fc.record({ kind: is('reauthenticate'), with: fc.oneof(password, code), by }) },
  { weight: 8, arbitrary: fc.record({ kind: is('changePassword'), password, keepOtherSessions: mostly, by }) },
  { weight: 4, arbitrary: fc.record({ kind: is('requestPasswordReset') }) },
  { weight: 8, arbitrary: fc.record({ kind: is('resetPassword'), newest }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: is('reportCompromise'),
      newest,
      standing: fc.constantFrom('filed', 'filed', 'taken'),
    }),
  },
  { weight: 12, arbitrary: fc.record({ kind: is('startEnrollment', 'regenerateBackupCodes'), by }) },
  { weight: 8, arbitrary: fc.record({ kind: is('verifyEnrollment'), matched: fc.boolean(), newest, by }) },
  { weight: 6, arbitrary: fc.record({ kind: is('disableTwoFactor'), password, code, by }) },
  { weight: 4, arbitrary: fc.record({ kind: is('logOut', 'revokeOtherSessions'), by }) },
  { weight: 4, arbitrary: fc.record({ kind: is('revokeSession'), target: fc.nat(20), by }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: is('expireSession'), target: fc.nat(20), limit: fc.constantFrom('idle', 'absolute') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: is('updateProfile', 'updatePreferences'),
      fields: fc.subarray(['name', 'phone', 'language']),
      stale: seldom,
      by,
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: is('requestEmailChange'), password, by }) },
  {
    weight: 20,
    arbitrary: fc.record({ kind: is('confirmEmailChange'), address: fc.constantFrom('old', 'new'), standing, newest }),
  },
  { weight: 4, arbitrary: fc.record({ kind: is('unlock', 'revokeAllSessions', 'disableTwoFactorOf'), key }) },
]

const step: fc.Arbitrary<Step> = fc.record({
  attempt: fc.oneof(...weighed),
  pauseMs: fc.oneof(
    { weight: 24, arbitrary: fc.integer({ min: 0, max: seconds(20) }) },
    { weight: 9, arbitrary: fc.integer({ min: 0, max: minutes(10) }) },
    { weight: 1, arbitrary: fc.integer({ min: hours(1), max: hours(13) }) },
  ),
})

const right: PasswordGuess = { matched: true, stale: false }
const sameCode: CodeGuess = { method: 'totp', matched: true, stale: false, stepOff: 0, index: 0 }
const first: Asking = { session: 0, isLive: true, generationOff: 0, key: null }
const soon = (attempt: Attempt): Step => ({ attempt, pauseMs: seconds(1) })

/** Half of the lives begin with a second factor on or an e-mail change under way, which chance alone seldom gets to. */
const openings: readonly (readonly Step[])[] = [
  [soon({ kind: 'register' })],
  [soon({ kind: 'createUser' }), soon({ kind: 'resetPassword', newest: 0 })],
  [
    soon({ kind: 'register' }),
    soon({ kind: 'logIn', password: right, stronger: false, client: 0 }),
    soon({ kind: 'startEnrollment', by: first }),
    soon({ kind: 'verifyEnrollment', matched: true, newest: 0, by: first }),
    // Within the step of the code before it.
    soon({ kind: 'logIn', password: right, stronger: false, client: 1 }),
    soon({ kind: 'completeLogIn', code: sameCode, newest: 0, client: 1 }),
    soon({ kind: 'reauthenticate', with: sameCode, by: first }),
  ],
  [
    soon({ kind: 'register' }),
    soon({ kind: 'logIn', password: right, stronger: false, client: 0 }),
    soon({ kind: 'requestEmailChange', password: right, by: first }),
    soon({ kind: 'confirmEmailChange', address: 'old', standing: 'notAsked', newest: 0 }),
  ],
  [
    soon({ kind: 'register' }),
    soon({ kind: 'logIn', password: right, stronger: false, client: 0 }),
    soon({ kind: 'requestEmailChange', password: right, by: first }),
    soon({ kind: 'confirmEmailChange', address: 'new', standing: 'notAsked', newest: 0 }),
    soon({ kind: 'confirmEmailChange', address: 'old', standing: 'filed', newest: 0 }),
    // From the mailbox that the account had before.
    soon({ kind: 'reportCompromise', newest: 0, standing: 'filed' }),
  ],
]

/** Begun in one way or another, and erased last where it is erased: some steps follow to see that nothing comes back. */
export const aLife: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 2, 3, 4),
    fc.array(step, { minLength: 50, maxLength: 90, size: 'max' }),
    fc.constantFrom(false, false, true),
    fc.array(step, { maxLength: 12, size: 'max' }),
  )
  .map(([opening, steps, isErased, after]) => [
    ...(openings[opening] ?? []),
    ...steps,
    ...(isErased ? [soon({ kind: 'erase', held: true }), soon({ kind: 'erase', held: false }), ...after] : []),
  ])
