import { describe, expect, it } from 'vitest'
import type { CommandOf } from '../../src/account/commands.ts'
import type { NewAccountEvent } from '../../src/account/events.ts'
import { REPORTED_EVENTS } from '../../src/account/state.ts'
import { completeLogIn, STEP, totp, withFactor } from './factor-stories.ts'
import { eventId, given, hours, LIMITS, minutes, type PastEvent, START, sessionId } from './given.ts'
import { aSecret, by, changePassword, erased, loggedIn, logInWith, registered, signInData } from './stories.ts'

const past = [registered(), loggedIn(1), loggedIn(2)]
const at = START + minutes(1)

/** "It was not me", of event n, which happened at START. */
const report = (n = 1): CommandOf<'reportCompromise'> => ({ kind: 'reportCompromise', eventId: eventId(n), at: START })
const reported = (n = 1): NewAccountEvent & PastEvent => ({
  type: 'user:compromise_reported',
  data: { eventId: eventId(n) },
})
const revoked = (n: number): NewAccountEvent & PastEvent => ({
  type: 'user.session:revoked',
  data: { sessionId: sessionId(n), by: 'owner' },
})
const resetMail: NewAccountEvent & PastEvent = { type: 'user.password:reset_requested', data: {} }
const gone = { code: 'token-invalid' } as const

describe('reporting that it was somebody else', () => {
  it('ends every session and mails a reset, in one append', () => {
    given(past)
      .when(report())
      .then([reported(), revoked(1), revoked(2), resetMail])
  })

  it('works where nobody is signed in', () => {
    given([registered()])
      .when(report(0))
      .then([reported(0), resetMail])
  })

  it('mails the reset whatever was mailed in the last hour: the owner needs it now', () => {
    given([registered(), resetMail, resetMail, resetMail])
      .when(report(0))
      .then([reported(0), resetMail])
  })

  it('works once for each event', () => {
    given([...past, reported(1)])
      .when(report(1))
      .then(gone)
    given([...past, reported(1)])
      .when(report(2))
      .then([reported(2), revoked(1), revoked(2), resetMail])
  })

  it('works until a millisecond before the end of its time, counted from the event', () => {
    const until = START + LIMITS.notMeMs
    given([registered()])
      .when(report(0), { at: until - 1 })
      .then([reported(0), resetMail])
    given([registered()]).when(report(0), { at: until }).then(gone)
  })

  it('is nothing where there is no account, or none any more', () => {
    given([]).when(report()).then(gone)
    given([...past, erased])
      .when(report())
      .then(gone)
  })

  it('remembers a bounded number of reports', () => {
    const many = Array.from({ length: REPORTED_EVENTS + 20 }, (_, n) => reported(n))
    expect(given([registered(), ...many]).state.reported).toHaveLength(REPORTED_EVENTS)
  })
})

describe('an account that was reported', () => {
  const closed = [...past, reported(), revoked(1), revoked(2), resetMail]
  const signIn: NewAccountEvent = {
    type: 'user:logged_in',
    data: signInData(9),
    credential: { tokenHash: aSecret('token hash') },
  }

  it('lets nobody in with the password, right or wrong, now or in a year', () => {
    for (const moment of [at, START + hours(24 * 365)]) {
      for (const kind of ['passwordMatched', 'passwordMismatched'] as const) {
        given(closed)
          .when(logInWith(kind), { at: moment })
          .then({ code: 'login-throttled', until: moment + LIMITS.lockMs })
      }
    }
  })

  it('tells of a lock that lasts longer than its own', () => {
    const lock: PastEvent = {
      type: 'user:locked',
      data: { failures: 10, until: new Date(at + hours(5)).toISOString() },
    }
    given([...closed, lock])
      .when(logInWith('passwordMatched'), { at })
      .then({ code: 'login-throttled', until: at + hours(5) })
  })

  it('lets nobody in who had given the password just before', () => {
    given([...withFactor(), reported()])
      .when(completeLogIn(totp(STEP + 1)), { at })
      .then({ code: 'login-throttled', until: at + LIMITS.lockMs })
  })

  it('knows the sessions of before as revoked', () => {
    given(closed)
      .when(changePassword(by(1)))
      .then({ code: 'session-ended', reason: 'revoked' })
  })

  it('forgets an e-mail change under way, which may be the intruder’s', () => {
    const asked: PastEvent = { type: 'user.email:change_requested', data: {} }
    expect(given([...past, asked, reported()]).state.emailChange).toBeNull()
  })

  it('opens to who completes the reset that was mailed', () => {
    given(closed)
      .when({
        kind: 'resetPassword',
        resetId: eventId(6),
        fresh: { kind: 'newPasswordCompared', passwordEventIds: [eventId(0)], reuses: null },
        passwordHash: aSecret('new password hash'),
      })
      .then([
        {
          type: 'user.password:changed',
          data: { by: 'password_reset', rotated: null },
          credential: { passwordHash: aSecret('new password hash') },
        },
        { type: 'user:unlocked', data: { by: 'password_reset' } },
      ])
  })

  it('does not open where an operator unlocks it, but where the password was reset', () => {
    const { state } = given([...closed, { type: 'user:unlocked', data: { by: 'operator' } }])
    expect(state.compromised).toBe(true)
    given([...closed, { type: 'user:unlocked', data: { by: 'password_reset' } }])
      .when(logInWith('passwordMatched', { session: 9 }))
      .then([signIn], { kind: 'signedIn', sessionId: sessionId(9), method: 'password' })
  })

  it('does not open by time alone, nor by another reset request', () => {
    const { state } = given([...closed, resetMail])
    expect(state.compromised).toBe(true)
  })
})

describe('reporting from the address that the account had before', () => {
  const changed: PastEvent = { type: 'user.email:changed', data: {}, at: START + minutes(2) }
  const at = START + minutes(3)
  const aboutTheChange = { kind: 'reportCompromise', eventId: eventId(past.length), at: START + minutes(2) } as const
  const reportedChange = {
    type: 'user:compromise_reported',
    data: { eventId: eventId(past.length) },
  } as const
  const restored = { type: 'user.email:restored', data: {}, personal: { email: 'ada@example.com' } } as const
  const revokedAll = given(past).state.sessions.map(({ id }) => ({
    type: 'user.session:revoked' as const,
    data: { sessionId: id, by: 'owner' as const },
  }))

  it('gives the account its address back, so that the link goes to its owner', () => {
    given([...past, changed])
      .when({ ...aboutTheChange, restore: { email: 'ada@example.com', standing: 'filed' } }, { at })
      .then([reportedChange, ...revokedAll, restored, resetMail])
  })

  it('mails nobody where somebody else has taken that address meanwhile', () => {
    given([...past, changed])
      .when({ ...aboutTheChange, restore: { email: 'ada@example.com', standing: 'taken' } }, { at })
      .then([reportedChange, ...revokedAll])
  })

  it('has the former address looked up where that was not done', () => {
    given([...past, changed])
      .when(aboutTheChange, { at })
      .then({ code: 'fact-stale' })
  })

  it('is an ordinary report where it is about something later, or the address was restored', () => {
    given([...past, changed])
      .when({ ...aboutTheChange, at: START + minutes(2) + 1 }, { at })
      .then([reportedChange, ...revokedAll, resetMail])
    given([...past, changed, { type: 'user.email:restored', data: {} }])
      .when(aboutTheChange, { at })
      .then([reportedChange, ...revokedAll, resetMail])
  })
})
