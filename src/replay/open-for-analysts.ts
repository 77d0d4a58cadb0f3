/**
 * An event as analysts are given it. There is no credential in it, and no remembered answer of a command. The personal
 * box is only opened for who may see what is in it.
 */
import type { EventMetadata, Personal, ProjectedEvent } from '../account/events.ts'
import { readAccountEvent } from '../account/upcast.ts'
import { userOf } from '../accounts/accounts.ts'
import type { JsonObject, RecordedEvent } from '../event-store/port.ts'
import { openEvent } from '../projector/open-events.ts'
import type { Vault } from '../secrets/vault.ts'

export interface AnalystEvent {
  /** Decimal digits: a number of JSON would lose some of them. */
  readonly position: string
  readonly id: string
  readonly stream: string
  readonly revision: number
  readonly type: string
  readonly occurredAt: string
  /** In the type's current version. */
  readonly data: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<Record<string, unknown>>
  /** null: not to be seen, not known, or erased. */
  readonly personal: Personal | null
}

/** null: the event belongs to no account. Throws UnreadableEvent, CannotOpen, and what keeps the vault from answering. */
export type OpenEvent = (stored: RecordedEvent) => ProjectedEvent | null | Promise<ProjectedEvent | null>

/**
 * `personal`: whether personal boxes are opened. A closed one looks like none. Ask for many at once: what opening them
 * takes is then fetched at once too.
 */
export const openEvents = (vault: Vault, { personal }: { readonly personal: boolean }): OpenEvent =>
  personal ? openEvent(vault) : closedEvent

const closedEvent = (stored: RecordedEvent): ProjectedEvent | null => {
  const userId = userOf(stored.stream)
  if (userId === null) return null
  const { credential: _, ...event } = readAccountEvent(stored)
  return { ...event, userId, position: stored.position, personal: null } as ProjectedEvent
}

/** Throws as `open` does. */
export const forAnalysts = async (open: OpenEvent, stored: RecordedEvent): Promise<AnalystEvent> => {
  const event = await open(stored)
  const { id, stream, type } = stored
  const place = { position: String(stored.position), id, stream, revision: Number(stored.revision), type }
  if (event === null) return { ...place, ...foreign(stored), personal: null }
  return {
    ...place,
    occurredAt: event.metadata.occurredAt,
    data: event.data,
    metadata: shown(event.metadata),
    personal: typeof event.personal === 'object' ? event.personal : null,
  }
}

type ShownMetadata = Exclude<keyof EventMetadata, 'idempotency'>

/** What is not named here is not shown: boxes, commitments, and whatever may come. */
const shownMetadata = {
  schemaVersion: true,
  commandId: true,
  correlationId: true,
  causationId: true,
  occurredAt: true,
  actor: true,
  sessionId: true,
  sessionHash: true,
  client: true,
} as const satisfies Record<ShownMetadata, true>

const shown = (metadata: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(metadata).filter(([name]) => Object.hasOwn(shownMetadata, name)))

/** Of a stream that is no account's: what is open in it, by our own names. */
const foreign = ({ data, metadata, recordedAt }: RecordedEvent) => ({
  occurredAt: instantOf(metadata) ?? recordedAt.toISOString(),
  data,
  metadata: shown(metadata),
})

const instantOf = ({ occurredAt }: JsonObject): string | null => {
  const at = typeof occurredAt === 'string' ? Date.parse(occurredAt) : Number.NaN
  return Number.isNaN(at) ? null : new Date(at).toISOString()
}
