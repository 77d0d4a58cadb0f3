/** Read model: one row per session, live or ended. */
import type { EndedReason, EventType, ProjectedEvent } from '../src/account/events.ts'
import type { Projection, RowOperation } from '../src/projector/row-operation.ts'

export const sessions: Projection<ProjectedEvent> = {
  name: 'sessions',
  version: 1,
  tables: [
    {
      name: 'sessions',
      columns: {
        id: { type: 'uuid' },
        user_id: { type: 'uuid' },
        hash: { type: 'text' },
        ended_reason: { type: 'text', nullable: true },
        ended_at: { type: 'timestamptz', nullable: true },
        ended_position: { type: 'bigint', nullable: true },
        device_type: { type: 'text' },
        browser_name: { type: 'text', nullable: true },
        browser_version: { type: 'text', nullable: true },
        os_name: { type: 'text', nullable: true },
        os_version: { type: 'text', nullable: true },
        user_agent: { type: 'text', nullable: true, personal: true },
        ip: { type: 'text', nullable: true, personal: true },
        country: { type: 'text', nullable: true },
        region: { type: 'text', nullable: true, personal: true },
        city: { type: 'text', nullable: true, personal: true },
        signed_in_at: { type: 'timestamptz' },
      },
      primaryKey: ['id'],
      indexes: ['(user_id, ended_position desc)', '(hash)'],
    },
  ],
  handles: [
    'user:logged_in',
    'user:logged_out',
    'user.session:revoked',
    'user.session:ended',
    'user.session:expired',
    'user:erased',
  ] satisfies EventType[],
  apply(event) {
    switch (event.type) {
      case 'user:logged_in':
        return [begin(event)]
      case 'user:logged_out':
        return [end(event, event.data.sessionId, 'logged_out')]
      case 'user.session:revoked':
        return [end(event, event.data.sessionId, 'revoked')]
      case 'user.session:ended':
        return [end(event, event.data.sessionId, event.data.reason)]
      case 'user.session:expired':
        return [end(event, event.data.sessionId, 'expired')]
      case 'user:erased':
        return [{ op: 'delete', table: 'sessions', where: { user_id: event.userId } }]
      default:
        return []
    }
  },
}

const begin = (event: ProjectedEvent<'user:logged_in'>): RowOperation => {
  const { client, occurredAt, sessionHash } = event.metadata
  const personal = event.personal === 'erased' ? null : event.personal
  return {
    op: 'insert',
    table: 'sessions',
    row: {
      id: event.data.sessionId,
      user_id: event.userId,
      hash: sessionHash ?? '',
      ended_reason: null,
      ended_at: null,
      ended_position: null,
      device_type: client?.deviceType ?? 'other',
      browser_name: client?.browser.name ?? null,
      browser_version: client?.browser.version ?? null,
      os_name: client?.os.name ?? null,
      os_version: client?.os.version ?? null,
      user_agent: personal?.userAgent ?? null,
      ip: personal?.ip ?? null,
      country: client?.country ?? null,
      region: personal?.region ?? null,
      city: personal?.city ?? null,
      signed_in_at: occurredAt,
    },
  }
}

const end = (event: ProjectedEvent, sessionId: string, reason: EndedReason): RowOperation => ({
  op: 'update',
  table: 'sessions',
  key: { id: sessionId },
  set: { ended_reason: reason, ended_at: event.metadata.occurredAt, ended_position: event.position },
})
