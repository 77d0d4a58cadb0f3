/** Requests as an OpenAPI document describes them, and as it does not. */
import fc from 'fast-check'

export interface JsonSchema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header' | 'cookie'
  readonly required?: boolean
  readonly schema: JsonSchema
}

export interface Operation {
  readonly method: string
  readonly path: string
  readonly parameters: readonly Parameter[]
  readonly body: JsonSchema | null
  /** Names of the ways to authenticate; none: anybody may call it. */
  readonly security: readonly string[]
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>
}

interface DescribedOperation {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
  readonly security?: readonly Readonly<Record<string, unknown>>[]
}

export const operationsOf = ({ paths }: Document): readonly Operation[] =>
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      parameters: operation.parameters ?? [],
      body: operation.requestBody?.content['application/json']?.schema ?? null,
      security: (operation.security ?? []).flatMap((way) => Object.keys(way)),
    })),
  )

export interface FuzzedRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** `known`: texts that mean something to the server (ids, addresses, passwords), tried wherever a text is asked for. */
export const requestFor = (operation: Operation, known: readonly string[]): fc.Arbitrary<FuzzedRequest> => {
  const { parameters, body } = operation
  const given = (where: Parameter['in']) => parameters.filter((parameter) => parameter.in === where)
  return fc
    .record({
      path: valuesFor(given('path'), known, true),
      query: valuesFor(given('query'), known, false),
      header: valuesFor(given('header'), known, false),
      body: body === null ? fc.constant(undefined) : spoilt(valueFor(body, known)),
    })
    .map((parts) => ({
      path:
        operation.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(parts.path[name] ?? 'x') || 'x') +
        queryOf(parts.query),
      headers: Object.fromEntries(Object.entries(parts.header).map(([name, value]) => [name, headerSafe(value)])),
      body: parts.body,
    }))
}

const queryOf = (query: Readonly<Record<string, string>>): string => {
  const text = new URLSearchParams(query).toString()
  return text === '' ? '' : `?${text}`
}

/** What `fetch` lets through: anything else never leaves the client. */
const headerSafe = (text: string): string => text.replace(/[^\x20-\x7e\xa0-\xff]/g, '').trim()

const valuesFor = (parameters: readonly Parameter[], known: readonly string[], always: boolean) =>
  fc
    .tuple(
      ...parameters.map(({ name, schema }) =>
        fc
          .oneof(
            { weight: always ? 0 : 2, arbitrary: fc.constant(null) },
            { weight: 3, arbitrary: valueFor(schema, known) },
            { weight: 1, arbitrary: text(known) },
          )
          .map((value) => [name, value] as const),
      ),
    )
    .map((pairs) =>
      Object.fromEntries(
        pairs
          .filter(([, value]) => value !== null && value !== undefined)
          .map(([name, value]) => [name, toWellFormed(String(value))]),
      ),
    )

const toWellFormed = (value: string): string => value.replace(/\p{Surrogate}/gu, '')

/** Now and then something else than was asked for: a field less, a field more, another kind of value. */
const spoilt = (right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 6, arbitrary: right },
    {
      weight: 1,
      arbitrary: fc
        .tuple(right, fc.string(), fc.jsonValue())
        .map(([value, name, extra]) => (isObject(value) ? { ...value, [name]: extra } : value)),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(right, fc.nat(), fc.jsonValue()).map(([value, at, other]) => {
        if (!isObject(value)) return other
        const names = Object.keys(value)
        const name = names[at % Math.max(1, names.length)]
        return name === undefined ? value : { ...value, [name]: other }
      }),
    },
    { weight: 1, arbitrary: fc.jsonValue() },
  )

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Values of the schema, as far as it is understood here; the server is to judge them anyway. */
export const valueFor = (schema: JsonSchema, known: readonly string[]): fc.Arbitrary<unknown> => {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  const alternatives = schema.anyOf ?? schema.oneOf
  if (alternatives !== undefined) return fc.oneof(...alternatives.map((each) => valueFor(each, known)))
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? ['string'])
  return fc.oneof(...types.map((type) => valueOfType(type, schema, known)))
}

const valueOfType = (type: string, schema: JsonSchema, known: readonly string[]): fc.Arbitrary<unknown> => {
  switch (type) {
    case 'object':
      return objectFor(schema, known)
    case 'array':
      return fc.array(valueFor(schema.items ?? {}, known), { maxLength: 3 })
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -1_000, max: schema.maximum ?? 1_000 })
    case 'number':
      return fc.double()
    case 'null':
      return fc.constant(null)
    default:
      return text(known, schema)
  }
}

const objectFor = ({ properties = {}, required = [] }: JsonSchema, known: readonly string[]): fc.Arbitrary<unknown> =>
  fc.record(Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, valueFor(each, known)])), {
    requiredKeys: [...required],
    noNullPrototype: true,
  })

const text = (known: readonly string[], { format }: JsonSchema = {}): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 300 }) },
    { weight: format === 'uuid' ? 4 : 0, arbitrary: fc.uuid() },
    { weight: format === 'email' ? 2 : 0, arbitrary: fc.emailAddress() },
    {
      weight: format === 'date-time' ? 4 : 0,
      arbitrary: fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    },
  )
