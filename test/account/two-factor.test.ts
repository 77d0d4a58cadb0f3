/** Setting up the second factor, its backup codes, and turning it off. */
import { describe, expect, it } from 'vitest'
import type { CommandOf, TotpFact } from '../../src/account/commands.ts'
import type { NewAccountEvent, SignInMethod } from '../../src/account/events.ts'
import {
  backupCode,
  codesGenerated,
  codeUsed,
  disabled,
  disableTwoFactor,
  enabled,
  enrollmentStarted,
  matched,
  mismatched,
  STEP,
  totp,
  withFactor,
  wrongBackupCode,
  wrongTotp,
} from './factor-stories.ts'
import {
  codeListId,
  enrollmentId,
  eventId,
  given,
  iso,
  LIMITS,
  minutes,
  type PastEvent,
  START,
  sessionId,
} from './given.ts'
import { aSecret, by, loggedIn, passwordChanged, registered, rehashed } from './stories.ts'

const plain = [registered(), loggedIn(1), loggedIn(2)]
const wrongPassword = { kind: 'wrongPassword' } as const
const wrongCode = { kind: 'wrongCode' } as const

const ended = (n: number, reason: 'two_factor_changed' | 'guessing' = 'two_factor_changed'): NewAccountEvent => ({
  type: 'user.session:ended',
  data: { sessionId: sessionId(n), reason },
})

const start = (n = 1): CommandOf<'startEnrollment'> => ({
  kind: 'startEnrollment',
  by: { ...by(1), sudo: true },
  enrollmentId: enrollmentId(n),
  totpSecret: aSecret('secret of the app'),
})

const verify = (fact: TotpFact): CommandOf<'verifyEnrollment'> => ({
  kind: 'verifyEnrollment',
  by: by(1),
  fact,
  totpSecret: aSecret('secret of the app'),
  codeListId: codeListId(1),
  backupCodes: aSecret('hashes of backup codes'),
  tokenHash: aSecret('new token hash'),
})

const started = (n: number, at: number): NewAccountEvent => ({
  type: 'user.2fa:enrollment_started',
  data: { enrollmentId: enrollmentId(n), expiresAt: iso(at + LIMITS.enrollmentMs) },
  credential: { totpSecret: aSecret('secret of the app') },
})

const turnedOn = (n = 1): NewAccountEvent => ({
  type: 'user.2fa:enabled',
  data: {
    enrollmentId: enrollmentId(n),
    step: STEP,
    codeListId: codeListId(1),
    rotated: { sessionId: sessionId(1), generation: 1 },
  },
  credential: {
    totpSecret: aSecret('secret of the app'),
    backupCodes: aSecret('hashes of backup codes'),
    tokenHash: aSecret('new token hash'),
  },
})

describe('starting an enrolment', () => {
  const at = START + minutes(2)

  it('keeps the secret in the credential box, for its time', () => {
    given(plain)
      .when(start(), { at })
      .then([started(1, at)])
  })

  it('needs the sudo window', () => {
    given(plain)
      .when(start(), { at: START + LIMITS.sudoMs })
      .then({ code: 'reauthentication-required' })
  })

  it('turns nothing on: neither asks a log-in for a code, nor does any session end', () => {
    const { state } = given([...plain, enrollmentStarted()])
    expect(state.twoFactor).toBeNull()
    expect(state.sessions).toHaveLength(2)
    expect(state.credentialEpoch).toBe(0)
  })

  it('is refused while the factor is on, whose secret keeps working', () => {
    given(withFactor())
      .when({ ...start(2), by: { ...by(1, 1), sudo: true } })
      .then({ code: 'two-factor-already-enabled' })
  })

  it('is possible again once the factor is off', () => {
    given([...withFactor(), disabled()])
      .when({ ...start(2), by: { ...by(1, 2), sudo: true } }, { at })
      .then([started(2, at)])
  })

  it('takes the place of the enrolment before it', () => {
    const { state } = given([...plain, enrollmentStarted(1), enrollmentStarted(2)])
    expect(state.enrollment).toStrictEqual({
      id: enrollmentId(2),
      expiresAt: START + minutes(10),
      secret: { eventId: eventId(4), type: 'user.2fa:enrollment_started', box: 'credential box of event 4' },
    })
  })
})

describe('verifying an enrolment', () => {
  const past = [...plain, enrollmentStarted()]

  it('turns the factor on, rotates the token and ends the other sessions', () => {
    given(past)
      .when(verify(totp(STEP)))
      .then([turnedOn(), ended(2)])
  })

  it('leaves a factor whose confirming step is used up, and a fresh list of codes', () => {
    const { state } = given([...past, enabled()])
    expect(state.twoFactor).toStrictEqual({
      enrollmentId: enrollmentId(1),
      enabledAt: START,
      lastStep: STEP,
      secret: { eventId: eventId(4), type: 'user.2fa:enabled', box: 'credential box of event 4' },
      codes: {
        listId: codeListId(1),
        generatedAt: START,
        hashes: { eventId: eventId(4), type: 'user.2fa:enabled', box: 'credential box of event 4' },
        used: [],
      },
    })
    expect(state.enrollment).toBeNull()
    expect(state.credentialEpoch).toBe(1)
  })

  it('refuses a wrong code, on which the enrolment lives on', () => {
    const failure: NewAccountEvent = {
      type: 'user.2fa:enrollment_failed',
      data: { sessionId: sessionId(1), enrollmentId: enrollmentId(1) },
    }
    const failedBefore: PastEvent = { type: 'user.2fa:enrollment_failed', data: failure.data as never }
    given(past).when(verify(wrongTotp())).then([failure], wrongCode)
    given([...past, failedBefore])
      .when(verify(totp(STEP)))
      .then([turnedOn(), ended(2)])
    given([...past, ...Array.from({ length: 9 }, () => failedBefore)])
      .when(verify(wrongTotp()))
      .then([failure, ended(1, 'guessing')], wrongCode)
  })

  it('knows the newest alone', () => {
    const two = [...plain, enrollmentStarted(1), enrollmentStarted(2)]
    for (const fact of [totp(STEP, 1), wrongTotp(1)]) {
      given(two).when(verify(fact)).then({ code: 'enrollment-expired' })
    }
    given(two)
      .when(verify(totp(STEP, 2)))
      .then([turnedOn(2), ended(2)])
  })

  it('passes until a millisecond before its time is over', () => {
    const until = START + LIMITS.enrollmentMs
    given(past)
      .when(verify(totp(STEP)), { at: until - 1 })
      .then([turnedOn(), ended(2)])
    for (const fact of [totp(STEP), wrongTotp()]) {
      given(past).when(verify(fact), { at: until }).then({ code: 'enrollment-expired' })
    }
  })

  it('is refused where nothing was started, and once it was verified', () => {
    given(plain)
      .when(verify(totp(STEP)))
      .then({ code: 'enrollment-expired' })
    given([...past, enabled()])
      .when({ ...verify(totp(STEP + 1)), by: by(1, 1) })
      .then({ code: 'two-factor-already-enabled' })
    given([...past, enabled(), disabled()])
      .when({ ...verify(totp(STEP + 1)), by: by(1, 2) })
      .then({ code: 'enrollment-expired' })
  })
})

describe('generating backup codes anew', () => {
  const regenerate: CommandOf<'regenerateBackupCodes'> = {
    kind: 'regenerateBackupCodes',
    by: { ...by(1, 1), sudo: true },
    codeListId: codeListId(2),
    backupCodes: aSecret('other hashes'),
  }

  it('gives a list of its own name', () => {
    given(withFactor())
      .when(regenerate)
      .then([
        {
          type: 'user.2fa:backup_codes_generated',
          data: { codeListId: codeListId(2) },
          credential: { backupCodes: aSecret('other hashes') },
        },
      ])
  })

  it('leaves of the old list nothing, and of the app everything', () => {
    const { state } = given([...withFactor(), codeUsed(3, 9), codesGenerated(2)])
    expect(state.twoFactor?.codes).toStrictEqual({
      listId: codeListId(2),
      generatedAt: START,
      hashes: { eventId: eventId(4), type: 'user.2fa:backup_codes_generated', box: 'credential box of event 4' },
      used: [],
    })
    expect(state.twoFactor?.secret.eventId).toBe(eventId(2))
    expect(state.twoFactor?.lastStep).toBe(STEP)
  })

  it('needs the factor, and the sudo window', () => {
    given(plain)
      .when({ ...regenerate, by: { ...by(1), sudo: true } })
      .then({ code: 'two-factor-not-enabled' })
    given(withFactor())
      .when(regenerate, { at: START + LIMITS.sudoMs })
      .then({ code: 'reauthentication-required' })
  })
})

describe('turning the factor off', () => {
  const past = [...withFactor(), loggedIn(2)]
  const turnedOff: NewAccountEvent = {
    type: 'user.2fa:disabled',
    data: { enrollmentId: enrollmentId(1), by: 'owner', rotated: { sessionId: sessionId(1), generation: 2 } },
    credential: { tokenHash: aSecret('new token hash') },
  }
  const failed = (method: SignInMethod): NewAccountEvent => ({
    type: 'user.2fa:disable_failed',
    data: { sessionId: sessionId(1), method },
  })
  const failedBefore = (times: number): readonly PastEvent[] =>
    Array.from({ length: times }, () => ({
      type: 'user.2fa:disable_failed',
      data: { sessionId: sessionId(1), method: 'totp' },
    }))

  it('takes password and a code from the app, rotates the token and ends the other sessions', () => {
    given(past)
      .when(disableTwoFactor(matched(), totp(STEP + 1)))
      .then([turnedOff, ended(2)])
  })

  it('takes password and a backup code, which is used up', () => {
    given(past)
      .when(disableTwoFactor(matched(), backupCode(4)))
      .then([
        {
          type: 'user.2fa:backup_code_used',
          data: { codeListId: codeListId(1), index: 4, remaining: 9 },
        },
        turnedOff,
        ended(2),
      ])
  })

  it('records a wrong password, and does not look at the code', () => {
    for (const code of [undefined, totp(STEP + 1), wrongTotp(), backupCode(1)]) {
      given(past)
        .when(disableTwoFactor(mismatched(), code))
        .then([failed('password')], wrongPassword)
    }
  })

  it('records which code was wrong, be it never right, used, or older than the last', () => {
    for (const code of [wrongTotp(), totp(STEP), totp(STEP - 1)]) {
      given(past)
        .when(disableTwoFactor(matched(), code))
        .then([failed('totp')], wrongCode)
    }
    given(past)
      .when(disableTwoFactor(matched(), wrongBackupCode()))
      .then([failed('backup_code')], wrongCode)
    given([...past, codeUsed(4, 9)])
      .when(disableTwoFactor(matched(), backupCode(4)))
      .then([failed('backup_code')], wrongCode)
  })

  it('ends the session that guesses, passwords and codes in one row', () => {
    given([...past, ...failedBefore(9)])
      .when(disableTwoFactor(mismatched()))
      .then([failed('password'), ended(1, 'guessing')], wrongPassword)
    given([...past, ...failedBefore(9)])
      .when(disableTwoFactor(matched(), wrongTotp()))
      .then([failed('totp'), ended(1, 'guessing')], wrongCode)
    given([...past, ...failedBefore(8)])
      .when(disableTwoFactor(matched(), wrongTotp()))
      .then([failed('totp')], wrongCode)
  })

  it('has everything checked again that was checked against something else, and counts nothing', () => {
    for (const event of [passwordChanged('reset'), rehashed(eventId(0))]) {
      for (const password of [matched(0), mismatched(0)]) {
        given([...past, event])
          .when(disableTwoFactor(password, totp(STEP + 1)))
          .then({ code: 'fact-stale' })
      }
    }
    for (const code of [totp(STEP + 1, 7), wrongTotp(7), backupCode(1, 7), wrongBackupCode(7), undefined]) {
      given(past).when(disableTwoFactor(matched(), code)).then({ code: 'fact-stale' })
    }
  })

  it('is refused where there is none, before anything is checked', () => {
    for (const password of [matched(), mismatched(), matched(77)]) {
      given(plain)
        .when(disableTwoFactor(password, totp(STEP + 1), by(1)))
        .then({ code: 'two-factor-not-enabled' })
    }
  })

  it('leaves no secret and no code behind, and moves the credential epoch', () => {
    const { state } = given([...withFactor(), disabled()])
    expect(state.twoFactor).toBeNull()
    expect(state.enrollment).toBeNull()
    expect(state.credentialEpoch).toBe(2)
    expect(state.sessions[0]?.generation).toBe(2)
  })
})
