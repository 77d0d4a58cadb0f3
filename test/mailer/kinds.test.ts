import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AccountEvent, type EventType, eventTypes } from '../../src/account/events.ts'
import { type MailKind, mailKinds, mailsFor } from '../../src/mailer/kinds.ts'
import { anyEventOf } from '../account/any-event.ts'

/** Only what the rules look at. */
const event = (type: EventType, data: object = {}, actor = 'user'): AccountEvent =>
  ({ type, data, metadata: { actor: { kind: actor, id: null } } }) as unknown as AccountEvent

describe('the mails of an event', () => {
  const table: readonly (readonly [AccountEvent, readonly MailKind[]])[] = [
    [event('user.password:reset_requested', {}, 'anonymous'), ['password_reset']],
    [event('user.password:reset_requested', {}, 'operator'), ['invitation']],
    [event('user.password:reset_requested', {}, 'user'), ['new_password_needed']],
    [event('user.password:changed', { by: 'owner' }), ['password_changed']],
    [event('user.password:changed', { by: 'password_reset' }), ['password_was_reset']],
    [event('user.2fa:enabled'), ['two_factor_enabled']],
    [event('user.2fa:disabled', { by: 'owner' }), ['two_factor_disabled']],
    [event('user.2fa:disabled', { by: 'operator' }, 'operator'), ['two_factor_disabled']],
    [event('user.2fa:backup_codes_generated'), ['backup_codes_generated']],
    [event('user.2fa:backup_code_used', { remaining: 4 }), ['backup_code_used']],
    [event('user:locked'), ['account_locked']],
    [event('user:logged_in', { unfamiliar: [] }), []],
    [event('user:logged_in', { unfamiliar: ['device'] }), ['new_sign_in']],
    [event('user:logged_in', { unfamiliar: ['device', 'country'] }), ['new_sign_in']],
    [event('user.email:change_requested'), ['email_change_old', 'email_change_new']],
    [event('user.email:changed'), ['email_changed_old', 'email_changed_new']],
  ]
  test.each(table)('%#: $0.type', (given, expected) => {
    expect(mailsFor(given)).toEqual(expected)
  })

  test('of every other type are none', () => {
    const mailed = new Set(table.map(([{ type }]) => type))
    for (const type of eventTypes.filter((each) => !mailed.has(each))) expect(mailsFor(event(type)), type).toEqual([])
  })

  test('make use of every kind there is', () => {
    expect(new Set(table.flatMap(([, kinds]) => kinds))).toEqual(new Set(mailKinds))
  })
})

test('any event of the catalogue has kinds that are different from each other', () => {
  const anyEvent = fc.constantFrom(...eventTypes).chain(anyEventOf)
  fc.assert(
    fc.property(anyEvent, (given) => {
      const kinds = mailsFor(given)
      expect(new Set(kinds).size).toBe(kinds.length)
      for (const kind of kinds) expect(mailKinds).toContain(kind)
    }),
  )
})
