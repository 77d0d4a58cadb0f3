/** Read model: one row per event of every account, as its owner and the auditors see it. */
import { catalogue, type ProjectedEvent } from '../src/account/events.ts'
import type { Projection } from '../src/projector/row-operation.ts'

export const auditlog: Projection<ProjectedEvent> = {
  name: 'auditlog',
  version: 1,
  tables: [
    {
      name: 'auditlog',
      columns: {
        id: { type: 'uuid' },
        user_id: { type: 'uuid' },
        sequence: { type: 'bigint' },
        position: { type: 'bigint' },
        code: { type: 'text' },
        message: { type: 'text' },
        outcome: { type: 'text' },
        occurred_at: { type: 'timestamptz' },
        ip: { type: 'text', nullable: true },
        country: { type: 'text', nullable: true },
        region: { type: 'text', nullable: true },
        city: { type: 'text', nullable: true },
        device_type: { type: 'text', nullable: true },
        browser_name: { type: 'text', nullable: true },
        browser_version: { type: 'text', nullable: true },
        os_name: { type: 'text', nullable: true },
        os_version: { type: 'text', nullable: true },
        user_agent: { type: 'text', nullable: true },
        session_id: { type: 'uuid', nullable: true },
        session_hash: { type: 'text', nullable: true },
        /** The session that the event is about, where another one (or none) caused it. */
        about_session_id: { type: 'uuid', nullable: true },
        actor: { type: 'text' },
        data: { type: 'text' },
      },
      primaryKey: ['id'],
      indexes: ['(user_id, position desc)'],
    },
  ],
  apply(event) {
    const { message, outcome } = catalogue[event.type]
    const { actor, client, occurredAt, sessionHash, sessionId } = event.metadata
    const personal = event.personal === 'erased' ? null : event.personal
    return [
      {
        op: 'insert',
        table: 'auditlog',
        row: {
          id: event.id,
          user_id: event.userId,
          sequence: event.revision + 1n,
          position: event.position,
          code: event.type,
          message,
          outcome,
          occurred_at: occurredAt,
          ip: personal?.ip ?? null,
          country: client?.country ?? null,
          region: personal?.region ?? null,
          city: personal?.city ?? null,
          device_type: client?.deviceType ?? null,
          browser_name: client?.browser.name ?? null,
          browser_version: client?.browser.version ?? null,
          os_name: client?.os.name ?? null,
          os_version: client?.os.version ?? null,
          user_agent: personal?.userAgent ?? null,
          session_id: sessionId,
          session_hash: sessionHash,
          about_session_id: aboutSession(event),
          actor: JSON.stringify(actor),
          data: JSON.stringify(event.data),
        },
      },
    ]
  },
}

const aboutSession = (event: ProjectedEvent): string | null => {
  const about = 'sessionId' in event.data ? event.data.sessionId : null
  return about === event.metadata.sessionId ? null : about
}
