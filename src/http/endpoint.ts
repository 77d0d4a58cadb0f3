import type { Readable } from 'node:stream'
import { z } from 'zod'
import { Problem } from './problem.ts'
import type { Problems } from './problem-codes.ts'
import { parseQuery } from './query.ts'
import type { RequestInfo } from './request-info.ts'
import { isPoisonous } from './strict-json.ts'
import { assertStrict, validate } from './validation.ts'

/**
 * How one endpoint is told: everything the server, the validation and the OpenAPI document need to know. `Auth` maps
 * each way of authenticating to what it yields.
 */
export interface Definition<
  Auth extends AuthResults,
  Way extends keyof Auth | 'none',
  Answers extends Responses,
  Body extends z.ZodType,
  Query extends z.ZodObject,
  Params extends z.ZodObject,
  Headers extends z.ZodObject,
> {
  readonly method: Method
  /** OpenAPI style: `/v1/me/sessions/{id}`. */
  readonly path: string
  readonly summary: string
  readonly description?: string
  readonly tag: string
  readonly auth: Way
  /** For ways of authenticating that know scopes. */
  readonly scopes?: readonly string[]
  /** A body that is required unless the schema takes undefined. Objects are z.strictObject throughout. */
  readonly body?: Body
  /** An array is a repeatable parameter. */
  readonly query?: Query
  /** What does not fit is 404: there is nothing at such an address. */
  readonly params?: Params
  /** Keyed by the header's name as it is documented, for example `Idempotency-Key`. */
  readonly headers?: Headers
  readonly responses: Answers
  /** Beyond those that the plumbing itself and the way of authenticating can answer. */
  readonly problems?: Problems
  readonly handler: (
    context: Context<Way extends keyof Auth ? Auth[Way] : undefined, Body, Query, Params, Headers>,
  ) => Promise<Result<Answers>> | Result<Answers>
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Way of authenticating -> what it yields. */
export type AuthResults = Readonly<Record<string, unknown>>

/** What a handler is given: nothing in it has not been checked. */
export interface Context<
  Auth,
  Body extends z.ZodType,
  Query extends z.ZodObject,
  Params extends z.ZodObject,
  Headers extends z.ZodObject,
> {
  readonly auth: Auth
  readonly body: z.output<Body>
  readonly query: z.output<Query>
  readonly params: z.output<Params>
  readonly headers: z.output<Headers>
  readonly request: RequestInfo
}

/** Success status -> what comes with it. */
export type Responses = Readonly<Partial<Record<SuccessStatus, ResponseDefinition>>>

export type SuccessStatus = 200 | 201 | 202 | 204 | 303

export interface ResponseDefinition {
  readonly description: string
  /** Of the JSON body. */
  readonly schema?: z.ZodType
  /** Where the answer is, or can be, something else than JSON. */
  readonly mediaTypes?: readonly string[]
  /** Header name -> what it says. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What a handler returns: one of the declared statuses with a body of its schema, or with ready content. */
export type Result<Answers extends Responses> = {
  [Status in keyof Answers & SuccessStatus]: ResultHead<Status> &
    ({ readonly body: BodyOf<Answers[Status]>; readonly content?: undefined } | ContentResult)
}[keyof Answers & SuccessStatus]

interface ResultHead<Status> {
  readonly status: Status
  readonly headers?: Readonly<Record<string, string>>
  /** `Set-Cookie` values, as hostCookie() makes them. */
  readonly cookies?: readonly string[]
}

interface ContentResult {
  readonly body?: undefined
  /** Sent as it is; a stream is piped with back pressure and destroyed when the client leaves. */
  readonly content?: Content
}

export interface Content {
  readonly type: string
  readonly data: string | Buffer | Readable
}

type BodyOf<Answer> = Answer extends { readonly schema: infer Schema extends z.ZodType }
  ? DeepReadonly<z.input<Schema>>
  : never

type DeepReadonly<T> = T extends (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

/** A result whose types have been checked. */
export interface AnyResult extends ResultHead<number> {
  readonly body?: unknown
  readonly content?: Content
}

/** What arrives, before it is checked. */
export interface RawInput {
  readonly request: RequestInfo
  readonly params: Readonly<Record<string, unknown>>
  readonly query: string
  readonly body: unknown
}

/** An endpoint as the server and the OpenAPI document see it. */
export interface Endpoint<Auth extends AuthResults> {
  readonly method: Method
  readonly path: string
  readonly summary: string
  readonly description: string | undefined
  readonly tag: string
  readonly auth: (keyof Auth & string) | 'none'
  readonly scopes: readonly string[]
  readonly body: z.ZodType | undefined
  readonly query: z.ZodObject
  readonly params: z.ZodObject
  readonly headers: z.ZodObject
  readonly responses: Responses
  readonly problems: Problems
  /** Checks the input (Problem 400, 404) and calls the handler with what authentication has yielded. */
  run(input: RawInput, auth: unknown): Promise<AnyResult>
}

/**
 * The function that makes endpoints for these ways of authenticating:
 * `const endpoint = endpointsFor<{ session: LiveSession }>()`.
 */
export function endpointsFor<Auth extends AuthResults>() {
  return function endpoint<
    Way extends (keyof Auth & string) | 'none',
    const Answers extends Responses,
    Body extends z.ZodType = typeof noBody,
    Query extends z.ZodObject = typeof nothing,
    Params extends z.ZodObject = typeof nothing,
    Headers extends z.ZodObject = typeof nothing,
  >(definition: Definition<Auth, Way, Answers, Body, Query, Params, Headers>): Endpoint<Auth> {
    const { method, path, body, query, params, headers, handler } = definition
    const where = `${method} ${path}`
    if (body !== undefined) assertStrict(body, `the body of ${where}`)
    assertPlaceholders(path, params ?? nothing, where)
    type Given = Context<Way extends keyof Auth ? Auth[Way] : undefined, Body, Query, Params, Headers>

    return {
      method,
      path,
      summary: definition.summary,
      description: definition.description,
      tag: definition.tag,
      auth: definition.auth,
      scopes: definition.scopes ?? [],
      body,
      query: query ?? nothing,
      params: params ?? nothing,
      headers: headers ?? nothing,
      responses: definition.responses,
      problems: definition.problems ?? {},
      async run(input, auth) {
        const context = {
          auth,
          params: checkParams(params ?? nothing, input.params),
          query: validate(query ?? nothing, parseQuery(input.query, query ?? nothing), '#/query'),
          headers: validate(headers ?? nothing, pickHeaders(headers ?? nothing, input.request), '#/header'),
          body: validate(body ?? noBody, input.body, '#'),
          request: input.request,
        }
        // The one place where types are taken on trust: the defaults above stand for parts that were not declared, and
        // every Result is an AnyResult, which the compiler cannot see while the statuses are not known.
        return (await handler(context as Given)) as AnyResult
      },
    }
  }
}

const nothing = z.strictObject({})

/** An endpoint without a body lets `{}` pass, which some clients always send, and refuses all else. */
const noBody = nothing.optional()

function checkParams(schema: z.ZodObject, params: Readonly<Record<string, unknown>>): unknown {
  const result = schema.safeParse({ ...params })
  const poisonous = Object.values(params).some((value) => typeof value === 'string' && isPoisonous(value))
  if (!result.success || poisonous) throw new Problem(404, 'not-found')
  return result.data
}

function pickHeaders(schema: z.ZodObject, request: RequestInfo): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of Object.keys(schema.shape)) {
    const value = request.header(name)
    if (value !== undefined) found[name] = value
  }
  return found
}

function assertPlaceholders(path: string, params: z.ZodObject, where: string): void {
  const inPath = [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name)
  const declared = Object.keys(params.shape)
  const same = inPath.length === declared.length && inPath.every((name) => name !== undefined && name in params.shape)
  if (!same || !/^(\/|(\/([\w.-]+|\{\w+\}))+)$/.test(path)) {
    throw new Error(`${where}: the path and its params schema do not fit (${declared.join(', ')})`)
  }
}
