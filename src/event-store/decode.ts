import { DecodeError, type JsonObject, type Position, type RecordedEvent } from './port.ts'

/** An event as a store keeps it: data and metadata are text that should be a JSON object. */
export interface StoredEvent {
  readonly stream: string
  readonly revision: bigint
  readonly position: Position
  readonly id: string
  readonly type: string
  readonly data: string
  readonly metadata: string
  readonly recordedAt: Date
}

/** Throws DecodeError where data or metadata is not a JSON object. */
export function decodeEvent(stored: StoredEvent): RecordedEvent {
  return { ...stored, data: decodeObject(stored.data, stored), metadata: decodeObject(stored.metadata, stored) }
}

/** Events in their order, up to one that cannot be decoded. */
export interface Decoded {
  readonly events: readonly RecordedEvent[]
  /** Of the event after these. */
  readonly failure?: DecodeError
}

/** Throws nothing: those before the first that cannot be decoded are not lost by it. */
export function decodeEvents(stored: readonly StoredEvent[]): Decoded {
  const events: RecordedEvent[] = []
  try {
    for (const event of stored) events.push(decodeEvent(event))
  } catch (failure) {
    if (failure instanceof DecodeError) return { events, failure }
    throw failure
  }
  return { events }
}

function decodeObject(text: string, { position, type }: StoredEvent): JsonObject {
  const value = parse(text, position, type)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new DecodeError(position, type)
  return value as JsonObject
}

function parse(text: string, position: Position, type: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the text, which may be personal: it must not reach a log.
    throw new DecodeError(position, type)
  }
}
