import {
  type ExpectedRevision,
  InvalidAppend,
  type JsonObject,
  type JsonValue,
  type NewEvent,
  type NonEmpty,
} from './port.ts'

/** Data and metadata as the JSON text that is stored. */
export interface EncodedEvent {
  readonly id: string
  readonly type: string
  readonly data: string
  readonly metadata: string
}

export interface EncodedAppend {
  readonly stream: string
  /** Revision the first event gets if the expectation holds. */
  readonly firstRevision: bigint
  readonly events: NonEmpty<EncodedEvent>
  /** Size as EventStoreDB counts it: bytes of data and metadata, two per character of the type. */
  readonly bytes: number
}

/** EventStoreDB's default limit of one append. */
export const MAX_APPEND_BYTES = 1_048_576

/** PostgreSQL's bigint and EventStoreDB's event number. */
export const MAX_REVISION = 2n ** 63n - 1n

const MAX_NAME_LENGTH = 256

/** Far beyond any event of ours, far below where JSON.stringify or a reader's parser runs out of stack. */
const MAX_DEPTH = 64

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * Refuses an append that could never be stored, or that would come back as something else than was put in, before it
 * reaches a store or joins a batch where it would spoil its neighbours. Throws InvalidAppend, which says what is wrong
 * and where, and never repeats a value: it may be a secret.
 */
export function encodeAppend(stream: string, events: NonEmpty<NewEvent>, expected: ExpectedRevision): EncodedAppend {
  checkName('the stream', stream)
  if (events.length === 0) throw new InvalidAppend('an append needs at least one event')
  if (expected !== 'none' && (expected < 0n || expected > MAX_REVISION - BigInt(events.length))) {
    throw new InvalidAppend(`${expected} is no revision to append ${events.length} events at`)
  }
  const firstRevision = expected === 'none' ? 0n : expected + 1n
  const [first, ...rest] = events
  const encoded: NonEmpty<EncodedEvent> = [encodeEvent(first, 0), ...rest.map((event, i) => encodeEvent(event, i + 1))]
  checkIds(encoded)
  const bytes = encoded.reduce((sum, event) => sum + sizeOf(event), 0)
  if (bytes > MAX_APPEND_BYTES) {
    throw new InvalidAppend(`an append holds at most ${MAX_APPEND_BYTES} bytes, this one has ${bytes}`)
  }
  return { stream, firstRevision, events: encoded, bytes }
}

function encodeEvent(event: NewEvent, index: number): EncodedEvent {
  const where = `events[${index}]`
  // One spelling per id, or a retry in other letters would be a new event.
  if (!UUID.test(event.id)) throw new InvalidAppend(`${where}.id is not a UUID in lower case`)
  checkName(`${where}.type`, event.type)
  return {
    id: event.id,
    type: event.type,
    data: encodeObject(event.data, `${where}.data`),
    metadata: encodeObject(event.metadata, `${where}.metadata`),
  }
}

function encodeObject(value: JsonObject, where: string): string {
  if (!isPlainObject(value)) throw new InvalidAppend(`${where} is not an object`)
  checkValue(value, where, 1)
  return JSON.stringify(value)
}

/** Names beginning with $ are EventStoreDB's own. */
function checkName(what: string, name: string): void {
  if (typeof name !== 'string' || name === '') throw new InvalidAppend(`${what} has no name`)
  if (name.length > MAX_NAME_LENGTH) throw new InvalidAppend(`${what} has a name beyond ${MAX_NAME_LENGTH} characters`)
  if (name.startsWith('$')) throw new InvalidAppend(`${what} has a name that begins with $`)
  checkText(name, what)
}

function checkIds(events: readonly EncodedEvent[]): void {
  const seen = new Set<string>()
  for (const [index, { id }] of events.entries()) {
    if (seen.has(id)) throw new InvalidAppend(`events[${index}].id is there twice`)
    seen.add(id)
  }
}

function checkValue(value: JsonValue | undefined, where: string, depth: number): void {
  if (depth > MAX_DEPTH) throw new InvalidAppend(`${where} is nested deeper than ${MAX_DEPTH}`)
  if (value === null || typeof value === 'boolean') return
  if (typeof value === 'string') checkText(value, where)
  else if (typeof value === 'number') checkNumber(value, where)
  else if (Array.isArray(value)) checkArray(value, where, depth)
  else if (isPlainObject(value)) checkObject(value, where, depth)
  else throw new InvalidAppend(`${where} is no JSON value`)
}

function checkArray(array: readonly (JsonValue | undefined)[], where: string, depth: number): void {
  // By index, so that the holes of a sparse array are seen, which JSON would turn into null.
  for (let i = 0; i < array.length; i++) checkValue(array[i], `${where}[${i}]`, depth + 1)
}

function checkObject(object: Record<string, JsonValue | undefined>, where: string, depth: number): void {
  for (const [key, item] of Object.entries(object)) {
    checkText(key, `a key of ${where}`)
    checkValue(item, `${where}.${key}`, depth + 1)
  }
}

/** PostgreSQL's text holds no U+0000, and UTF-8 no lone surrogate. */
function checkText(text: string, where: string): void {
  if (text.includes('\0')) throw new InvalidAppend(`${where} holds U+0000`)
  if (LONE_SURROGATE.test(text)) throw new InvalidAppend(`${where} holds a lone surrogate`)
}

const LONE_SURROGATE = /\p{Surrogate}/u

/** Every consumer, in whatever language, must read the number that was written: larger integers travel as strings. */
function checkNumber(number: number, where: string): void {
  if (!Number.isFinite(number)) throw new InvalidAppend(`${where} is not finite`)
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) {
    throw new InvalidAppend(`${where} is an integer beyond 2^53: it must travel as a string`)
  }
}

/** Not a Date, a Map or a class, which JSON would turn into something else. */
function isPlainObject(value: unknown): value is Record<string, JsonValue | undefined> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function sizeOf(event: EncodedEvent): number {
  return Buffer.byteLength(event.data) + Buffer.byteLength(event.metadata) + 2 * event.type.length
}
