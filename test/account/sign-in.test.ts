import { describe, expect, it } from 'vitest'
import type { NewAccountEvent } from '../../src/account/events.ts'
import { eventId, given, hours, iso, LIMITS, minutes, type PastEvent, START, sessionId } from './given.ts'
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
const wrong = logInWith('passwordMismatched', { session: 9 })
const signedIn = { kind: 'signedIn', sessionId: sessionId(9), method: 'password' } as const
const wrongPassword = { kind: 'wrongPassword' } as const
const logIn: NewAccountEvent = {
  type: 'user:logged_in',
  data: signInData(9),
  credential: { tokenHash: aSecret('token hash') },
}
const failure = (failures: number): NewAccountEvent => ({
  type: 'user:login_failed',
  data: { method: 'password', failures },
})

describe('logging in', () => {
  it('begins a session where the password matched', () => {
    given([registered()]).when(right).then([logIn], signedIn)
  })

  it('records a failure where it did not', () => {
    given([registered()])
      .when(wrong)
      .then([failure(1)], wrongPassword)
  })

  it('is refused like a wrong password where there is no account', () => {
    given([]).when(right).then({ code: 'invalid-credentials' })
  })

  it('is refused like a wrong password where the account was erased', () => {
    given([registered(), erased])
      .when(logInWith('passwordMatched', { passwordEventId: eventId(0) }))
      .then({ code: 'invalid-credentials' })
  })
})

describe('a password checked against a hash that is no longer the current one', () => {
  it('is checked again after a change, right or wrong', () => {
    const past = [registered(), loggedIn(1), passwordChanged(1)]
    given(past).when(right).then({ code: 'fact-stale' })
    given(past).when(wrong).then({ code: 'fact-stale' })
  })

  it('is checked again after a reset', () => {
    given([registered(), passwordChanged('reset')])
      .when(right)
      .then({ code: 'fact-stale' })
  })

  it('is checked again after a rehash of the very same password', () => {
    given([registered(), rehashed(eventId(0))])
      .when(wrong)
      .then({ code: 'fact-stale' })
  })

  it('passes against the current one', () => {
    given([registered(), passwordChanged('reset')])
      .when(logInWith('passwordMatched', { session: 9, passwordEventId: eventId(1) }))
      .then([logIn], signedIn)
  })
})

describe('a hash under stronger parameters', () => {
  it('replaces the weaker one before the session begins', () => {
    given([registered()])
      .when(logInWith('passwordMatched', { session: 9, strongerHash: aSecret('stronger hash') }))
      .then(
        [
          {
            type: 'user.password:rehashed',
            data: { replaces: eventId(0) },
            credential: { passwordHash: aSecret('stronger hash') },
          },
          logIn,
        ],
        signedIn,
      )
  })

  it('is the one that facts name from then on, and is not a former password', () => {
    const { state } = given([registered(), rehashed(eventId(0))])
    expect(state.password).toStrictEqual({
      eventId: eventId(1),
      type: 'user.password:rehashed',
      box: 'credential box of event 1',
    })
    expect(state.formerPasswords).toStrictEqual([])
    expect(state.credentialEpoch).toBe(0)
  })
})

describe('the lock', () => {
  const at = START + hours(1)
  const rowOf = (failures: number, lastAt = at - minutes(1)) => [registered(), failedLogIn(failures, { at: lastAt })]
  const lockedUntil = (until: number): readonly PastEvent[] => [
    ...rowOf(10),
    { type: 'user:locked', data: { failures: 10, until: iso(until) }, at: at - minutes(1) },
  ]

  it('stays open one failure below the limit', () => {
    given(rowOf(8))
      .when(wrong, { at })
      .then([failure(9)], wrongPassword)
  })

  it('closes with the failure that reaches the limit', () => {
    given(rowOf(9))
      .when(wrong, { at })
      .then([failure(10), { type: 'user:locked', data: { failures: 10, until: iso(at + minutes(30)) } }], wrongPassword)
  })

  it('closes at once where the limit was lowered below the row', () => {
    given(rowOf(5))
      .when(wrong, { at, limits: { lockAfterFailures: 3 } })
      .then([failure(6), { type: 'user:locked', data: { failures: 6, until: iso(at + minutes(30)) } }], wrongPassword)
  })

  it('refuses the right password and the wrong one alike, and records neither', () => {
    given(lockedUntil(at + 1))
      .when(right, { at })
      .then({ code: 'login-throttled', until: at + 1 })
    given(lockedUntil(at + 1))
      .when(wrong, { at })
      .then({ code: 'login-throttled', until: at + 1 })
  })

  it('tells nobody that a password was checked against an old hash', () => {
    given([...lockedUntil(at + 1), rehashed(eventId(0))])
      .when(right, { at })
      .then({ code: 'login-throttled', until: at + 1 })
  })

  it('lifts at its time, to the millisecond, and a new row begins', () => {
    given(lockedUntil(at)).when(right, { at }).then([logIn], signedIn)
    given(lockedUntil(at))
      .when(wrong, { at })
      .then([failure(1)], wrongPassword)
  })

  it('lifts early where an operator or a reset unlocks', () => {
    for (const who of ['operator', 'password_reset'] as const) {
      const unlocked: PastEvent = { type: 'user:unlocked', data: { by: who } }
      given([...lockedUntil(at + hours(1)), unlocked])
        .when(right, { at })
        .then([logIn], signedIn)
    }
  })

  it('leaves live sessions alone', () => {
    const { state } = given([registered(), loggedIn(1), failedLogIn(10), ...lockedUntil(at).slice(2)])
    expect(state.sessions.map(({ id }) => id)).toStrictEqual([sessionId(1)])
  })

  it('is not reached by failures that a pause longer than the lock itself separates', () => {
    const pause = LIMITS.lockMs
    given(rowOf(9, at - pause))
      .when(wrong, { at })
      .then([failure(10), { type: 'user:locked', data: { failures: 10, until: iso(at + pause) } }], wrongPassword)
    given(rowOf(9, at - pause - 1))
      .when(wrong, { at })
      .then([failure(1)], wrongPassword)
  })

  it('is not reached by failures before a success', () => {
    given([...rowOf(9), loggedIn(1, { at })])
      .when(wrong, { at })
      .then([failure(1)], wrongPassword)
  })
})

describe('the number of sessions', () => {
  const limits = { sessionsMax: 3 }
  const ended = (n: number): NewAccountEvent => ({
    type: 'user.session:ended',
    data: { sessionId: sessionId(n), reason: 'limit' },
  })
  const expired = (n: number): NewAccountEvent => ({
    type: 'user.session:expired',
    data: { sessionId: sessionId(n), limit: 'absolute' },
  })

  it('may reach the limit', () => {
    given([registered(), loggedIn(1), loggedIn(2)])
      .when(right, { limits })
      .then([logIn], signedIn)
  })

  it('stays at the limit: the oldest session ends for the new one', () => {
    given([registered(), loggedIn(1), loggedIn(2), loggedIn(3)])
      .when(right, { limits })
      .then([ended(1), logIn], signedIn)
  })

  it('counts sessions from the oldest sign-in, not from the last rotated token', () => {
    given([registered(), loggedIn(1), loggedIn(2), loggedIn(3), passwordChanged(1)])
      .when({ ...right, fact: { kind: 'passwordMatched', passwordEventId: eventId(4) } }, { limits })
      .then([ended(1), logIn], signedIn)
  })

  it('comes down to a limit that was lowered', () => {
    given([registered(), loggedIn(1), loggedIn(2), loggedIn(3)])
      .when(right, { limits: { sessionsMax: 1 } })
      .then([ended(1), ended(2), ended(3), logIn], signedIn)
  })

  it('makes room from sessions past their absolute limit first, and calls those expired', () => {
    const at = START + LIMITS.sessionAbsoluteMs
    given([registered(), loggedIn(1), loggedIn(2, { at: START + 1 }), loggedIn(3, { at: START + 2 })])
      .when(right, { at, limits })
      .then([expired(1), logIn], signedIn)
  })

  it('ends the expired ones and then the oldest, where that is not enough', () => {
    const at = START + LIMITS.sessionAbsoluteMs
    given([registered(), loggedIn(1), loggedIn(2, { at: START + 1 }), loggedIn(3, { at: START + 2 })])
      .when(right, { at, limits: { sessionsMax: 2 } })
      .then([expired(1), ended(2), logIn], signedIn)
  })
})
