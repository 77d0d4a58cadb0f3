import { describe, expect, it } from 'vitest'
import type { CommandOf } from '../../src/account/commands.ts'
import type { NewAccountEvent } from '../../src/account/events.ts'
import { eventId, given, type PastEvent, sessionId } from './given.ts'
import {
  aSecret,
  by,
  changePassword,
  changeWithWrongPassword,
  erased,
  failedLogIn,
  loggedIn,
  passwordChanged,
  registered,
  rehashed,
} from './stories.ts'

const past = [registered(), loggedIn(1), loggedIn(2), loggedIn(3)]
const changed = (generation = 1): NewAccountEvent => ({
  type: 'user.password:changed',
  data: { by: 'owner', rotated: { sessionId: sessionId(1), generation } },
  credential: { passwordHash: aSecret('new password hash'), tokenHash: aSecret('new token hash') },
})
const ended = (n: number, reason: 'password_changed' | 'guessing' = 'password_changed'): NewAccountEvent => ({
  type: 'user.session:ended',
  data: { sessionId: sessionId(n), reason },
})

describe('changing the password', () => {
  it('rotates the token of the session that asks and ends all others', () => {
    given(past)
      .when(changePassword(by(1)))
      .then([changed(), ended(2), ended(3)])
  })

  it('leaves the others where that is wished', () => {
    given(past)
      .when(changePassword(by(1), { keepOtherSessions: true }))
      .then([changed()])
  })

  it('gives the token one generation more each time', () => {
    given([registered(), loggedIn(1), passwordChanged(1, 1), passwordChanged(1, 2)])
      .when(changePassword(by(1, 2), { passwordEvent: 3, compared: [3, 2, 0] }))
      .then([changed(3)])
  })

  it('passes while the account is locked: a stranger must not keep the owner from it', () => {
    const locked: PastEvent = { type: 'user:locked', data: { failures: 10, until: '2026-03-01T13:00:00.000Z' } }
    given([registered(), loggedIn(1), failedLogIn(10), locked])
      .when(changePassword(by(1)))
      .then([changed()])
  })
})

describe('a new password', () => {
  it('is refused where it equals the current one or a former one', () => {
    const history = [registered(), loggedIn(1), passwordChanged(1)]
    given(history)
      .when(changePassword(by(1, 1), { passwordEvent: 2, compared: [2, 0], reuses: 0 }))
      .then({ code: 'password-reused' })
    given(history)
      .when(changePassword(by(1, 1), { passwordEvent: 2, compared: [2, 0], reuses: 2 }))
      .then({ code: 'password-reused' })
  })

  it('must have been compared with all that the account remembers', () => {
    const history = [registered(), loggedIn(1), passwordChanged(1)]
    for (const compared of [[2], [0], []]) {
      given(history)
        .when(changePassword(by(1, 1), { passwordEvent: 2, compared }))
        .then({ code: 'fact-stale' })
    }
  })

  it('may have been compared with more than the account remembers', () => {
    given([registered(), loggedIn(1)])
      .when(changePassword(by(1), { compared: [0, 8, 9] }))
      .then([changed()])
  })

  it('is not taken without a comparison, nor without its hash', () => {
    const { fresh: _, ...uncompared } = changePassword(by(1))
    given(past).when(uncompared).then({ code: 'fact-stale' })
    const { passwordHash: __, ...unhashed } = changePassword(by(1))
    given(past).when(unhashed).then({ code: 'fact-stale' })
  })

  it('is compared with the current one and the three before it', () => {
    const history = [
      registered(),
      loggedIn(1),
      passwordChanged(1, 1),
      passwordChanged(1, 2),
      passwordChanged(1, 3),
      passwordChanged(1, 4),
    ]
    const { state } = given(history)
    expect(state.password?.eventId).toBe(eventId(5))
    expect(state.formerPasswords.map((former) => former.eventId)).toStrictEqual([eventId(4), eventId(3), eventId(2)])
    const fifth = { passwordEvent: 5, compared: [5, 4, 3, 2] }
    given(history)
      .when(changePassword(by(1, 4), fifth))
      .then([changed(5)])
    given(history)
      .when(changePassword(by(1, 4), { ...fifth, compared: [5, 4, 3] }))
      .then({ code: 'fact-stale' })
  })

  it('is not compared with two hashes of one password: a rehash takes the place of the hash it replaces', () => {
    const history = [
      registered(),
      rehashed(eventId(0)),
      loggedIn(1),
      passwordChanged(1, 1),
      rehashed(eventId(3)),
      passwordChanged(1, 2),
    ]
    const { state } = given(history)
    expect(state.password?.eventId).toBe(eventId(5))
    expect(state.formerPasswords.map((former) => former.eventId)).toStrictEqual([eventId(4), eventId(1)])
    given(history)
      .when(changePassword(by(1, 2), { passwordEvent: 5, compared: [5, 4, 1] }))
      .then([changed(3)])
    given(history)
      .when(changePassword(by(1, 2), { passwordEvent: 5, compared: [5, 3, 0] }))
      .then({ code: 'fact-stale' })
  })
})

describe('the current password, checked against a hash that has gone since', () => {
  const history = [registered(), loggedIn(1), passwordChanged(1, 1)]

  it('is checked again, right or wrong, and nothing is counted', () => {
    given(history)
      .when(changePassword(by(1, 1), { passwordEvent: 0, compared: [2, 0] }))
      .then({ code: 'fact-stale' })
    given(history)
      .when(changeWithWrongPassword(by(1, 1), 0))
      .then({ code: 'fact-stale' })
  })
})

describe('a wrong current password', () => {
  const wrongPassword = { kind: 'wrongPassword' } as const
  const attempt: NewAccountEvent = { type: 'user.password:change_failed', data: { sessionId: sessionId(1) } }
  const failed = (n: number): PastEvent => ({
    type: 'user.password:change_failed',
    data: { sessionId: sessionId(n) },
  })
  const failedTimes = (times: number, n = 1) => Array.from({ length: times }, () => failed(n))

  it('changes nothing and is recorded', () => {
    given(past)
      .when(changeWithWrongPassword(by(1)))
      .then([attempt], wrongPassword)
  })

  it('is judged before the new one: nothing about that is told to who does not know the current one', () => {
    const command: CommandOf<'changePassword'> = {
      ...changePassword(by(1), { reuses: 0 }),
      fact: { kind: 'passwordMismatched', passwordEventId: eventId(0) },
    }
    given(past).when(command).then([attempt], wrongPassword)
  })

  it('ends the guessing session at the limit', () => {
    given([...past, ...failedTimes(8)])
      .when(changeWithWrongPassword(by(1)))
      .then([attempt], wrongPassword)
    given([...past, ...failedTimes(9)])
      .when(changeWithWrongPassword(by(1)))
      .then([attempt, ended(1, 'guessing')], wrongPassword)
  })

  it('counts on the session, not on the account: neither log-in nor other sessions feel it', () => {
    const { state } = given([...past, ...failedTimes(9)])
    expect(state.failures).toStrictEqual({ count: 0, lastAt: 0 })
    given([...past, ...failedTimes(9, 2)])
      .when(changeWithWrongPassword(by(1)))
      .then([attempt], wrongPassword)
  })

  it('is forgotten by a change that succeeds', () => {
    given([...past, ...failedTimes(9), passwordChanged(1)])
      .when(changeWithWrongPassword(by(1, 1), 13))
      .then([attempt], wrongPassword)
  })
})

describe('what a change of the password does to the account', () => {
  it('moves the credential epoch, so that a log-in half done dies', () => {
    expect(given([registered()]).state.credentialEpoch).toBe(0)
    expect(given([registered(), loggedIn(1), passwordChanged(1)]).state.credentialEpoch).toBe(1)
    expect(given([registered(), passwordChanged('reset'), passwordChanged('reset')]).state.credentialEpoch).toBe(2)
  })

  it('leaves no password that anything could be compared with once the account is erased', () => {
    const { state } = given([registered(), loggedIn(1), passwordChanged(1), erased])
    expect(state.password).toBeNull()
    expect(state.formerPasswords).toStrictEqual([])
    expect(state.registration).toBeNull()
    expect(state.email).toBeNull()
    expect(state.sessions).toStrictEqual([])
    expect(state.credentialEpoch).toBe(2)
  })
})
