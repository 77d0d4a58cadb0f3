import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditCodes } from '../../src/account/access-events.ts'
import { eventCodes, lookOf } from '../../web/src/audit/event-looks.ts'
import {
  type AuditFilter,
  exportPath,
  filterOfQuery,
  isFiltering,
  matches,
  noFilter,
  parametersOf,
  queryOfFilter,
} from '../../web/src/audit/filter.ts'

const filters: fc.Arbitrary<AuditFilter> = fc.record({
  code: fc.subarray([...eventCodes]),
  outcome: fc.constantFrom('success', 'failure', null),
  from: fc.constantFrom('2026-03-01', null),
  to: fc.constantFrom('2026-03-02', null),
  ip: fc.constantFrom('192.0.2.1', '2001:db8::1', null),
  country: fc.constantFrom('DE', null),
  device: fc.constantFrom('mobile', null),
  session: fc.constantFrom('0'.repeat(40), null),
})

const event = {
  id: 'e1',
  sequence: 7,
  code: 'user:logged_in',
  message: 'Logged in',
  outcome: 'success',
  occurredAt: '2026-03-01T23:30:00.000Z',
  ip: '192.0.2.1',
  location: { country: 'DE', region: null, city: null },
  device: { type: 'mobile' },
  browser: null,
  os: null,
  userAgent: null,
  sessionHash: '0'.repeat(40),
  sessionId: '6f0e0f3e-0000-4000-8000-000000000000',
  actor: { kind: 'user', id: null },
  data: {},
} satisfies Parameters<typeof matches>[1]

test('every event type has its looks, and failures are red', () => {
  expect([...eventCodes].sort()).toEqual([...auditCodes].sort())
  expect(lookOf('user.2fa:enabled', 'success').tone).toBe('warning')
  expect(lookOf('user:logged_in', 'success').tone).toBe('info')
  expect(lookOf('user:logged_in', 'failure').tone).toBe('danger')
  expect(lookOf('user.future:thing', 'failure').tone).toBe('danger')
  expect(lookOf('constructor', 'success').tone).toBe('info')
})

describe('the filter in the address', () => {
  test('comes back as it was set', () => {
    fc.assert(
      fc.property(filters, (filter) => {
        expect(filterOfQuery(queryOfFilter(filter))).toEqual(filter)
      }),
    )
  })

  test('is none where nothing is set', () => {
    expect(queryOfFilter(noFilter)).toEqual({})
    expect(isFiltering(noFilter)).toBe(false)
    expect(isFiltering({ ...noFilter, code: ['user:logged_in'] })).toBe(true)
  })

  test('leaves out what makes no sense', () => {
    const query = {
      code: ['x', 'user:logged_in'],
      outcome: 'maybe',
      from: 'yesterday',
      country: 'Germany',
      device: ['fridge'],
      ip: '',
    }
    expect(filterOfQuery(query)).toEqual({ ...noFilter, code: ['user:logged_in'] })
  })

  test('survives anything that somebody types', () => {
    const names = fc.constantFrom('code', 'outcome', 'from', 'to', 'ip', 'country', 'device', 'session', '__proto__')
    const values = fc.oneof(fc.string(), fc.constant(null), fc.array(fc.oneof(fc.string(), fc.constant(null))))
    fc.assert(
      fc.property(fc.dictionary(names, values), (query) => {
        const filter = filterOfQuery(query)
        expect(filterOfQuery(queryOfFilter(filter))).toEqual(filter)
      }),
    )
  })
})

test('days are days of the reader, and the last one is whole', () => {
  const filter = { ...noFilter, from: '2026-03-01', to: '2026-03-01' }
  expect(parametersOf(filter, 'Europe/Berlin')).toEqual({
    from: '2026-02-28T23:00:00.000Z',
    to: '2026-03-01T23:00:00.000Z',
  })
})

test('an export asks for the same lines', () => {
  const filter: AuditFilter = { ...noFilter, code: ['user:logged_in', 'user.2fa:enabled'], ip: '2001:db8::1' }
  expect(exportPath('ndjson', filter, 'UTC')).toBe(
    '/v1/me/audit-events/export?format=ndjson&code=user%3Alogged_in&code=user.2fa%3Aenabled&ip=2001%3Adb8%3A%3A1',
  )
})

describe('an event that arrives live', () => {
  test('is shown where the filter would show it', () => {
    const filter: AuditFilter = {
      code: ['user:logged_out', 'user:logged_in'],
      outcome: 'success',
      from: '2026-03-01',
      to: '2026-03-01',
      ip: '192.0.2.1',
      country: 'DE',
      device: 'mobile',
      session: event.sessionId,
    }
    expect(matches(noFilter, event, 'UTC')).toBe(true)
    expect(matches(filter, event, 'UTC')).toBe(true)
    expect(matches({ ...filter, session: event.sessionHash }, event, 'UTC')).toBe(true)
  })

  test.for<Partial<AuditFilter>>([
    { code: ['user:logged_out'] },
    { outcome: 'failure' },
    { from: '2026-03-02' },
    { to: '2026-02-28' },
    { ip: '192.0.2.2' },
    { country: 'FR' },
    { device: 'desktop' },
    { session: '1'.repeat(40) },
  ])('is not shown where %j leaves it out', (part) => {
    expect(matches({ ...noFilter, ...part }, event, 'UTC')).toBe(false)
  })

  test('belongs to the day of the reader', () => {
    const filter = { ...noFilter, from: '2026-03-02' }
    expect(matches(filter, event, 'UTC')).toBe(false)
    expect(matches(filter, event, 'Europe/Berlin')).toBe(true)
  })
})
