/** Signing in where the second factor is on: the password opens a challenge, and a code answers it. */
import { describe, expect, it } from 'vitest'
import type { NewAccountEvent, SignInMethod } from '../../src/account/events.ts'
import {
  backupCode,
  codesGenerated,
  codeUsed,
  completeLogIn,
  disabled,
  enabled,
  reauthenticated,
  STEP,
  signInWithCode,
  totp,
  withFactor,
  wrongBackupCode,
  wrongTotp,
} from './factor-stories.ts'
import { codeListId, eventId, given, hours, iso, LIMITS, minutes, type PastEvent, START, sessionId } from './given.ts'
import {
  aSecret,
  erased,
  failedLogIn,
  loggedIn,
  logInWith,
  passwordChanged,
  registered,
  rehashed,
  signInData,
} from './stories.ts'

const right = logInWith('passwordMatched', { session: 9 })
const credential = { tokenHash: aSecret('token hash') }
const signIn = (method: 'totp' | 'backup_code', step: number | null): NewAccountEvent => ({
  type: 'user:logged_in',
  data: signInWithCode(method, step),
  credential,
})
const used = (index: number, remaining: number, list = 1): NewAccountEvent => ({
  type: 'user.2fa:backup_code_used',
  data: { codeListId: codeListId(list), index, remaining },
})
const signedIn = (method: SignInMethod) => ({ kind: 'signedIn', sessionId: sessionId(9), method }) as const
const failure = (failures: number, method: SignInMethod): NewAccountEvent => ({
  type: 'user:login_failed',
  data: { method, failures },
})
const wrongCode = { kind: 'wrongCode' } as const
/** The second step was answered before. */
const answered = (step: number, challenge = 1): PastEvent => ({
  type: 'user:logged_in',
  data: { ...signInWithCode('totp', step, challenge), sessionId: sessionId(5) },
})

describe('a right password where the second factor is on', () => {
  it('begins no session and leaves no event: a code is asked for, under the credentials of today', () => {
    given(withFactor()).when(right).then([], { kind: 'secondFactorRequired', credentialEpoch: 1 })
    given([...withFactor(), passwordChanged(1, 2)])
      .when(logInWith('passwordMatched', { session: 9, passwordEventId: eventId(3) }))
      .then([], { kind: 'secondFactorRequired', credentialEpoch: 2 })
  })

  it('strengthens its hash all the same', () => {
    given(withFactor())
      .when(logInWith('passwordMatched', { session: 9, strongerHash: aSecret('stronger hash') }))
      .then(
        [
          {
            type: 'user.password:rehashed',
            data: { replaces: eventId(0) },
            credential: { passwordHash: aSecret('stronger hash') },
          },
        ],
        { kind: 'secondFactorRequired', credentialEpoch: 1 },
      )
  })

  it('forgives no failure: who knows it must not try codes for ever', () => {
    const past = [...withFactor(), failedLogIn(9)]
    given(past).when(right).then([], { kind: 'secondFactorRequired', credentialEpoch: 1 })
    given([...past, rehashed(eventId(0))])
      .when(completeLogIn(wrongTotp()))
      .then(
        [
          failure(10, 'totp'),
          { type: 'user:locked', data: { failures: 10, until: iso(START + minutes(1) + LIMITS.lockMs) } },
        ],
        wrongCode,
      )
  })

  it('asks for no code while the enrolment is not verified, nor once the factor is off again', () => {
    const started: PastEvent = {
      type: 'user.2fa:enrollment_started',
      data: { enrollmentId: sessionId(70), expiresAt: iso(START + hours(1)) },
    }
    const plain: NewAccountEvent = { type: 'user:logged_in', data: signInData(9), credential }
    given([registered(), loggedIn(1), started])
      .when(right)
      .then([plain], signedIn('password'))
    given([...withFactor(), disabled()])
      .when(right)
      .then([plain], signedIn('password'))
    given([...withFactor(), disabled('operator')])
      .when(right)
      .then([plain], signedIn('password'))
  })
})

describe('completing a log-in with a code from the app', () => {
  it('begins the session, and uses up challenge and step', () => {
    given(withFactor())
      .when(completeLogIn(totp(STEP + 1)))
      .then([signIn('totp', STEP + 1)], signedIn('totp'))
    const { state } = given([...withFactor(), answered(STEP + 1)])
    expect(state.twoFactor?.lastStep).toBe(STEP + 1)
    expect(state.usedChallenges).toHaveLength(1)
  })

  it('refuses the step that confirmed the enrolment, and every one before it', () => {
    for (const step of [STEP, STEP - 1, 0]) {
      given(withFactor())
        .when(completeLogIn(totp(step)))
        .then([failure(1, 'totp')], wrongCode)
    }
  })

  it('refuses a step that signed in elsewhere, or proved an identity inside a session', () => {
    for (const event of [answered(STEP + 5, 7), reauthenticated(STEP + 5, { generation: 2 })]) {
      given([...withFactor(), event])
        .when(completeLogIn(totp(STEP + 5)))
        .then([failure(1, 'totp')], wrongCode)
      given([...withFactor(), event])
        .when(completeLogIn(totp(STEP + 4)))
        .then([failure(1, 'totp')], wrongCode)
      given([...withFactor(), event])
        .when(completeLogIn(totp(STEP + 6)))
        .then([signIn('totp', STEP + 6)], signedIn('totp'))
    }
  })

  it('has the code checked again where it was checked under another secret', () => {
    const past = [...withFactor(), disabled(), enabled(2, { generation: 3 })]
    for (const fact of [totp(STEP + 1), wrongTotp(1)]) {
      given(past)
        .when(completeLogIn(fact, { credentialEpoch: 3 }))
        .then({ code: 'fact-stale' })
    }
    given(past)
      .when(completeLogIn(totp(STEP + 1, 2), { credentialEpoch: 3 }))
      .then([signIn('totp', STEP + 1)], signedIn('totp'))
  })
})

describe('completing a log-in with a backup code', () => {
  it('uses the code up, and says how many are left', () => {
    given(withFactor())
      .when(completeLogIn(backupCode(3)))
      .then([used(3, 9), signIn('backup_code', null)], signedIn('backup_code'))
    given([...withFactor(), codeUsed(3, 9), codeUsed(0, 8)])
      .when(completeLogIn(backupCode(9)))
      .then([used(9, 7), signIn('backup_code', null)], signedIn('backup_code'))
  })

  it('refuses one that was used before, like one that never was', () => {
    given([...withFactor(), codeUsed(3, 9)])
      .when(completeLogIn(backupCode(3)))
      .then([failure(1, 'backup_code')], wrongCode)
    given(withFactor())
      .when(completeLogIn(wrongBackupCode()))
      .then([failure(1, 'backup_code')], wrongCode)
  })

  it('has a code of an older list checked again: that list is dead', () => {
    const past = [...withFactor(), codeUsed(3, 9), codesGenerated(2)]
    for (const fact of [backupCode(4), wrongBackupCode()]) {
      given(past).when(completeLogIn(fact)).then({ code: 'fact-stale' })
    }
  })

  it('knows of the new list nothing that happened to the old one', () => {
    given([...withFactor(), codeUsed(3, 9), codesGenerated(2)])
      .when(completeLogIn(backupCode(3, 2)))
      .then([used(3, 9, 2), signIn('backup_code', null)], signedIn('backup_code'))
    given([...withFactor(), codesGenerated(2), codeUsed(3, 9, 1)])
      .when(completeLogIn(backupCode(3, 2)))
      .then([used(3, 9, 2), signIn('backup_code', null)], signedIn('backup_code'))
  })

  it('leaves the steps of the app as they are', () => {
    const { state } = given([
      ...withFactor(),
      codeUsed(3, 9),
      { type: 'user:logged_in', data: signInWithCode('backup_code', null) },
    ])
    expect(state.twoFactor?.lastStep).toBe(STEP)
    expect(state.twoFactor?.codes.used).toStrictEqual([{ index: 3, at: START }])
  })
})

describe('a challenge', () => {
  const code = totp(STEP + 2)

  it('is answered once', () => {
    given([...withFactor(), answered(STEP + 1)])
      .when(completeLogIn(code))
      .then({ code: 'challenge-expired' })
    given([...withFactor(), answered(STEP + 1, 2)])
      .when(completeLogIn(code))
      .then([signIn('totp', STEP + 2)], signedIn('totp'))
  })

  it('survives a wrong answer', () => {
    given([...withFactor(), failedLogIn(1)])
      .when(completeLogIn(code))
      .then([signIn('totp', STEP + 2)], signedIn('totp'))
  })

  it.each<[string, PastEvent]>([
    ['a change of the password', passwordChanged(1, 2)],
    ['a reset of the password', passwordChanged('reset')],
    ['turning the factor off', disabled()],
    ['an operator turning it off', disabled('operator')],
    ['a report that it was somebody else', { type: 'user:compromise_reported', data: { eventId: eventId(1) } }],
  ])('dies with %s', (_, event) => {
    const isClosed = event.type === 'user:compromise_reported'
    const unlocked: readonly PastEvent[] = isClosed ? [{ type: 'user:unlocked', data: { by: 'password_reset' } }] : []
    given([...withFactor(), event, ...unlocked])
      .when(completeLogIn(code))
      .then({ code: 'challenge-expired' })
  })

  it('of an account that has no factor any more is void, not checked again for ever', () => {
    given([...withFactor(), disabled()])
      .when(completeLogIn(code, { credentialEpoch: 1 }))
      .then({ code: 'challenge-expired' })
  })

  it('is not counted against anybody where it is void, be the code right or wrong', () => {
    given([...withFactor(), passwordChanged('reset')])
      .when(completeLogIn(wrongTotp()))
      .then({ code: 'challenge-expired' })
  })

  it('is nothing where there is no account, or none any more', () => {
    given([]).when(completeLogIn(code)).then({ code: 'challenge-expired' })
    given([...withFactor(), erased])
      .when(completeLogIn(code))
      .then({ code: 'challenge-expired' })
  })
})

describe('failures of both methods', () => {
  const at = START + hours(1)
  const past = (failures: number) => [...withFactor(), failedLogIn(failures, { at: at - minutes(1) })]
  const locked: NewAccountEvent = { type: 'user:locked', data: { failures: 10, until: iso(at + LIMITS.lockMs) } }

  it('are one row with those of the password', () => {
    given(past(4))
      .when(completeLogIn(wrongTotp()), { at })
      .then([failure(5, 'totp')], wrongCode)
    given(past(5))
      .when(completeLogIn(wrongBackupCode()), { at })
      .then([failure(6, 'backup_code')], wrongCode)
    given(past(6))
      .when(logInWith('passwordMismatched'), { at })
      .then([failure(7, 'password')], { kind: 'wrongPassword' })
  })

  it('close the door at the limit', () => {
    given(past(8))
      .when(completeLogIn(wrongTotp()), { at })
      .then([failure(9, 'totp')], wrongCode)
    for (const [fact, method] of [
      [wrongTotp(), 'totp'],
      [wrongBackupCode(), 'backup_code'],
    ] as const) {
      given(past(9))
        .when(completeLogIn(fact), { at })
        .then([failure(10, method), locked], wrongCode)
    }
  })

  it('are forgiven by a right code, not by the password before it', () => {
    const { state } = given([...past(9), answered(STEP + 1)])
    expect(state.failures.count).toBe(0)
  })

  it('do not count on, where the pause was longer than the lock itself', () => {
    given(past(9))
      .when(completeLogIn(wrongTotp()), { at: at + LIMITS.lockMs })
      .then([failure(1, 'totp')], wrongCode)
  })

  it('once the door is closed, are neither counted nor told from a right code', () => {
    const closed: readonly PastEvent[] = [
      ...past(10),
      { type: 'user:locked', data: { failures: 10, until: iso(at + 1) }, at: at - minutes(1) },
    ]
    for (const fact of [totp(STEP + 1), wrongTotp(), backupCode(1), wrongBackupCode(), totp(STEP + 1, 77)]) {
      given(closed)
        .when(completeLogIn(fact), { at })
        .then({ code: 'login-throttled', until: at + 1 })
    }
    given(closed)
      .when(completeLogIn(totp(STEP + 1)), { at: at + 1 })
      .then([signIn('totp', STEP + 1)], signedIn('totp'))
  })
})

describe('the number of sessions', () => {
  it('is kept by a log-in with a code too', () => {
    given([...withFactor(), loggedIn(2)])
      .when(completeLogIn(backupCode(0)), { limits: { sessionsMax: 2 } })
      .then(
        [
          used(0, 9),
          { type: 'user.session:ended', data: { sessionId: sessionId(1), reason: 'limit' } },
          signIn('backup_code', null),
        ],
        signedIn('backup_code'),
      )
  })
})
