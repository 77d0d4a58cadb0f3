import { isDeepStrictEqual } from 'node:util'
import type { Express } from 'express'
import { type Authenticators, mustProveOrigin } from './authenticator.ts'
import { readJsonBody } from './body.ts'
import type { AnyResult, AuthResults, Endpoint, Responses } from './endpoint.ts'
import { isSafeMethod, type OriginRule, originAllowed } from './origin.ts'
import { Problem } from './problem.ts'
import type { RequestInfo } from './request-info.ts'
import { jsonMediaType, sendResult } from './respond.ts'

/** Where `response.locals` holds the template of the path. */
export const routeKey = 'route'

export interface MountOptions<Auth extends AuthResults> {
  readonly authenticators: Authenticators<Auth>
  readonly originRule: OriginRule
  /** Compare each answer with its declared schema, and answer 500 where it differs: for tests. */
  readonly checkAnswers: boolean
  readonly requestInfo: (response: Express['response']) => RequestInfo
}

/**
 * Routes requests to endpoints. Per path: HEAD follows GET, OPTIONS lists the methods, any other method is 405. The
 * order of the checks is origin, authentication, body, input: who may not come in learns nothing about the rest.
 */
export function mountEndpoints<Auth extends AuthResults>(
  app: Express,
  endpoints: readonly Endpoint<Auth>[],
  options: MountOptions<Auth>,
): void {
  for (const [path, byMethod] of groupByPath(endpoints)) {
    const allow = allowedMethods(byMethod)
    app.all(path.replace(/\{(\w+)\}/g, ':$1'), async (request, response) => {
      response.locals[routeKey] = path
      const info = options.requestInfo(response)
      if (request.method === 'OPTIONS') {
        await sendResult(response, { status: 204, headers: { Allow: allow } }, false)
        return
      }
      const endpoint = byMethod.get(request.method === 'HEAD' ? 'GET' : request.method)
      if (endpoint === undefined) throw new Problem(405, 'method-not-allowed', { headers: { Allow: allow } })
      const unproven = !isSafeMethod(request.method) && mustProveOrigin(options.authenticators, endpoint.auth)
      if (unproven && !originAllowed(options.originRule, request.headers)) throw new Problem(403, 'forbidden-origin')

      const auth =
        endpoint.auth === 'none'
          ? undefined
          : await options.authenticators[endpoint.auth].authenticate(info, endpoint.scopes)
      const body = await readJsonBody(request, response)
      const result = await endpoint.run(
        { request: info, params: request.params, query: queryOf(request.url), body },
        auth,
      )
      if (options.checkAnswers) assertDeclared(endpoint.responses, result)
      await sendResult(response, result, request.method === 'HEAD')
    })
  }
}

type ByMethod<Auth extends AuthResults> = Map<string, Endpoint<Auth>>

function groupByPath<Auth extends AuthResults>(endpoints: readonly Endpoint<Auth>[]): [string, ByMethod<Auth>][] {
  const paths = new Map<string, ByMethod<Auth>>()
  for (const endpoint of endpoints) {
    const byMethod = paths.get(endpoint.path) ?? new Map()
    if (byMethod.has(endpoint.method)) throw new Error(`${endpoint.method} ${endpoint.path} is there twice`)
    paths.set(endpoint.path, byMethod.set(endpoint.method, endpoint))
  }
  // `/a/export` before `/a/{id}`, which would take it otherwise: '{' sorts behind every character a segment may have.
  return [...paths].sort(([a], [b]) => (a < b ? -1 : 1))
}

function allowedMethods(byMethod: ReadonlyMap<string, unknown>): string {
  const methods = byMethod.has('GET') ? ['HEAD', ...byMethod.keys()] : [...byMethod.keys()]
  return [...methods, 'OPTIONS'].sort().join(', ')
}

function queryOf(url: string): string {
  const start = url.indexOf('?')
  return start < 0 ? '' : url.slice(start + 1)
}

function assertDeclared(responses: Responses, result: AnyResult): void {
  const declared = Object.entries(responses).find(([status]) => Number(status) === result.status)?.[1]
  if (declared === undefined) throw new Error(`status ${result.status} is not declared`)
  const json = jsonOf(result)
  if (json === undefined) return
  const body: unknown = JSON.parse(json)
  const parsed = declared.schema?.safeParse(body)
  if (parsed === undefined) throw new Error(`no body is declared for status ${result.status}`)
  if (!parsed.success) throw new Error(`the answer differs from its schema: ${parsed.error.message}`)
  // A schema that drops what it does not know would hide a field that has slipped into the answer.
  if (!isDeepStrictEqual(parsed.data, body)) throw new Error('the answer has fields that its schema does not know')
}

function jsonOf({ body, content }: AnyResult): string | undefined {
  if (content?.type === jsonMediaType && typeof content.data === 'string') return content.data
  return body === undefined ? undefined : JSON.stringify(body)
}
