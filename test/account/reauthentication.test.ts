import { describe, expect, it } from 'vitest'
import type { NewAccountEvent } from '../../src/account/events.ts'
import {
  disabled,
  enabled,
  matched,
  mismatched,
  reauthenticate,
  reauthenticated,
  STEP,
  totp,
  withFactor,
  wrongTotp,
} from './factor-stories.ts'
import { eventId, given, LIMITS, minutes, type PastEvent, START, sessionId } from './given.ts'
import { aSecret, by, erased, loggedIn, loggedOut, passwordChanged, registered, rehashed } from './stories.ts'

const plain = [registered(), loggedIn(1)]
const confirmed = (method: 'password' | 'totp', step: number | null, generation: number): NewAccountEvent => ({
  type: 'user:reauthenticated',
  data: { sessionId: sessionId(1), method, step, rotated: { sessionId: sessionId(1), generation } },
  credential: { tokenHash: aSecret('new token hash') },
})
const failed = (method: 'password' | 'totp'): NewAccountEvent => ({
  type: 'user:reauthentication_failed',
  data: { sessionId: sessionId(1), method },
})
const failedBefore = (times: number): readonly PastEvent[] =>
  Array.from({ length: times }, () => ({
    type: 'user:reauthentication_failed',
    data: { sessionId: sessionId(1), method: 'password' },
  }))
const guessing: NewAccountEvent = {
  type: 'user.session:ended',
  data: { sessionId: sessionId(1), reason: 'guessing' },
}
const wrongPassword = { kind: 'wrongPassword' } as const
const wrongCode = { kind: 'wrongCode' } as const

describe('proving again who one is, without a second factor', () => {
  it('takes the password, and gives the session a new token', () => {
    given(plain)
      .when(reauthenticate(matched()))
      .then([confirmed('password', null, 1)])
  })

  it('records a wrong password on the session', () => {
    given(plain)
      .when(reauthenticate(mismatched()))
      .then([failed('password')], wrongPassword)
  })

  it('has a password checked again that was compared with another hash', () => {
    for (const event of [passwordChanged('reset'), rehashed(eventId(0))]) {
      for (const fact of [matched(0), mismatched(0)]) {
        given([...plain, event])
          .when(reauthenticate(fact))
          .then({ code: 'fact-stale' })
      }
      given([...plain, event])
        .when(reauthenticate(matched(2)))
        .then([confirmed('password', null, 1)])
    }
  })

  it('knows no code', () => {
    for (const fact of [totp(STEP + 1), wrongTotp()]) {
      given(plain).when(reauthenticate(fact)).then({ code: 'two-factor-not-enabled' })
      given([...withFactor(), disabled()])
        .when(reauthenticate(fact, by(1, 2)))
        .then({ code: 'two-factor-not-enabled' })
    }
  })
})

describe('proving again who one is, with the second factor on', () => {
  it('takes a code from the app, and uses its step up', () => {
    given(withFactor())
      .when(reauthenticate(totp(STEP + 1), by(1, 1)))
      .then([confirmed('totp', STEP + 1, 2)])
    expect(given([...withFactor(), reauthenticated(STEP + 1, { generation: 2 })]).state.twoFactor?.lastStep).toBe(
      STEP + 1,
    )
  })

  it('does not take the password, and does not say whether it was right', () => {
    for (const fact of [matched(), mismatched(), matched(77)]) {
      given(withFactor())
        .when(reauthenticate(fact, by(1, 1)))
        .then({ code: 'totp-required' })
    }
  })

  it('refuses a wrong code, a used one and an older one alike', () => {
    for (const fact of [wrongTotp(), totp(STEP), totp(STEP - 1)]) {
      given(withFactor())
        .when(reauthenticate(fact, by(1, 1)))
        .then([failed('totp')], wrongCode)
    }
  })

  it('has a code checked again that was checked under another secret', () => {
    const past = [...withFactor(), disabled(), enabled(2, { generation: 3 })]
    for (const fact of [totp(STEP + 1), wrongTotp()]) {
      given(past)
        .when(reauthenticate(fact, by(1, 3)))
        .then({ code: 'fact-stale' })
    }
  })
})

describe('guessing inside a session', () => {
  it('ends it at the limit, whatever was guessed', () => {
    given([...plain, ...failedBefore(8)])
      .when(reauthenticate(mismatched()))
      .then([failed('password')], wrongPassword)
    given([...plain, ...failedBefore(9)])
      .when(reauthenticate(mismatched()))
      .then([failed('password'), guessing], wrongPassword)
    given([...withFactor(), ...failedBefore(9)])
      .when(reauthenticate(wrongTotp(), by(1, 1)))
      .then([failed('totp'), guessing], wrongCode)
  })

  it('is one row with wrong passwords and codes of every other command', () => {
    const others: readonly PastEvent[] = [
      { type: 'user.password:change_failed', data: { sessionId: sessionId(1) } },
      { type: 'user.email:change_failed', data: { sessionId: sessionId(1) } },
      { type: 'user.2fa:disable_failed', data: { sessionId: sessionId(1), method: 'totp' } },
      { type: 'user.2fa:enrollment_failed', data: { sessionId: sessionId(1), enrollmentId: sessionId(3) } },
    ]
    given([...withFactor(), ...others, ...failedBefore(5)])
      .when(reauthenticate(wrongTotp(), by(1, 1)))
      .then([failed('totp'), guessing], wrongCode)
  })

  it('is forgotten by a right proof of its own kind, and of no other', () => {
    const guesses = (past: readonly PastEvent[]) => given(past).state.sessions[0]?.guesses
    const wrong: PastEvent = { type: 'user.password:change_failed', data: { sessionId: sessionId(1) } }
    expect(guesses([...plain, wrong, wrong, reauthenticated(null)])).toEqual({ password: 0, code: 0 })
    // Whoever set up an app of his own in a stolen session must not have the password's failures forgiven by it.
    const withOwnApp = withFactor()
    const codeRight = reauthenticated(STEP + 1, { generation: 2 })
    expect(guesses([...withOwnApp, wrong, wrong, codeRight])).toEqual({ password: 2, code: 0 })
    expect(guesses([...plain, wrong, ...withOwnApp.slice(plain.length)])?.password).toBe(1)
  })

  it('never touches the lock of the account', () => {
    expect(given([...plain, ...failedBefore(9)]).state.failures.count).toBe(0)
  })
})

describe('what a right proof gives the session', () => {
  const at = START + minutes(30)
  const past = [...plain, reauthenticated(null, { at })]

  it('is a new token and a new sudo window, at its place and with its sign-in time', () => {
    expect(given(past).state.sessions).toStrictEqual([
      {
        id: sessionId(1),
        generation: 1,
        token: { eventId: eventId(2), type: 'user:reauthenticated', box: 'credential box of event 2' },
        signedInAt: START,
        provenAt: at,
        guesses: { password: 0, code: 0 },
      },
    ])
  })

  it('is not a longer life', () => {
    given(past)
      .when(reauthenticate(matched(), by(1, 1)), { at: START + LIMITS.sessionAbsoluteMs })
      .then({ code: 'session-expired', limit: 'absolute' })
  })

  it('kills the token before it', () => {
    given(past).when(reauthenticate(matched())).then({ code: 'unauthenticated' })
  })

  it('is nothing to a session that has ended', () => {
    given([...plain, loggedOut(1)])
      .when(reauthenticate(matched()))
      .then({ code: 'session-ended', reason: 'logged_out' })
    given([...plain, erased])
      .when(reauthenticate(matched()))
      .then({ code: 'session-ended', reason: 'erased' })
  })
})
