/** Generators for property tests: any event the catalogue allows, and accounts lived at random. */
import fc from 'fast-check'
import type { z } from 'zod'
import { z as zod } from 'zod'
import {
  type AccountEvent,
  type Box,
  currentSchema,
  currentVersion,
  type EventType,
  eventTypes,
} from '../../src/account/events.ts'
import { commandId, eventId, iso, minutes, START, sessionId } from './given.ts'

interface JsonSchema {
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly minItems?: number
}

/** Few sessions and few commands, so that events meet. */
const someSession = fc.nat(5).map(sessionId)
const someInstant = fc.integer({ min: -minutes(90), max: minutes(90) }).map((offset) => iso(START + offset))

/** Any open data that the schema lets through. Throws where a schema uses something it does not know. */
export const dataFor = (schema: z.ZodObject): fc.Arbitrary<unknown> => {
  const described = zod.toJSONSchema(schema) as JsonSchema
  return fromJsonSchema(described).filter((data) => schema.safeParse(data).success)
}

const fromJsonSchema = (schema: JsonSchema): fc.Arbitrary<unknown> => {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(fromJsonSchema))
  switch (schema.type) {
    case 'null':
      return fc.constant(null)
    case 'integer':
      return fc.integer({ min: 0, max: 12 })
    case 'object':
      return fc.record(mapValues(schema.properties ?? {}, fromJsonSchema))
    case 'array':
      return fc.array(fromJsonSchema(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 3 })
    case 'string':
      if (schema.format === 'uuid') return someSession
      if (schema.format === 'date-time') return someInstant
      return fc.constantFrom('name', 'phone', 'timeZone')
    default:
      throw new Error(`no values are known for ${JSON.stringify(schema)}`)
  }
}

const mapValues = <A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]))

const boxes = fc.option(fc.constantFrom('a box', 'another box', 'erased')) as fc.Arbitrary<Box | 'erased' | null>

const idempotency = fc.record({
  bodyHash: fc.constantFrom('one body', 'another body'),
  status: fc.constantFrom(200, 204),
  body: fc.constant(null),
  secret: fc.boolean(),
})

export const anyEventOf = (type: EventType): fc.Arbitrary<AccountEvent> =>
  fc
    .record({
      n: fc.nat(400),
      data: dataFor(currentSchema(type)),
      occurredAt: someInstant,
      personal: boxes,
      credential: boxes,
      command: fc.nat(300),
      idempotency: fc.option(idempotency, { nil: undefined }),
    })
    .map(({ n, data, occurredAt, personal, credential, command, idempotency: kept }) => ({
      id: eventId(n),
      type,
      revision: BigInt(n),
      data,
      metadata: {
        schemaVersion: currentVersion(type),
        commandId: commandId(command),
        correlationId: commandId(command),
        causationId: null,
        occurredAt,
        actor: { kind: 'user', id: null },
        sessionId: null,
        sessionHash: null,
        client: null,
        ...(kept === undefined ? {} : { idempotency: kept }),
      },
      personal,
      credential,
    })) as fc.Arbitrary<AccountEvent>

export const anyEvent: fc.Arbitrary<AccountEvent> = fc.oneof(...eventTypes.map(anyEventOf))

/** So that whatever writes to what it was given is found out. */
export const deepFreeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) deepFreeze(part)
  }
  return value
}
