/**
 * From what is stored to what the code of today understands: raw JSON of version n becomes version n+1, step by step,
 * then is validated once against the current schema. An unknown type or a version from the future is not guessed at.
 */
import {
  type AccountEvent,
  type Box,
  currentSchema,
  currentVersion,
  type EventMetadata,
  type EventType,
  isEventType,
  isPlainData,
  metadataSchema,
} from './events.ts'
import { plainly } from './plainly.ts'

/** One step, from the version it is filed under to the next. */
export type Upcaster = (data: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>
export type Upcasters = Readonly<Partial<Record<EventType, Readonly<Record<number, Upcaster>>>>>

/** Upcasters by type and by the version they start from. Once here, a step stays for ever: the log is for ever. */
export const upcasters: Upcasters = {
  'user:logged_in': {
    // Before there was a second factor: no challenge, no code, and nobody looked whether the device was known.
    1: (data) => ({ ...data, challengeId: null, step: null, unfamiliar: [] }),
  },
}

export interface StoredEvent {
  readonly id: string
  readonly type: string
  readonly revision: bigint
  readonly data: unknown
  readonly metadata: unknown
}

/** An event that this version of the code cannot read: newer than the code, or damaged. */
export class UnreadableEvent extends Error {
  override readonly name = 'UnreadableEvent'
  readonly reason: 'unknown-type' | 'unknown-version' | 'invalid'
  constructor(reason: 'unknown-type' | 'unknown-version' | 'invalid', message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

/** How the envelope lies in the store: our metadata, and beside it the boxes and what commits to them. */
interface StoredEnvelope extends Readonly<Record<string, unknown>> {
  readonly boxes?: { readonly personal?: unknown; readonly credential?: unknown }
}

/** Throws UnreadableEvent. */
export const readAccountEvent = (stored: StoredEvent, steps: Upcasters = upcasters): AccountEvent => {
  const { id, type, revision } = stored
  if (!isEventType(type)) throw new UnreadableEvent('unknown-type', `event ${id} has the unknown type ${type}`)
  const envelope = (stored.metadata ?? {}) as StoredEnvelope
  const metadata = metadataOf(stored, withoutBoxes(envelope))
  const data = upcast(stored, type, metadata, steps)
  const personal = boxOf(envelope.boxes?.personal)
  const credential = boxOf(envelope.boxes?.credential)
  return { id, type, revision, data, metadata, personal, credential } as AccountEvent
}

/** Without `boxes` and `commit`. By name, as far as names are known: of a million events a rest of everything is felt. */
const withoutBoxes = (envelope: StoredEnvelope): unknown => {
  const { schemaVersion, commandId, correlationId, causationId, occurredAt, actor, sessionId, sessionHash, client } =
    envelope
  const known = {
    schemaVersion,
    commandId,
    correlationId,
    causationId,
    occurredAt,
    actor,
    sessionId,
    sessionHash,
    client,
  }
  const keys = Object.keys(envelope).length
  const beside = Number('boxes' in envelope) + Number('commit' in envelope)
  if (keys === KNOWN_KEYS + beside) return known
  const { boxes: _, commit: __, ...rest } = envelope
  return rest
}

const KNOWN_KEYS = 9

const isPlainMetadata = plainly(metadataSchema)

const metadataOf = (stored: StoredEvent, raw: unknown): EventMetadata => {
  if (isPlainMetadata(raw)) return raw as EventMetadata
  const metadata = metadataSchema.safeParse(raw)
  if (!metadata.success) throw invalid(stored, 'metadata', metadata.error)
  return metadata.data
}

const upcast = (stored: StoredEvent, type: EventType, metadata: EventMetadata, steps: Upcasters): unknown => {
  const current = currentVersion(type)
  let raw = stored.data as Readonly<Record<string, unknown>>
  if (metadata.schemaVersion > current) {
    throw new UnreadableEvent(
      'unknown-version',
      `event ${stored.id} of type ${type} has version ${metadata.schemaVersion}; this program knows up to ${current}`,
    )
  }
  for (let version = metadata.schemaVersion; version < current; version++) {
    const step = steps[type]?.[version]
    if (step === undefined) {
      throw new UnreadableEvent('unknown-version', `event type ${type} has no upcaster from version ${version}`)
    }
    raw = step(raw)
  }
  if (isPlainData(type, raw)) return raw
  const data = currentSchema(type).safeParse(raw)
  if (!data.success) throw invalid(stored, 'data', data.error)
  return data.data
}

const invalid = (stored: StoredEvent, part: string, cause: unknown): UnreadableEvent =>
  new UnreadableEvent('invalid', `event ${stored.id} of type ${stored.type} has invalid ${part}`, cause)

const boxOf = (box: unknown): Box | null => (typeof box === 'string' ? (box as Box) : null)
