/**
 * Read model: one row per event of every account, and per access of an auditor, as owners and auditors see it.
 * Version 2: an erasure blanks the person behind the rows that are there already.
 * Version 3: accesses of auditors, under the person whom they name, and without a sequence: that is the account's own.
 */
import { accessCatalogue, type ProjectedAccess } from '../src/account/access-events.ts'
import { catalogue, type ProjectedEvent } from '../src/account/events.ts'
import type { Projection, RowOperation } from '../src/projector/row-operation.ts'

export const auditlog: Projection<ProjectedEvent | ProjectedAccess> = {
  name: 'auditlog',
  version: 3,
  tables: [
    {
      name: 'auditlog',
      columns: {
        id: { type: 'uuid' },
        /** Of an access: whom it names. */
        user_id: { type: 'uuid', nullable: true },
        /** Revision + 1 in the account's stream; an access is of another stream and has none. */
        sequence: { type: 'bigint', nullable: true },
        position: { type: 'bigint' },
        code: { type: 'text' },
        message: { type: 'text' },
        outcome: { type: 'text' },
        occurred_at: { type: 'timestamptz' },
        ip: { type: 'text', nullable: true, personal: true },
        country: { type: 'text', nullable: true },
        region: { type: 'text', nullable: true, personal: true },
        city: { type: 'text', nullable: true, personal: true },
        device_type: { type: 'text', nullable: true },
        browser_name: { type: 'text', nullable: true },
        browser_version: { type: 'text', nullable: true },
        os_name: { type: 'text', nullable: true },
        os_version: { type: 'text', nullable: true },
        user_agent: { type: 'text', nullable: true, personal: true },
        session_id: { type: 'uuid', nullable: true },
        session_hash: { type: 'text', nullable: true },
        /** The session that the event is about, where another one (or none) caused it. */
        about_session_id: { type: 'uuid', nullable: true },
        actor: { type: 'text' },
        data: { type: 'text' },
      },
      primaryKey: ['id'],
      indexes: ['(user_id, position desc)', '(position)'],
    },
  ],
  apply(event) {
    if ('kind' in event) return [accessRow(event)]
    const { message, outcome } = catalogue[event.type]
    const { actor, client, occurredAt, sessionHash, sessionId } = event.metadata
    const personal = event.personal === 'erased' ? null : event.personal
    return [
      ...(event.type === 'user:erased' ? [blank(event.userId)] : []),
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

const accessRow = ({ id, type, position, data, metadata }: ProjectedAccess): RowOperation => {
  const { userId, ...told } = data
  const { message, outcome } = accessCatalogue[type]
  return {
    op: 'insert',
    table: 'auditlog',
    row: {
      id,
      user_id: userId,
      sequence: null,
      position,
      code: type,
      message,
      outcome,
      occurred_at: metadata.occurredAt,
      ...unknownClient,
      session_id: null,
      session_hash: null,
      about_session_id: null,
      actor: JSON.stringify(metadata.actor),
      data: JSON.stringify(told),
    },
  }
}

/** From where an auditor looked is the auditor's own personal data, and not kept. */
const unknownClient = {
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
}

/** What happened stays, and so do country and kind of device under an id that leads to nobody any more. */
const blank = (userId: string): RowOperation => ({
  op: 'update',
  table: 'auditlog',
  where: { user_id: userId },
  set: { ip: null, region: null, city: null, user_agent: null },
})

const aboutSession = (event: ProjectedEvent): string | null => {
  const about = 'sessionId' in event.data ? event.data.sessionId : null
  return about === event.metadata.sessionId ? null : about
}
