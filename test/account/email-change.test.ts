import { describe, expect, it } from 'vitest'
import type { CommandOf, PasswordFact } from '../../src/account/commands.ts'
import type { NewAccountEvent } from '../../src/account/events.ts'
import { matched, mismatched } from './factor-stories.ts'
import { eventId, given, hours, LIMITS, minutes, type PastEvent, START, sessionId } from './given.ts'
import { by, erased, loggedIn, passwordChanged, registered, rehashed } from './stories.ts'

const NEW = 'ada.new@example.com'
const past = [registered(), loggedIn(1)]
const request = (fact: PasswordFact): CommandOf<'requestEmailChange'> => ({
  kind: 'requestEmailChange',
  by: by(1),
  fact,
  email: NEW,
})
const asked: PastEvent = { type: 'user.email:change_requested', data: {} }
const confirmedFrom = (address: 'old' | 'new'): NewAccountEvent & PastEvent => ({
  type: 'user.email:change_confirmed',
  data: { address },
})
/** By the link that was made of event `n` and mailed to this address. */
const confirm = (
  address: 'old' | 'new',
  { n = 2, standing = 'filed' }: { n?: number; standing?: CommandOf<'confirmEmailChange'>['standing'] } = {},
): CommandOf<'confirmEmailChange'> => ({
  kind: 'confirmEmailChange',
  changeId: eventId(n),
  address,
  email: NEW,
  standing,
})
const changed: NewAccountEvent = { type: 'user.email:changed', data: {}, personal: { email: NEW } }
const half = { kind: 'halfConfirmed' } as const
const gone = { code: 'token-invalid' } as const

describe('asking for another e-mail address', () => {
  it('takes the password, and keeps the new address in the personal box', () => {
    given(past)
      .when(request(matched()))
      .then([{ type: 'user.email:change_requested', data: {}, personal: { email: NEW } }])
  })

  it('records a wrong password on the session, and ends it at the limit', () => {
    const failure: NewAccountEvent & PastEvent = {
      type: 'user.email:change_failed',
      data: { sessionId: sessionId(1) },
    }
    const wrongPassword = { kind: 'wrongPassword' } as const
    given(past).when(request(mismatched())).then([failure], wrongPassword)
    given([...past, ...Array.from({ length: 9 }, () => failure)])
      .when(request(mismatched()))
      .then(
        [failure, { type: 'user.session:ended', data: { sessionId: sessionId(1), reason: 'guessing' } }],
        wrongPassword,
      )
  })

  it('has a password checked again that was compared with another hash', () => {
    for (const fact of [matched(0), mismatched(0)]) {
      given([...past, rehashed(eventId(0))])
        .when(request(fact))
        .then({ code: 'fact-stale' })
    }
  })

  it('is refused beyond three times an hour, until the first of them is an hour old', () => {
    const again: PastEvent = { ...asked, at: START + minutes(20) }
    const thrice = given([...past, asked, again, again])
    const hourLater = START + hours(1)
    thrice.when(request(matched()), { at: hourLater - 1 }).then({ code: 'too-many-requests', until: hourLater })
    thrice
      .when(request(matched()), { at: hourLater })
      .then([{ type: 'user.email:change_requested', data: {}, personal: { email: NEW } }])
    given([...past, asked, again])
      .when(request(matched()), { at: hourLater - 1 })
      .then([{ type: 'user.email:change_requested', data: {}, personal: { email: NEW } }])
  })

  it('changes nothing yet', () => {
    const { state } = given([...past, asked])
    expect(state.email?.eventId).toBe(eventId(0))
    expect(state.emailChange).toStrictEqual({
      eventId: eventId(2),
      at: START,
      address: { eventId: eventId(2), type: 'user.email:change_requested', box: 'personal box of event 2' },
      confirmed: [],
    })
  })
})

describe('confirming it', () => {
  it.each([
    ['old', 'new'],
    ['new', 'old'],
  ] as const)('changes the address once both mailboxes did, the %s one first', (first, second) => {
    given([...past, asked])
      .when(confirm(first, { standing: 'notAsked' }))
      .then([confirmedFrom(first)], half)
    given([...past, asked, confirmedFrom(first)])
      .when(confirm(second))
      .then([confirmedFrom(second), changed])
  })

  it('works once from each mailbox: one alone never changes it', () => {
    for (const address of ['old', 'new'] as const) {
      given([...past, asked, confirmedFrom(address)])
        .when(confirm(address))
        .then(gone)
    }
  })

  it('is refused where somebody else has the address by now', () => {
    given([...past, asked, confirmedFrom('old')])
      .when(confirm('new', { standing: 'taken' }))
      .then(gone)
  })

  it('is asked again where the other mailbox confirmed in the same moment, and the address is not filed yet', () => {
    given([...past, asked, confirmedFrom('old')])
      .when(confirm('new', { standing: 'notAsked' }))
      .then({ code: 'fact-stale' })
  })

  it('counts for the newest request alone', () => {
    const twice = [...past, asked, confirmedFrom('old'), asked]
    given(twice)
      .when(confirm('new', { n: 2 }))
      .then(gone)
    given(twice)
      .when(confirm('new', { n: 4 }))
      .then([confirmedFrom('new')], half)
  })

  it('is possible until a millisecond before the end of its time', () => {
    for (const history of [
      [...past, asked],
      [...past, asked, confirmedFrom('old')],
    ]) {
      given(history)
        .when(confirm('new'), { at: START + LIMITS.resetTokenMs })
        .then(gone)
    }
    given([...past, asked, confirmedFrom('old')])
      .when(confirm('new'), { at: START + LIMITS.resetTokenMs - 1 })
      .then([confirmedFrom('new'), changed])
  })

  it('takes no other event for a request, and none after the change', () => {
    given(past).when(confirm('new')).then(gone)
    given([...past, asked])
      .when(confirm('new', { n: 0 }))
      .then(gone)
    given([...past, asked, confirmedFrom('old'), confirmedFrom('new'), { type: 'user.email:changed', data: {} }])
      .when(confirm('old'))
      .then(gone)
  })

  it.each<[string, PastEvent]>([
    ['the password was changed since: it was asked for with the one before', passwordChanged(1)],
    ['the password was reset since', passwordChanged('reset')],
    ['it was reported as somebody else’s', { type: 'user:compromise_reported', data: { eventId: eventId(2) } }],
    ['the account was erased', erased],
  ])('is refused where %s', (_, event) => {
    given([...past, asked, confirmedFrom('old'), event])
      .when(confirm('new'))
      .then(gone)
  })

  it('gives the account the box of the new address, and the sessions live on', () => {
    const { state } = given([
      ...past,
      asked,
      confirmedFrom('old'),
      confirmedFrom('new'),
      { type: 'user.email:changed', data: {} },
    ])
    expect(state.email).toStrictEqual({
      eventId: eventId(5),
      type: 'user.email:changed',
      box: 'personal box of event 5',
    })
    expect(state.registration?.eventId).toBe(eventId(0))
    expect(state.emailChange).toBeNull()
    expect(state.sessions).toHaveLength(1)
  })
})
