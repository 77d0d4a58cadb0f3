import { describe, expect, it } from 'vitest'
import type { CommandOf } from '../../src/account/commands.ts'
import type { NewAccountEvent } from '../../src/account/events.ts'
import { STEP, withFactor } from './factor-stories.ts'
import { eventId, given, hours, iso, LIMITS, minutes, type PastEvent, START, sessionId } from './given.ts'
import { aSecret, erased, failedLogIn, loggedIn, passwordChanged, registered, rehashed } from './stories.ts'

const requested = (at = START): PastEvent => ({ type: 'user.password:reset_requested', data: {}, at })
const request = { kind: 'requestPasswordReset' } as const
const resetMail: NewAccountEvent = { type: 'user.password:reset_requested', data: {} }

/** By the link that was made of event `n`; the new password was compared with those of `compared`. */
const reset = (
  n: number,
  { compared = [0], reuses = null }: { readonly compared?: readonly number[]; readonly reuses?: number | null } = {},
): CommandOf<'resetPassword'> => ({
  kind: 'resetPassword',
  resetId: eventId(n),
  fresh: {
    kind: 'newPasswordCompared',
    passwordEventIds: compared.map(eventId),
    reuses: reuses === null ? null : eventId(reuses),
  },
  passwordHash: aSecret('new password hash'),
})
const changed: NewAccountEvent = {
  type: 'user.password:changed',
  data: { by: 'password_reset', rotated: null },
  credential: { passwordHash: aSecret('new password hash') },
}
const ended = (n: number): NewAccountEvent => ({
  type: 'user.session:ended',
  data: { sessionId: sessionId(n), reason: 'password_reset' },
})
const unlocked: NewAccountEvent = { type: 'user:unlocked', data: { by: 'password_reset' } }
const gone = { code: 'token-invalid' } as const

describe('requesting a reset', () => {
  it('is an event, of which the link is made', () => {
    given([registered()]).when(request).then([resetMail])
  })

  it('asks no more mails of us than so many an hour, and does not say so', () => {
    const at = START + hours(2)
    const recent = [requested(at - minutes(59)), requested(at - minutes(30)), requested(at - minutes(1))]
    given([registered(), ...recent.slice(1)])
      .when(request, { at })
      .then([resetMail])
    given([registered(), ...recent])
      .when(request, { at })
      .then([])
    given([registered(), ...recent])
      .when(request, { at, limits: { resetMailsPerHour: 4 } })
      .then([resetMail])
  })

  it('may be asked again once the oldest is an hour old, to the millisecond', () => {
    const past = [registered(), requested(), requested(START + 1), requested(START + 2)]
    given(past)
      .when(request, { at: START + hours(1) - 1 })
      .then([])
    given(past)
      .when(request, { at: START + hours(1) })
      .then([resetMail])
  })

  it('counts those from the future too: a clock that runs ahead elsewhere opens no gate here', () => {
    const ahead = [1, 2, 3].map((n) => requested(START + minutes(n)))
    given([registered(), ...ahead])
      .when(request, { at: START })
      .then([])
  })

  it('is still counted after a reset that succeeded', () => {
    const past = [registered(), requested(), passwordChanged('reset'), requested(), requested()]
    given(past).when(request).then([])
  })

  it('leaves nothing where there is no account, or none any more', () => {
    given([]).when(request).then([])
    given([registered(), erased]).when(request).then([])
  })

  it('is possible where the account is locked, and where it never had a password', () => {
    const locked: PastEvent = { type: 'user:locked', data: { failures: 10, until: iso(START + hours(1)) } }
    given([registered(), locked]).when(request).then([resetMail])
    given([registered({ credential: null })])
      .when(request)
      .then([resetMail])
  })
})

describe('resetting the password', () => {
  const past = [registered(), loggedIn(1), loggedIn(2), requested()]

  it('changes it, signs nobody in and ends every session', () => {
    given(past)
      .when(reset(3))
      .then([changed, ended(1), ended(2)])
  })

  it('happens once', () => {
    given([...past, passwordChanged('reset')])
      .when(reset(3, { compared: [4, 0] }))
      .then(gone)
  })

  it('is possible until a millisecond before the end of its time', () => {
    given(past)
      .when(reset(3), { at: START + LIMITS.resetTokenMs - 1 })
      .then([changed, ended(1), ended(2)])
    given(past)
      .when(reset(3), { at: START + LIMITS.resetTokenMs })
      .then(gone)
  })

  it('takes the newest link alone', () => {
    const twice = [...past, requested()]
    given(twice).when(reset(3)).then(gone)
    given(twice)
      .when(reset(4))
      .then([changed, ended(1), ended(2)])
  })

  it('is void after a change of the password from inside', () => {
    given([...past, passwordChanged(1)])
      .when(reset(3, { compared: [4, 0] }))
      .then(gone)
  })

  it('is void after a change of the e-mail address: the link lies in the mailbox of before', () => {
    const moved: PastEvent = { type: 'user.email:changed', data: {} }
    given([...past, moved])
      .when(reset(3))
      .then(gone)
  })

  it('is void once the account is erased', () => {
    given([...past, erased])
      .when(reset(3))
      .then(gone)
  })

  it('takes no other event for a request', () => {
    for (const n of [0, 1, 2, 77]) given(past).when(reset(n)).then(gone)
  })

  it('survives a rehash, but the comparison does not', () => {
    const rehash = [...past, rehashed(eventId(0))]
    given(rehash)
      .when(reset(3, { compared: [0] }))
      .then({ code: 'fact-stale' })
    given(rehash)
      .when(reset(3, { compared: [4] }))
      .then([changed, ended(1), ended(2)])
  })

  it('refuses one of the last passwords, and one that nobody compared', () => {
    given(past)
      .when(reset(3, { reuses: 0 }))
      .then({ code: 'password-reused' })
    const { fresh: _, ...uncompared } = reset(3)
    given(past).when(uncompared).then({ code: 'fact-stale' })
    const { passwordHash: __, ...unhashed } = reset(3)
    given(past).when(unhashed).then({ code: 'fact-stale' })
  })

  it('tells nothing of former passwords to who has no link', () => {
    given(past)
      .when(reset(77, { reuses: 0 }))
      .then(gone)
  })

  it('sets the first password of an account that an operator made', () => {
    given([registered({ credential: null }), requested()])
      .when(reset(1, { compared: [] }))
      .then([changed])
  })

  it('leaves the second factor on', () => {
    const { state } = given([...withFactor(), requested(), passwordChanged('reset')])
    expect(state.twoFactor?.lastStep).toBe(STEP)
    expect(state.credentialEpoch).toBe(2)
  })
})

describe('the lock, after a reset', () => {
  const at = START + minutes(1)
  const locked: PastEvent = { type: 'user:locked', data: { failures: 10, until: iso(at + hours(1)) } }

  it('is open, and the row of failures forgotten', () => {
    given([registered(), requested(), failedLogIn(10), locked])
      .when(reset(1), { at })
      .then([changed, unlocked])
    given([registered(), requested(), failedLogIn(3)])
      .when(reset(1), { at })
      .then([changed, unlocked])
    const { state } = given([
      registered(),
      failedLogIn(10),
      locked,
      { type: 'user:unlocked', data: { by: 'password_reset' } },
    ])
    expect(state.lockedUntil).toBe(0)
    expect(state.failures.count).toBe(0)
  })

  it('is not told to have opened where it was open', () => {
    given([registered(), requested(), { ...locked, data: { failures: 10, until: iso(at) } } as PastEvent])
      .when(reset(1), { at })
      .then([changed])
  })

  it('stays closed until the reset is complete: asking for one opens nothing', () => {
    const { state } = given([registered(), failedLogIn(10), locked, requested()])
    expect(state.lockedUntil).toBe(at + hours(1))
  })
})
