/** What was true at a moment of the past, folded by the functions that make the present. */
import { auditlog } from '../../projections/auditlog.ts'
import { sessions } from '../../projections/sessions.ts'
import type { ProjectedEvent } from '../account/events.ts'
import { type AccountState, evolve, initialState } from '../account/state.ts'
import { readAccountEvent } from '../account/upcast.ts'
import { streamOf } from '../accounts/accounts.ts'
import type { EventStore, RecordedEvent } from '../event-store/port.ts'
import type { Projection } from '../projector/row-operation.ts'
import type { AuditEventRow } from '../queries/audit-events.ts'
import type { ListedSession } from '../queries/sessions.ts'
import { openMemoryTables, queriedRow } from './memory-tables.ts'
import { lengthAt, type Moment } from './moment.ts'
import type { OpenEvent } from './open-for-analysts.ts'

type Store = Pick<EventStore, 'read'>

/**
 * The rows of the sessions' read model at that moment, null: at present. Answers null where there never was such a user.
 * Throws StoreUnavailable, DecodeError, UnreadableEvent, CannotOpen.
 */
export const sessionsAsOf = async (
  store: Store,
  open: OpenEvent,
  userId: string,
  moment: Moment | null,
): Promise<readonly ListedSession[] | null> =>
  // The tables are the ones the query reads, and MemoryTables gives their values as it does.
  (await rowsAsOf(store, open, userId, moment, sessions)) as readonly ListedSession[] | null

/** The rows of the audit log at that moment, oldest first; else as `sessionsAsOf`. */
export const auditEventsAsOf = async (
  store: Store,
  open: OpenEvent,
  userId: string,
  moment: Moment | null,
): Promise<readonly AuditEventRow[] | null> =>
  (await rowsAsOf(store, open, userId, moment, auditlog)) as readonly AuditEventRow[] | null

/** The account's state at that moment; else as `sessionsAsOf`. Boxes stay closed in it. */
export const accountAsOf = async (
  store: Store,
  userId: string,
  moment: Moment | null,
): Promise<AccountState | null> => {
  const events = await eventsUpTo(store, userId, moment)
  if (events === null) return null
  let state = initialState
  for await (const stored of events) state = evolve(state, readAccountEvent(stored))
  return state
}

/** What the event puts into the audit log: the row its owner will see, before any projector has handled it. */
export const auditRowOf = (event: ProjectedEvent): AuditEventRow => {
  const [table] = auditlog.tables
  for (const operation of auditlog.apply(event)) {
    if (operation.op === 'insert' && table !== undefined) {
      return queriedRow(table, operation.row) as unknown as AuditEventRow
    }
  }
  throw new Error(`an event of type ${event.type} has no line in the audit log`)
}

/** What the event does to sessions, by the projection of sessions. */
export interface SessionChanges {
  readonly started: readonly ListedSession[]
  readonly ended: readonly SessionEnd[]
}

export interface SessionEnd {
  readonly id: string
  readonly reason: string
  readonly at: Date
}

export const sessionChangesOf = (event: ProjectedEvent): SessionChanges => {
  const [table] = sessions.tables
  const started: ListedSession[] = []
  const ended: SessionEnd[] = []
  for (const operation of sessions.apply(event)) {
    if (operation.op === 'insert' && table !== undefined) {
      started.push(queriedRow(table, operation.row) as unknown as ListedSession)
    }
    const reason = operation.op === 'update' && 'key' in operation ? operation.set.ended_reason : null
    if (operation.op === 'update' && 'key' in operation && typeof reason === 'string') {
      ended.push({ id: String(operation.key.id), reason, at: new Date(event.metadata.occurredAt) })
    }
  }
  return { started, ended }
}

const rowsAsOf = async (
  store: Store,
  open: OpenEvent,
  userId: string,
  moment: Moment | null,
  projection: Projection<ProjectedEvent>,
): Promise<readonly unknown[] | null> => {
  const events = await eventsUpTo(store, userId, moment)
  if (events === null) return null
  const tables = openMemoryTables(projection)
  for await (const stored of events) {
    const event = await open(stored)
    if (event !== null) tables.apply(event)
  }
  return tables.rows(projection.name)
}

const eventsUpTo = async (
  store: Store,
  userId: string,
  moment: Moment | null,
): Promise<AsyncIterable<RecordedEvent> | null> => {
  const stream = streamOf(userId)
  const length = await lengthAt(store, stream, moment)
  return length === null ? null : store.read(stream, { limit: Number(length) })
}
