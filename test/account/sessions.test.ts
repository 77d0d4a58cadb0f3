import { describe, expect, it } from 'vitest'
import { ENDED_SESSIONS, endedSessions } from '../../src/account/ended.ts'
import type { NewAccountEvent } from '../../src/account/events.ts'
import { eventId, given, LIMITS, type PastEvent, START, sessionId } from './given.ts'
import {
  by,
  changePassword,
  erased,
  expire,
  expired,
  loggedIn,
  loggedOut,
  logOut,
  passwordChanged,
  registered,
  revoke,
  revoked,
  revokeOthers,
} from './stories.ts'

const revocation = (n: number): NewAccountEvent => ({
  type: 'user.session:revoked',
  data: { sessionId: sessionId(n), by: 'owner' },
})
const expiry = (n: number, limit: 'idle' | 'absolute'): NewAccountEvent => ({
  type: 'user.session:expired',
  data: { sessionId: sessionId(n), limit },
})

describe('logging out', () => {
  it('ends the session that asks', () => {
    given([registered(), loggedIn(1), loggedIn(2)])
      .when(logOut(by(2)))
      .then([{ type: 'user:logged_out', data: { sessionId: sessionId(2) } }])
  })

  it('happens once', () => {
    given([registered(), loggedIn(1), loggedOut(1)])
      .when(logOut(by(1)))
      .then({ code: 'session-ended', reason: 'logged_out' })
  })
})

describe('revoking a session', () => {
  it('ends the named one', () => {
    given([registered(), loggedIn(1), loggedIn(2)])
      .when(revoke(by(1), 2))
      .then([revocation(2)])
  })

  it('is done already where it has ended, however it ended', () => {
    const past = [registered(), loggedIn(1)]
    given([...past, loggedIn(2), revoked(2)])
      .when(revoke(by(1), 2))
      .then([])
    given([...past, loggedIn(2), loggedOut(2)])
      .when(revoke(by(1), 2))
      .then([])
    given([...past, loggedIn(2), expired(2)])
      .when(revoke(by(1), 2))
      .then([])
  })

  it('refuses the session that asks: that is what logging out is for', () => {
    given([registered(), loggedIn(1)])
      .when(revoke(by(1), 1))
      .then({ code: 'current-session' })
  })

  it('knows no session of anybody else', () => {
    given([registered(), loggedIn(1)])
      .when(revoke(by(1), 77))
      .then({ code: 'session-not-found' })
  })

  it('forgets sessions that ended before the last thousand', () => {
    const many = Array.from({ length: ENDED_SESSIONS + 1 }, (_, n) => [loggedIn(n + 2), revoked(n + 2)]).flat()
    const account = given([registered(), loggedIn(1), ...many])
    account.when(revoke(by(1), 2)).then({ code: 'session-not-found' })
    account.when(revoke(by(1), 3)).then([])
    expect(endedSessions(account.state.ended)).toHaveLength(ENDED_SESSIONS)
  })
})

describe('revoking all other sessions', () => {
  it('ends each with an event of its own, then says how many', () => {
    given([registered(), loggedIn(1), loggedIn(2), loggedIn(3)])
      .when(revokeOthers(by(2)))
      .then(
        [
          revocation(1),
          revocation(3),
          { type: 'user.session:others_revoked', data: { sessionId: sessionId(2), revoked: 2 } },
        ],
        { kind: 'revoked', count: 2 },
      )
  })

  it('is recorded also where there are none, so that the answer is remembered under its key', () => {
    given([registered(), loggedIn(1), loggedIn(2), loggedOut(2)])
      .when(revokeOthers(by(1)))
      .then([{ type: 'user.session:others_revoked', data: { sessionId: sessionId(1), revoked: 0 } }], {
        kind: 'revoked',
        count: 0,
      })
  })
})

describe('expiring a session', () => {
  it('records the idle limit: whether it was idle, its activity tells, not its history', () => {
    given([registered(), loggedIn(1)])
      .when(expire(1, 'idle'))
      .then([expiry(1, 'idle')])
  })

  it('records the absolute limit from the very moment on', () => {
    given([registered(), loggedIn(1)])
      .when(expire(1, 'absolute'), { at: START + LIMITS.sessionAbsoluteMs })
      .then([expiry(1, 'absolute')])
  })

  it('does nothing before that moment: a clock that runs ahead elsewhere ends no session here', () => {
    given([registered(), loggedIn(1)])
      .when(expire(1, 'absolute'), { at: START + LIMITS.sessionAbsoluteMs - 1 })
      .then([])
  })

  it('is done already where another met it first, or where there never was such a session', () => {
    given([registered(), loggedIn(1), expired(1)])
      .when(expire(1, 'idle'))
      .then([])
    given([registered(), loggedIn(1)])
      .when(expire(2, 'idle'))
      .then([])
  })
})

describe('a session that asks for something', () => {
  const commands = [
    ['log out', logOut],
    ['revoke', (claim: ReturnType<typeof by>) => revoke(claim, 2)],
    ['revoke all others', revokeOthers],
    ['change the password', (claim: ReturnType<typeof by>) => changePassword(claim)],
  ] as const
  const past = [registered(), loggedIn(1), loggedIn(2)]
  const ends: readonly (readonly [PastEvent, Parameters<ReturnType<ReturnType<typeof given>['when']>['then']>[0]])[] = [
    [loggedOut(1), { code: 'session-ended', reason: 'logged_out' }],
    [revoked(1), { code: 'session-ended', reason: 'revoked' }],
    [expired(1, 'idle'), { code: 'session-expired', limit: 'ended' }],
    [
      { type: 'user.session:ended', data: { sessionId: sessionId(1), reason: 'password_changed' } },
      { code: 'session-ended', reason: 'password_changed' },
    ],
    [
      { type: 'user.session:ended', data: { sessionId: sessionId(1), reason: 'limit' } },
      { code: 'session-ended', reason: 'limit' },
    ],
    [
      { type: 'user.session:ended', data: { sessionId: sessionId(1), reason: 'guessing' } },
      { code: 'session-ended', reason: 'guessing' },
    ],
    [erased, { code: 'session-ended', reason: 'erased' }],
  ]

  describe.each(commands)('%s', (_, command) => {
    it('is refused once it has ended, and told how', () => {
      for (const [end, rejection] of ends) {
        given([...past, end])
          .when(command(by(1)))
          .then(rejection as never)
      }
    })

    it('is refused where there is no such session', () => {
      given(past)
        .when(command(by(3)))
        .then({ code: 'unauthenticated' })
    })

    it('is refused with a token that was rotated since, or is from the future', () => {
      given([...past, passwordChanged(1)])
        .when(command(by(1, 0)))
        .then({ code: 'unauthenticated' })
      given(past)
        .when(command(by(1, 1)))
        .then({ code: 'unauthenticated' })
    })

    it('is refused from its absolute limit on', () => {
      given(past)
        .when(command(by(1)), { at: START + LIMITS.sessionAbsoluteMs })
        .then({ code: 'session-expired', limit: 'absolute' })
    })
  })

  it('passes until a millisecond before its absolute limit, however often its token was rotated', () => {
    given([...past, passwordChanged(1, 1, { at: START + 1 }), passwordChanged(1, 2, { at: START + 2 })])
      .when(logOut(by(1, 2)), { at: START + LIMITS.sessionAbsoluteMs - 1 })
      .then([{ type: 'user:logged_out', data: { sessionId: sessionId(1) } }])
  })

  it('keeps its sign-in time and its place when its token rotates', () => {
    const { state } = given([...past, passwordChanged(1, 1, { at: START + 5 })])
    expect(state.sessions[0]).toStrictEqual({
      id: sessionId(1),
      generation: 1,
      token: { eventId: eventId(3), type: 'user.password:changed', box: 'credential box of event 3' },
      signedInAt: START,
      provenAt: START + 5,
      guesses: { password: 0, code: 0 },
    })
  })
})
