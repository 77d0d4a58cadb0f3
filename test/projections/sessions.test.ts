import { describe, expect, it } from 'vitest'
import { sessions } from '../../projections/sessions.ts'
import { type EventType, endCauses, eventTypes, type ProjectedEvent } from '../../src/account/events.ts'
import type { RowOperation } from '../../src/projector/row-operation.ts'
import { PERSONAL, projected, USER } from './projected-events.ts'

const loggedIn = projected('user:logged_in')
const begun: RowOperation = {
  op: 'insert',
  table: 'sessions',
  row: {
    id: loggedIn.data.sessionId,
    user_id: USER,
    hash: loggedIn.metadata.sessionHash,
    ended_reason: null,
    ended_at: null,
    ended_position: null,
    device_type: 'mobile',
    browser_name: 'Mobile Safari',
    browser_version: '18.5',
    os_name: 'iOS',
    os_version: '18.5',
    user_agent: 'Mozilla/5.0 (iPhone)',
    ip: '192.0.2.7',
    country: 'PT',
    region: '13',
    city: 'Porto',
    signed_in_at: loggedIn.metadata.occurredAt,
  },
}

const ends = (
  event: ProjectedEvent & { readonly data: { readonly sessionId: string } },
  reason: string,
): RowOperation => ({
  op: 'update',
  table: 'sessions',
  key: { id: event.data.sessionId },
  set: { ended_reason: reason, ended_at: event.metadata.occurredAt, ended_position: 77n },
})

const loggedOut = projected('user:logged_out')
const revoked = projected('user.session:revoked')
const ended = projected('user.session:ended')
const expired = projected('user.session:expired')

/** The whole of it: what each event of the catalogue does to the table. */
const table: Readonly<Record<EventType, readonly RowOperation[]>> = {
  'user:registered': [],
  'user:logged_in': [begun],
  'user:logged_out': [ends(loggedOut, 'logged_out')],
  'user:login_failed': [],
  'user:locked': [],
  'user:unlocked': [],
  'user:reauthenticated': [],
  'user:reauthentication_failed': [],
  // Each session that it ends has an event of its own.
  'user:compromise_reported': [],
  'user:erased': [{ op: 'delete', table: 'sessions', where: { user_id: USER } }],
  'user.password:reset_requested': [],
  'user.password:changed': [],
  'user.password:change_failed': [],
  'user.password:rehashed': [],
  'user.profile:updated': [],
  'user.preferences:updated': [],
  'user.email:change_requested': [],
  'user.email:change_failed': [],
  'user.email:change_confirmed': [],
  'user.email:changed': [],
  'user.email:restored': [],
  'user.2fa:enrollment_started': [],
  'user.2fa:enrollment_failed': [],
  'user.2fa:enabled': [],
  'user.2fa:disabled': [],
  'user.2fa:disable_failed': [],
  'user.2fa:backup_codes_generated': [],
  'user.2fa:backup_code_used': [],
  'user.session:revoked': [ends(revoked, 'revoked')],
  'user.session:others_revoked': [],
  'user.session:ended': [ends(ended, 'password_changed')],
  'user.session:expired': [ends(expired, 'expired')],
}

describe('the sessions read model', () => {
  it.each(eventTypes)('does with %s what the table says', (type) => {
    expect(sessions.apply(projected(type))).toStrictEqual(table[type])
  })

  it('handles exactly the types in which it finds something to do', () => {
    const handled = eventTypes.filter((type) => sessions.apply(projected(type)).length > 0)
    expect(sessions.handles?.toSorted()).toEqual(handled.toSorted())
  })

  it.each(endCauses)('names the reason %s as the event does', (reason) => {
    const event = { ...ended, data: { ...ended.data, reason } }
    expect(sessions.apply(event)).toStrictEqual([ends(event, reason)])
  })

  it('is total where the personal box was erased or never was: coarse facts remain', () => {
    const bare = { ...begun, row: { ...begun.row, user_agent: null, ip: null, region: null, city: null } }
    expect(sessions.apply(projected('user:logged_in', { personal: 'erased' }))).toStrictEqual([bare])
    expect(sessions.apply(projected('user:logged_in', { personal: null }))).toStrictEqual([bare])
    expect(sessions.apply(projected('user:logged_in', { personal: {} }))).toStrictEqual([bare])
  })

  it('is total where nothing is known of the client', () => {
    const event = { ...loggedIn, metadata: { ...loggedIn.metadata, client: null } }
    expect(sessions.apply(event)).toStrictEqual([
      {
        ...begun,
        row: {
          ...begun.row,
          device_type: 'other',
          browser_name: null,
          browser_version: null,
          os_name: null,
          os_version: null,
          country: null,
        },
      },
    ])
  })

  it('holds neither address nor name of the person', () => {
    const text = JSON.stringify(sessions.apply(loggedIn), (_, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    )
    expect(text).not.toContain(PERSONAL.email)
    expect(text).not.toContain(PERSONAL.name)
    expect(text).not.toContain('a secret field value')
  })

  it('fills every column of its table, and no other', () => {
    const [columns] = sessions.tables.map((each) => Object.keys(each.columns))
    expect(Object.keys(begun.row)).toStrictEqual(columns)
  })

  it('gives the same operations for the same event', () => {
    for (const type of eventTypes)
      expect(sessions.apply(projected(type))).toStrictEqual(sessions.apply(projected(type)))
  })
})
