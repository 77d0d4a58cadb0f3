import { describe, expect, it } from 'vitest'
import type { Command } from '../../src/account/commands.ts'
import { endedSessions } from '../../src/account/ended.ts'
import type { Idempotency } from '../../src/account/events.ts'
import { disabled, withFactor } from './factor-stories.ts'
import { commandId, enrollmentId, given, hours, iso, minutes, type PastEvent, START, sessionId } from './given.ts'
import { erased, failedLogIn, loggedIn, registered, revoked } from './stories.ts'

const as = 'operator'
const noAccount = { code: 'account-not-found' } as const
const createUser: Command = { kind: 'createUser', as, email: 'ada@example.com', name: 'Ada' }

describe('an operator creating a user', () => {
  it('registers without a password and mails a link to set one', () => {
    given([])
      .when(createUser)
      .then([
        { type: 'user:registered', data: {}, personal: { email: 'ada@example.com', name: 'Ada' } },
        { type: 'user.password:reset_requested', data: {} },
      ])
  })

  it('happens once, and brings no erased account back', () => {
    given([registered()]).when(createUser).then({ code: 'email-taken' })
    given([registered(), erased]).when(createUser).then({ code: 'email-taken' })
  })

  it('leaves an account that no password opens', () => {
    const { state } = given([registered({ credential: null })])
    expect(state.password).toBeNull()
    given([registered({ credential: null })])
      .when({
        kind: 'logIn',
        fact: { kind: 'passwordMismatched', passwordEventId: null },
        sessionId: sessionId(9),
        tokenHash: '' as never,
        client: null,
      })
      .then([{ type: 'user:login_failed', data: { method: 'password', failures: 1 } }], { kind: 'wrongPassword' })
  })
})

describe('an operator unlocking', () => {
  const at = START + minutes(1)
  const unlock: Command = { kind: 'unlock', as }
  const unlocked = { type: 'user:unlocked', data: { by: 'operator' } } as const
  const locked = (until: number): PastEvent => ({ type: 'user:locked', data: { failures: 10, until: iso(until) } })

  it('opens a lock and forgives a row of failures; a reported account waits for a new password', () => {
    given([registered(), locked(at + 1)])
      .when(unlock, { at })
      .then([unlocked])
    given([registered(), failedLogIn(1)])
      .when(unlock, { at })
      .then([unlocked])
    given([registered(), { type: 'user:compromise_reported', data: { eventId: sessionId(4) } }])
      .when(unlock, { at })
      .then([])
  })

  it('does nothing where there is nothing to open', () => {
    given([registered()]).when(unlock, { at }).then([])
    given([registered(), locked(at)])
      .when(unlock, { at })
      .then([])
    given([registered(), locked(at + hours(1)), unlocked])
      .when(unlock, { at })
      .then([])
  })

  it('finds no account where there is none, or none any more', () => {
    given([]).when(unlock).then(noAccount)
    given([registered(), erased]).when(unlock).then(noAccount)
  })
})

describe('an operator revoking all sessions', () => {
  const revokeAll: Command = { kind: 'revokeAllSessions', as }
  const revocation = (n: number) =>
    ({ type: 'user.session:revoked', data: { sessionId: sessionId(n), by: 'operator' } }) as const

  it('ends each with an event of its own, and says how many', () => {
    given([registered(), loggedIn(1), loggedIn(2), revoked(2), loggedIn(3)])
      .when(revokeAll)
      .then([revocation(1), revocation(3)], { kind: 'revoked', count: 2 })
  })

  it('is done where nobody is signed in', () => {
    given([registered()]).when(revokeAll).then([], { kind: 'revoked', count: 0 })
  })

  it('finds no account where there is none, or none any more', () => {
    given([]).when(revokeAll).then(noAccount)
    given([registered(), loggedIn(1), erased])
      .when(revokeAll)
      .then(noAccount)
  })
})

describe('an operator turning a second factor off', () => {
  const turnOff: Command = { kind: 'disableTwoFactorOf', as }

  it('ends every session: whoever is signed in has to do so again', () => {
    given([...withFactor(), loggedIn(2)])
      .when(turnOff)
      .then([
        { type: 'user.2fa:disabled', data: { enrollmentId: enrollmentId(1), by: 'operator', rotated: null } },
        { type: 'user.session:ended', data: { sessionId: sessionId(1), reason: 'two_factor_changed' } },
        { type: 'user.session:ended', data: { sessionId: sessionId(2), reason: 'two_factor_changed' } },
      ])
  })

  it('moves the credential epoch, and rotates no token', () => {
    const { state } = given([...withFactor(), disabled('operator')])
    expect(state.twoFactor).toBeNull()
    expect(state.credentialEpoch).toBe(2)
    expect(state.sessions[0]?.generation).toBe(1)
  })

  it('is refused where there is none', () => {
    given([registered()]).when(turnOff).then({ code: 'two-factor-not-enabled' })
    given([...withFactor(), disabled()])
      .when(turnOff)
      .then({ code: 'two-factor-not-enabled' })
    given([]).when(turnOff).then(noAccount)
    given([...withFactor(), erased])
      .when(turnOff)
      .then(noAccount)
  })
})

describe('an operator erasing a person', () => {
  const erase = (fact: 'noLegalHold' | 'underLegalHold' = 'noLegalHold'): Command => ({
    kind: 'erase',
    as,
    fact: { kind: fact },
  })
  const erasure = { type: 'user:erased', data: {} } as const

  it('appends the last event, which ends every session by itself', () => {
    given([...withFactor(), loggedIn(2)])
      .when(erase())
      .then([erasure])
    const { state } = given([registered(), loggedIn(1), loggedIn(2), erased])
    expect(state.sessions).toStrictEqual([])
    expect(endedSessions(state.ended)).toStrictEqual([
      { id: sessionId(1), reason: 'erased' },
      { id: sessionId(2), reason: 'erased' },
    ])
  })

  it('erases also who is locked out, never set a password, or reported somebody else', () => {
    given([registered({ credential: null })])
      .when(erase())
      .then([erasure])
    given([registered(), { type: 'user:compromise_reported', data: { eventId: sessionId(4) } }])
      .when(erase())
      .then([erasure])
  })

  it('is refused while there is a legal hold', () => {
    given([registered(), loggedIn(1)])
      .when(erase('underLegalHold'))
      .then({ code: 'legal-hold' })
  })

  it('happens once: asked again there is nothing to do, whatever the vault says of somebody who is gone', () => {
    given([registered(), erased]).when(erase()).then([])
    given([registered(), erased]).when(erase('underLegalHold')).then([])
  })

  it('finds no account where there is none, not even one under a hold', () => {
    given([]).when(erase()).then(noAccount)
    given([]).when(erase('underLegalHold')).then(noAccount)
  })
})

describe('an operator’s command under an Idempotency-Key', () => {
  const answered: Idempotency = { bodyHash: 'hash of the body', status: 200, body: { revoked: 1 }, secret: false }
  const done: PastEvent = {
    type: 'user.session:revoked',
    data: { sessionId: sessionId(1), by: 'operator' },
    commandId: commandId(900),
    idempotency: answered,
  }
  const repeated = (bodyHash: string): Command => ({
    kind: 'revokeAllSessions',
    as,
    repeat: { commandId: commandId(900), bodyHash },
  })

  it('is answered as before when it comes again, and refused with another body', () => {
    const past = [registered(), loggedIn(1), loggedIn(2), done]
    given(past).when(repeated(answered.bodyHash)).then({ repeated: answered })
    given(past).when(repeated('another')).then({ code: 'idempotency-mismatch' })
  })
})
