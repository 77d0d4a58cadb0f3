import { describe, expect, it } from 'vitest'
import { auditlog } from '../../projections/auditlog.ts'
import { catalogue, currentSchema, type EventType, eventTypes, type ProjectedEvent } from '../../src/account/events.ts'
import type { Row } from '../../src/projector/row-operation.ts'
import { readFixture } from '../account/golden.ts'
import { PERSONAL, projected, USER } from './projected-events.ts'

const rowOf = (event: ProjectedEvent): Row => {
  const operations = auditlog.apply(event)
  expect(operations).toHaveLength(event.type === 'user:erased' ? 2 : 1)
  const operation = operations.at(-1)
  if (operation?.op !== 'insert') throw new Error('a row of the audit log is inserted')
  expect(operation.table).toBe('auditlog')
  return operation.row
}

/** Of the events that are about a session which is not the one that acted. */
const aboutAnother: readonly EventType[] = ['user.session:revoked', 'user.session:ended']

describe('the audit log', () => {
  it('shows an event whole', () => {
    const event = projected('user.session:revoked')
    expect(rowOf(event)).toStrictEqual({
      id: event.id,
      user_id: USER,
      sequence: event.revision + 1n,
      position: 77n,
      code: 'user.session:revoked',
      message: 'Session revoked',
      outcome: 'success',
      occurred_at: event.metadata.occurredAt,
      ip: '192.0.2.7',
      country: 'PT',
      region: '13',
      city: 'Porto',
      device_type: 'mobile',
      browser_name: 'Mobile Safari',
      browser_version: '18.5',
      os_name: 'iOS',
      os_version: '18.5',
      user_agent: 'Mozilla/5.0 (iPhone)',
      session_id: event.metadata.sessionId,
      session_hash: event.metadata.sessionHash,
      about_session_id: event.data.sessionId,
      actor: JSON.stringify(event.metadata.actor),
      data: JSON.stringify(event.data),
    })
  })

  it.each(eventTypes)('has one row for %s, with its code, message and outcome', (type) => {
    const event = projected(type)
    const { message, outcome } = catalogue[type]
    expect(rowOf(event)).toMatchObject({
      id: event.id,
      code: type,
      message,
      outcome,
      data: JSON.stringify(event.data),
      sequence: event.revision + 1n,
      session_id: event.metadata.sessionId,
      about_session_id: aboutAnother.includes(type) && 'sessionId' in event.data ? event.data.sessionId : null,
    })
  })

  it.each(eventTypes)('fills every column for %s, and no other', (type) => {
    const [columns] = auditlog.tables.map((table) => Object.keys(table.columns))
    expect(Object.keys(rowOf(projected(type)))).toStrictEqual(columns)
    expect(Object.values(rowOf(projected(type)))).not.toContain(undefined)
  })

  it('keeps the row of an erased person, without who and where', () => {
    const event = projected('user:logged_in')
    const erased = { ...rowOf(event), ip: null, region: null, city: null, user_agent: null }
    expect(rowOf(projected('user:logged_in', { personal: 'erased' }))).toStrictEqual(erased)
    expect(rowOf(projected('user:logged_in', { personal: null }))).toStrictEqual(erased)
  })

  it("blanks who and where in all earlier rows of a person who is erased, and in nobody else's", () => {
    expect(auditlog.apply(projected('user:erased'))[0]).toStrictEqual({
      op: 'update',
      table: 'auditlog',
      where: { user_id: USER },
      set: { ip: null, region: null, city: null, user_agent: null },
    })
  })

  it('shows a sign-in of before and of today in one shape', () => {
    const { personal: _, credential: __, ...old } = readFixture('user.logged_in.v1.json').event
    const row = rowOf({ ...old, userId: USER, position: 7n, personal: PERSONAL } as ProjectedEvent)
    expect(Object.keys(JSON.parse(String(row.data)))).toStrictEqual(Object.keys(projected('user:logged_in').data))
  })

  it('shows in `data` exactly what is open', () => {
    for (const type of eventTypes) {
      const event = projected(type)
      expect(currentSchema(type).parse(JSON.parse(String(rowOf(event).data)))).toStrictEqual(event.data)
    }
  })

  it('shows a failure against an account without a session', () => {
    expect(rowOf(projected('user:login_failed'))).toMatchObject({
      outcome: 'failure',
      session_id: null,
      session_hash: null,
      about_session_id: null,
      actor: '{"kind":"anonymous","id":null}',
      country: null,
      device_type: 'other',
      browser_name: null,
    })
  })

  it('holds neither address, name nor any value of the profile of the person', () => {
    for (const type of eventTypes) {
      const text = Object.values(rowOf(projected(type))).join('\n')
      expect(text).not.toContain(PERSONAL.email)
      expect(text).not.toContain('"Ada"')
      expect(text).not.toContain('a secret field value')
    }
  })
})
