/** From rows of the read models to what the contract calls Session and AuditEvent. */
import type { AuditEventRow } from '../../queries/audit-events.ts'
import type { ListedSession } from '../../queries/sessions.ts'
import type { AuditEventBody, SessionBody } from './schemas.ts'

interface Place {
  readonly country: string | null
  readonly region: string | null
  readonly city: string | null
}

const locationOf = ({ country, region, city }: Place) => (country === null ? null : { country, region, city })

export const sessionView = (
  row: ListedSession,
  { lastAccessedAt, currentId }: { readonly lastAccessedAt: number; readonly currentId: string },
): SessionBody => ({
  id: row.id,
  hash: row.hash,
  status: row.ended_at === null ? 'active' : 'ended',
  endedReason: row.ended_reason as SessionBody['endedReason'],
  device: { type: row.device_type as SessionBody['device']['type'] },
  browser: { name: row.browser_name, version: row.browser_version },
  os: { name: row.os_name, version: row.os_version },
  ip: row.ip,
  location: locationOf(row),
  signedInAt: row.signed_in_at.toISOString(),
  lastAccessedAt: new Date(lastAccessedAt).toISOString(),
  endedAt: row.ended_at?.toISOString() ?? null,
  current: row.id === currentId,
})

export const auditEventView = (row: AuditEventRow): AuditEventBody => ({
  id: row.id,
  sequence: row.sequence === null ? null : Number(row.sequence),
  code: row.code,
  message: row.message,
  outcome: row.outcome as AuditEventBody['outcome'],
  occurredAt: row.occurred_at.toISOString(),
  ip: row.ip,
  location: locationOf(row),
  device: row.device_type === null ? null : { type: row.device_type as SessionBody['device']['type'] },
  browser: row.device_type === null ? null : { name: row.browser_name, version: row.browser_version },
  os: row.device_type === null ? null : { name: row.os_name, version: row.os_version },
  userAgent: row.user_agent,
  sessionHash: row.session_hash,
  sessionId: row.session_id,
  fingerprint: null,
  actor: JSON.parse(row.actor),
  data: JSON.parse(row.data),
})
