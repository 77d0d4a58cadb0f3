/** What auditors did, as the audit log shows it, and as it is read from the store. */
import { describe, expect, it } from 'vitest'
import { auditlog } from '../../projections/auditlog.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { openForProjections } from '../../src/projector/open-events.ts'
import type { Vault } from '../../src/secrets/vault.ts'

const ID = '0a000000-0000-4000-8000-000000000001'
const TOKEN = '0a000000-0000-4000-8000-000000000002'
const USER = '0a000000-0000-4000-8000-000000000003'
const AT = '2026-03-01T10:20:30.456Z'

const stored: RecordedEvent = {
  id: ID,
  stream: `access-${TOKEN}`,
  revision: 4n,
  position: 77n,
  recordedAt: new Date(AT),
  type: 'audit:exported',
  data: { filter: { user: USER, ip: 'given' }, userId: USER, format: 'csv', schema: 'native' },
  metadata: {
    schemaVersion: 1,
    commandId: ID,
    correlationId: ID,
    causationId: null,
    occurredAt: AT,
    actor: { kind: 'operator', id: TOKEN },
    sessionId: null,
    sessionHash: null,
    client: null,
    commit: null,
    boxes: { personal: null, credential: null },
  },
}

const open = openForProjections({} as Vault)()

describe('an access of an auditor', () => {
  it('is a row under the person whom it names, without a sequence', async () => {
    const event = await open(stored)
    if (event === null) throw new Error('it is an event of ours')
    expect(auditlog.apply(event)).toEqual([
      {
        op: 'insert',
        table: 'auditlog',
        row: {
          id: ID,
          user_id: USER,
          sequence: null,
          position: 77n,
          code: 'audit:exported',
          message: 'Audit log exported by an auditor',
          outcome: 'success',
          occurred_at: AT,
          ip: null,
          country: null,
          region: null,
          city: null,
          device_type: null,
          browser_name: null,
          browser_version: null,
          os_name: null,
          os_version: null,
          user_agent: null,
          session_id: null,
          session_hash: null,
          about_session_id: null,
          actor: `{"kind":"operator","id":"${TOKEN}"}`,
          data: '{"filter":{"user":"0a000000-0000-4000-8000-000000000003","ip":"given"},"format":"csv","schema":"native"}',
        },
      },
    ])
  })

  it.each([
    ['of a type that is not known', { ...stored, type: 'audit:dreamt' }],
    ['with an IP address in it', { ...stored, data: { ...stored.data, filter: { ip: '192.0.2.1' } } }],
    ['with a field too many', { ...stored, data: { ...stored.data, more: 1 } }],
  ])('%s stops the audit log', async (_, event) => {
    await expect(async () => open(event)).rejects.toThrow(/event 0a000000-0000-4000-8000-000000000001/)
  })
})
