import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type ResponseConfig,
  type RouteConfig,
} from '@asteasolutions/zod-to-openapi'
import { type Authenticators, mustProveOrigin } from './authenticator.ts'
import type { AuthResults, Endpoint, ResponseDefinition } from './endpoint.ts'
import { isSafeMethod } from './origin.ts'
import { problemMediaType } from './problem.ts'
import { type ProblemCode, type Problems, problemCodes, problemDefinition } from './problem-codes.ts'

export interface DescribedApi<Auth extends AuthResults> {
  readonly endpoints: readonly Endpoint<Auth>[]
  readonly authenticators: Authenticators<Auth>
  readonly version: string
}

/** The OpenAPI 3.1 document, made from the very schemas that validate. Schemas with `.meta({ id })` get a name. */
export function openApiDocument<Auth extends AuthResults>(api: DescribedApi<Auth>): object {
  const registry = new OpenAPIRegistry()
  registry.registerComponent('schemas', 'Problem', problemSchema)
  for (const [way, { scheme }] of Object.entries(api.authenticators)) {
    registry.registerComponent('securitySchemes', way, scheme)
  }
  for (const endpoint of api.endpoints) registry.registerPath(operation(endpoint, api.authenticators))
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Strongroom',
      version: api.version,
      description: 'Account security with a verifiable history. Errors are problem details (RFC 9457).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(api.endpoints.map(({ tag }) => tag))].map((name) => ({ name })),
  })
}

function operation<Auth extends AuthResults>(
  endpoint: Endpoint<Auth>,
  authenticators: Authenticators<Auth>,
): RouteConfig {
  const { auth, body, description, scopes } = endpoint
  const responses: Record<string, ResponseConfig> = {}
  for (const [status, response] of Object.entries(endpoint.responses)) {
    if (response !== undefined) responses[status] = success(response)
  }
  for (const [status, codes] of refusals(endpoint, authenticators)) responses[status] = refusal(codes)
  return {
    method: lowerCase(endpoint.method),
    path: endpoint.path,
    operationId: operationId(endpoint),
    summary: endpoint.summary,
    tags: [endpoint.tag],
    security: auth === 'none' ? [] : [{ [auth]: [...scopes] }],
    request: {
      ...(hasFields(endpoint.params) ? { params: endpoint.params } : {}),
      ...(hasFields(endpoint.query) ? { query: endpoint.query } : {}),
      ...(hasFields(endpoint.headers) ? { headers: endpoint.headers } : {}),
      ...(body === undefined
        ? {}
        : {
            body: { required: !body.safeParse(undefined).success, content: { 'application/json': { schema: body } } },
          }),
    },
    responses,
    ...(description === undefined ? {} : { description }),
  }
}

function success({ description, schema, mediaTypes = [], headers }: ResponseDefinition): ResponseConfig {
  const content = {
    ...(schema === undefined ? {} : { 'application/json': { schema } }),
    ...Object.fromEntries(mediaTypes.map((type) => [type, { schema: {} }])),
  }
  return {
    description,
    ...(Object.keys(content).length === 0 ? {} : { content }),
    ...(headers === undefined
      ? {}
      : {
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, text]) => [name, { description: text, schema: { type: 'string' } }]),
          ),
        }),
  }
}

function refusal(codes: ReadonlySet<ProblemCode>): ResponseConfig {
  const sorted = [...codes].sort()
  const retryAfter = sorted.some((code) => problemDefinition(code).retryAfterSeconds !== undefined)
  return {
    description: sorted.map((code) => `\`${code}\`: ${problemDefinition(code).title}.`).join(' '),
    content: {
      [problemMediaType]: {
        schema: {
          allOf: [{ $ref: '#/components/schemas/Problem' }, { type: 'object', properties: { code: { enum: sorted } } }],
        },
      },
    },
    ...(retryAfter ? { headers: { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } } } : {}),
  }
}

/** What the endpoint, its authentication and the plumbing can answer. */
function refusals<Auth extends AuthResults>(
  endpoint: Endpoint<Auth>,
  authenticators: Authenticators<Auth>,
): Map<string, Set<ProblemCode>> {
  const plumbing: Problems = {
    400: ['invalid-request'],
    413: ['content-too-large'],
    415: ['unsupported-media-type'],
    500: ['internal-error'],
    ...(hasFields(endpoint.params) ? { 404: ['not-found'] } : {}),
  }
  const provesOrigin = !isSafeMethod(endpoint.method) && mustProveOrigin(authenticators, endpoint.auth)
  const origin: Problems = provesOrigin ? { 403: ['forbidden-origin'] } : {}
  const authentication = endpoint.auth === 'none' ? {} : authenticators[endpoint.auth].problems
  const all = new Map<string, Set<ProblemCode>>()
  for (const problems of [plumbing, origin, authentication, endpoint.problems]) {
    for (const [status, codes] of Object.entries(problems)) {
      const known = all.get(status) ?? new Set()
      for (const code of codes) known.add(code)
      all.set(status, known)
    }
  }
  return all
}

const problemSchema = {
  type: 'object',
  description: 'Problem details (RFC 9457).',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
  properties: {
    type: { type: 'string', description: '`/problems/<code>`: a page about this code.' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(problemCodes) },
    requestId: { type: 'string', format: 'uuid', description: 'Names the request in our log; also in X-Request-Id.' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'code', 'detail'],
        properties: {
          pointer: {
            type: 'string',
            description: '`#/email` is in the body, `#/query/limit` a query parameter, `#/header/If-Match` a header.',
          },
          code: { type: 'string' },
          detail: { type: 'string' },
        },
      },
    },
  },
} satisfies Parameters<OpenAPIRegistry['registerComponent']>[2]

function hasFields(schema: { readonly shape: object }): boolean {
  return Object.keys(schema.shape).length > 0
}

function lowerCase<Text extends string>(text: Text): Lowercase<Text> {
  return text.toLowerCase() as Lowercase<Text>
}

/** `POST /v1/me/sessions/revoke-others` -> `post_me_sessions_revoke_others`. */
function operationId({ method, path }: { readonly method: string; readonly path: string }): string {
  return `${method}${path.replace(/^\/v1/, '')}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/_$/, '')
}
