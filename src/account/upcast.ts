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
  metadataSchema,
} from './events.ts'

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
interface StoredEnvelope {
  readonly boxes?: { readonly personal?: unknown; readonly credential?: unknown }
  readonly commit?: unknown
}

/** Throws UnreadableEvent. */
export const readAccountEvent = (stored: StoredEvent, steps: Upcasters = upcasters): AccountEvent => {
  if (!isEventType(stored.type)) {
    throw new UnreadableEvent('unknown-type', `event ${stored.id} has the unknown type ${stored.type}`)
  }
  const { boxes, commit: _, ...rest } = (stored.metadata ?? {}) as StoredEnvelope & Record<string, unknown>
  const metadata = metadataSchema.safeParse(rest)
  if (!metadata.success) throw invalid(stored, 'metadata', metadata.error)
  const data = upcast(stored, stored.type, metadata.data, steps)
  const event = {
    id: stored.id,
    type: stored.type,
    revision: stored.revision,
    data,
    metadata: metadata.data,
    personal: boxOf(boxes?.personal),
    credential: boxOf(boxes?.credential),
  }
  return event as AccountEvent
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
  const data = currentSchema(type).safeParse(raw)
  if (!data.success) throw invalid(stored, 'data', data.error)
  return data.data
}

const invalid = (stored: StoredEvent, part: string, cause: unknown): UnreadableEvent =>
  new UnreadableEvent('invalid', `event ${stored.id} of type ${stored.type} has invalid ${part}`, cause)

const boxOf = (box: unknown): Box | null => (typeof box === 'string' ? (box as Box) : null)
