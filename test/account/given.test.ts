/** The self-test of the DSL: what it must not let pass, it does not. */
import { describe, expect, it } from 'vitest'
import type { NewAccountEvent } from '../../src/account/events.ts'
import { eventId, given, iso, LIMITS, minutes, type PastEvent, START, sessionId } from './given.ts'
import { aSecret, by, loggedIn, logInWith, registered, revokeOthers, signInData } from './stories.ts'

const oneFailureFromTheLock = (): readonly PastEvent[] => [
  registered(),
  { type: 'user:login_failed', data: { method: 'password', failures: LIMITS.lockAfterFailures - 1 } },
]

const at = START + minutes(5)
const wrongPassword = logInWith('passwordMismatched', { passwordEventId: eventId(0) })
const failed: NewAccountEvent = { type: 'user:login_failed', data: { method: 'password', failures: 10 } }
const locked: NewAccountEvent = { type: 'user:locked', data: { failures: 10, until: iso(at + LIMITS.lockMs) } }
const outcome = { kind: 'wrongPassword' } as const

describe('the given-when-then DSL', () => {
  const decided = () => given(oneFailureFromTheLock()).when(wrongPassword, { at })

  it('passes where everything is as it was decided', () => {
    decided().then([failed, locked], outcome)
  })

  it('fails on a field that was not decided', () => {
    const extra = { ...failed, personal: { email: 'ada@example.com' } }
    expect(() => decided().then([extra, locked], outcome)).toThrow()
  })

  it('fails on a field of the data that was not decided', () => {
    const extra = { ...failed, data: { ...failed.data, ip: '192.0.2.1' } } as NewAccountEvent
    expect(() => decided().then([extra, locked], outcome)).toThrow()
  })

  it('fails on a field that is there as undefined', () => {
    const extra = { ...failed, credential: undefined } as unknown as NewAccountEvent
    expect(() => decided().then([extra, locked], outcome)).toThrow()
  })

  it('fails where a decided field is missing', () => {
    const { data: _, ...rest } = failed
    expect(() => decided().then([rest as NewAccountEvent, locked], outcome)).toThrow()
  })

  it('fails where a decided field of the data is missing', () => {
    const less = { ...locked, data: { failures: 10 } } as unknown as NewAccountEvent
    expect(() => decided().then([failed, less], outcome)).toThrow()
  })

  it('fails where a credential is missing', () => {
    const signedIn = { kind: 'signedIn', sessionId: sessionId(1), method: 'password' } as const
    const event: NewAccountEvent = { type: 'user:logged_in', data: signInData(1) }
    const success = () => given([registered()]).when(logInWith('passwordMatched', { passwordEventId: eventId(0) }))
    success().then([{ ...event, credential: { tokenHash: aSecret('token hash') } }], signedIn)
    expect(() => success().then([event], signedIn)).toThrow()
  })

  it('fails on another order', () => {
    expect(() => decided().then([locked, failed], outcome)).toThrow()
  })

  it('fails on a time that is a millisecond off', () => {
    const late: NewAccountEvent = { type: 'user:locked', data: { failures: 10, until: iso(at + LIMITS.lockMs + 1) } }
    expect(() => decided().then([failed, late], outcome)).toThrow()
  })

  it('fails on an event too many, and on one too few', () => {
    expect(() => decided().then([failed, locked, locked], outcome)).toThrow()
    expect(() => decided().then([failed], outcome)).toThrow()
    expect(() => decided().then([], outcome)).toThrow()
  })

  it('fails on another outcome, and where none was named but one was decided', () => {
    const revoked = () => given([registered(), loggedIn(1), loggedIn(2)]).when(revokeOthers(by(1)))
    const events: readonly NewAccountEvent[] = [
      { type: 'user.session:revoked', data: { sessionId: sessionId(2), by: 'owner' } },
      { type: 'user.session:others_revoked', data: { sessionId: sessionId(1), revoked: 1 } },
    ]
    revoked().then(events, { kind: 'revoked', count: 1 })
    expect(() => revoked().then(events, { kind: 'revoked', count: 2 })).toThrow()
    expect(() => revoked().then(events)).toThrow()
  })

  it('fails where it was rejected instead, for another reason, or with other particulars', () => {
    const lockedOut = () => given([registered(), { type: 'user:locked', data: { failures: 10, until: iso(at) } }])
    lockedOut().when(wrongPassword).then({ code: 'login-throttled', until: at })
    expect(() => lockedOut().when(wrongPassword).then([])).toThrow()
    expect(() => lockedOut().when(wrongPassword).then({ code: 'invalid-credentials' })).toThrow()
    expect(() =>
      lockedOut()
        .when(wrongPassword)
        .then({ code: 'login-throttled', until: at + 1 }),
    ).toThrow()
    expect(() => decided().then({ code: 'invalid-credentials' })).toThrow()
  })

  it('refuses a past that the catalogue does not know', () => {
    const impossible = { type: 'user:registered', data: { email: 'ada@example.com' } } as unknown as PastEvent
    expect(() => given([impossible])).toThrow()
  })

  it('folds the past in its order, with its times and boxes', () => {
    const { state } = given([registered({ at: START - minutes(3) }), loggedIn(1, { at: START - minutes(2) })])
    expect(state.registeredAt).toBe(START - minutes(3))
    expect(state.password).toStrictEqual({
      eventId: eventId(0),
      type: 'user:registered',
      box: 'credential box of event 0',
    })
    expect(state.sessions.map(({ id, signedInAt }) => [id, signedInAt])).toStrictEqual([
      [sessionId(1), START - minutes(2)],
    ])
  })
})
