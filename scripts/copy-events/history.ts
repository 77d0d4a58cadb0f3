/** A whole history, event by event, and what makes two of them the same. */
import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { EventStore, RecordedEvent } from '../../src/event-store/port.ts'

export type Source = Pick<EventStore, 'subscribe'>

/**
 * Every event of the store in its global order, up to the last one that is there when the reader arrives. An abort is
 * thrown: a history that was cut short must not pass for a whole one.
 */
export async function* historyOf(store: Source, signal: AbortSignal): AsyncGenerator<RecordedEvent> {
  const enough = new AbortController()
  try {
    for await (const message of store.subscribe('start', AbortSignal.any([signal, enough.signal]))) {
      signal.throwIfAborted()
      if (message.kind === 'caughtUp') return
      yield* message.events
    }
  } finally {
    enough.abort()
  }
  signal.throwIfAborted()
  throw new Error('the store was closed while it was read')
}

/** What a copy must keep. Positions, and the time at which a store recorded an event, are each store's own. */
const FIELDS = ['stream', 'revision', 'id', 'type', 'data', 'metadata'] as const

/** The first field in which two events differ. Its values are not told: they may be personal. */
export const differenceOf = (one: RecordedEvent, other: RecordedEvent): string | undefined =>
  FIELDS.find((field) => canonical(one[field]) !== canonical(other[field]))

/** A running SHA-256 over the canonical JSON (RFC 8785) of every event, one a line, in the global order. */
export class Commitment {
  readonly #hash = createHash('sha256')

  add(event: RecordedEvent): void {
    this.#hash.update(`[${FIELDS.map((field) => canonical(event[field])).join(',')}]\n`)
  }

  /** Hexadecimal. Ends it. */
  digest(): string {
    return this.#hash.digest('hex')
  }
}

const canonical = (value: unknown): string => {
  const text = canonicalize(typeof value === 'bigint' ? value.toString() : value)
  if (text === undefined) throw new Error('an event holds what is not JSON')
  return text
}
