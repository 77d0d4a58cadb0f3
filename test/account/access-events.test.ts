/** Events of access streams as they lie in stores: as long as a log is kept, what is written here has to be readable. */
import { describe, expect, it } from 'vitest'
import { accessTypes, auditCodes, readAccessEvent } from '../../src/account/access-events.ts'
import { eventTypes } from '../../src/account/events.ts'

const metadata = {
  schemaVersion: 1,
  commandId: '0e5c8a2e-54a6-4f0e-8f19-0c6d0a1b2c01',
  correlationId: '0e5c8a2e-54a6-4f0e-8f19-0c6d0a1b2c02',
  causationId: null,
  occurredAt: '2026-03-04T05:06:07.089Z',
  actor: { kind: 'operator', id: '0e5c8a2e-54a6-4f0e-8f19-0c6d0a1b2c03' },
  sessionId: null,
  sessionHash: null,
  client: null,
  commit: null,
  boxes: { personal: null, credential: null },
}
const userId = '0e5c8a2e-54a6-4f0e-8f19-0c6d0a1b2c04'
const data = {
  'audit:accessed': {
    filter: { codes: ['user:logged_in'], outcome: 'failure', ip: 'given', country: 'AT', device: 'mobile' },
    userId,
    hour: '2026-03-04T05:00:00.000Z',
    filterHash: 'abc',
  },
  'audit:exported': { filter: { from: '2026-01-01T00:00:00.000Z' }, userId: null, format: 'bundle', schema: 'native' },
} as const

const stored = (type: keyof typeof data) => ({
  ...{ id: '0e5c8a2e-54a6-4f0e-8f19-0c6d0a1b2c05', type, position: 7n },
  ...{ data: data[type] as Record<string, unknown>, metadata: metadata as Record<string, unknown> },
})

const reasonOf = (event: Parameters<typeof readAccessEvent>[0]): unknown => {
  try {
    readAccessEvent(event)
    return null
  } catch (error) {
    return (error as { reason?: unknown }).reason
  }
}

describe('events of auditors', () => {
  it.each(accessTypes)('of version 1 of %s are read as they were written', (type) => {
    const { commit: _, boxes: __, ...shown } = metadata
    const event = { kind: 'access', id: stored(type).id, type, position: 7n, data: data[type], metadata: shown }
    expect(readAccessEvent(stored(type))).toStrictEqual(event)
  })

  it('are not guessed at: an unknown type or version, a field too many or of another kind', () => {
    const event = stored('audit:exported')
    expect(reasonOf(event)).toBeNull()
    expect(reasonOf({ ...event, type: 'audit:dreamt' })).toBe('unknown-type')
    expect(reasonOf({ ...event, metadata: { ...metadata, schemaVersion: 2 } })).toBe('unknown-version')
    expect(reasonOf({ ...event, metadata: { ...metadata, actor: null } })).toBe('invalid')
    expect(reasonOf({ ...event, data: { ...event.data, more: 1 } })).toBe('invalid')
    expect(reasonOf({ ...event, data: { ...event.data, filter: { ip: '192.0.2.1' } } })).toBe('invalid')
  })

  it('have codes of their own, beside those of accounts', () => {
    expect(auditCodes).toHaveLength(eventTypes.length + accessTypes.length)
    expect(new Set(auditCodes).size).toBe(auditCodes.length)
  })
})
