import type { RequestListener, ServerResponse } from 'node:http'
import cors from 'cors'
import express, { type Express, type Request, type Response } from 'express'
import type { Logger } from 'pino'
import { describeError } from '../platform/describe-error.ts'
import type { Authenticators } from './authenticator.ts'
import { RequestAborted } from './body.ts'
import { clientAddress } from './client-address.ts'
import { documentationEndpoints } from './docs.ts'
import type { AuthResults, Endpoint } from './endpoint.ts'
import { mountEndpoints, routeKey } from './mount.ts'
import { type Page, pageEndpoints } from './page.ts'
import { invalidRequest, Problem } from './problem.ts'
import { describeRequest, type RequestInfo } from './request-info.ts'
import { logWhenDone } from './request-log.ts'
import { sendProblem } from './respond.ts'
import { securityHeaders } from './security-headers.ts'

export interface AppOptions<Auth extends AuthResults> {
  readonly endpoints: readonly Endpoint<Auth>[]
  readonly authenticators: Authenticators<Auth>
  /** PUBLIC_URL: its origin is ours. */
  readonly publicUrl: string
  /** Origins (scheme, host, port) whose pages may call with the user's cookies. */
  readonly allowedOrigins: readonly string[]
  /** CIDRs of proxies whose X-Forwarded-For counts. */
  readonly trustedProxies: readonly string[]
  readonly logger: Logger
  /** Of the product, for the OpenAPI document. */
  readonly version: string
  /** The web page at `/`; undefined: none is served. */
  readonly page?: Page
  /** Tells known failures (the store is away, ...) as problems; undefined: not known, answered 500 and logged. */
  readonly translateError?: (error: unknown) => Problem | undefined
  /** Compare each answer with its declared schema: for tests. */
  readonly checkAnswers?: boolean
  /** Told of each request once it is over; `route` is the template of its path, `none` where there is no such path. */
  readonly observe?: (request: ObservedRequest) => void
}

/** The whole HTTP side as one function of request and response: endpoints, their documentation, errors, headers. */
export function createApp<Auth extends AuthResults>(options: AppOptions<Auth>): RequestListener {
  const { logger, allowedOrigins, authenticators } = options
  const app = express()
  app.disable('x-powered-by')
  app.set('query parser', false)
  app.set('trust proxy', options.trustedProxies.length === 0 ? false : [...options.trustedProxies])
  app.enable('case sensitive routing')
  app.enable('strict routing')

  if (allowedOrigins.length > 0) app.use(corsFor(allowedOrigins))
  const originRule = { publicOrigin: new URL(options.publicUrl).origin, allowedOrigins: new Set(allowedOrigins) }
  const page = options.page === undefined ? [] : pageEndpoints<Auth>(options.page)
  const endpoints = [...options.endpoints, ...documentationEndpoints(options), ...page]
  const checkAnswers = options.checkAnswers ?? false
  mountEndpoints(app, endpoints, { authenticators, originRule, checkAnswers, requestInfo })

  const headers = securityHeaders()
  return (incoming, outgoing) => {
    // Express gives both their prototypes when it handles them; until then only what node:http has is there.
    const request = incoming as Request
    const response = outgoing as Response
    // Before express: where it cannot even parse the URL, it calls none of its middleware.
    for (const [name, value] of headers) response.setHeader(name, value)
    const info = describeRequest(request, response, logger, () => clientAddress(request))
    response.setHeader('X-Request-Id', info.id)
    response.locals = { [requestKey]: info }
    logWhenDone(response, info, logger)
    observeWhenDone(request, response, options.observe)
    const finish = (error?: unknown) => answerError(response, info, error, options.translateError)
    if (request.httpVersion === '1.1' && request.headers.host === undefined) {
      finish(invalidRequest({ pointer: '#/header/Host', code: 'required', detail: 'HTTP/1.1 asks for a Host.' }))
      return
    }
    const target = originForm(request.url)
    if (target === undefined) {
      finish()
      return
    }
    request.url = target
    app(request, response, finish)
  }
}

export interface ObservedRequest {
  readonly method: string
  readonly route: string
  readonly status: number
  readonly seconds: number
}

function observeWhenDone(request: Request, response: Response, observe: AppOptions<AuthResults>['observe']): void {
  if (observe === undefined) return
  const start = performance.now()
  response.once('close', () => {
    const route: unknown = response.locals[routeKey]
    observe({
      method: request.method,
      route: typeof route === 'string' ? route : 'none',
      status: response.statusCode,
      seconds: (performance.now() - start) / 1_000,
    })
  })
}

/**
 * The target as path and query: a client may also send a whole URL (RFC 9112, 3.2.2), whose host counts for nothing
 * here. Undefined for what is neither, `*` among it: there is nothing there.
 */
function originForm(target: string): string | undefined {
  if (target.startsWith('/')) return target
  if (!/^https?:/i.test(target) || !URL.canParse(target)) return undefined
  const { pathname, search } = new URL(target)
  return pathname + search
}

const requestKey = 'requestInfo'

function requestInfo(response: Express['response']): RequestInfo {
  return response.locals[requestKey]
}

/** The end of every request that no endpoint has answered: `error` undefined means that there is no such path. */
function answerError(
  response: ServerResponse,
  request: RequestInfo,
  error: unknown,
  translate: AppOptions<AuthResults>['translateError'],
): void {
  const refusal = error === undefined ? new Problem(404, 'not-found') : asProblem(error)
  const problem = refusal ?? translate?.(error)
  const farewell = isFarewell(error) || (response.destroyed && isAbort(error))
  if (problem === undefined && !farewell) {
    request.log.error({ err: describeError(error), method: request.method, path: request.path }, 'request failed')
  } else if (refusal === undefined && problem !== undefined && problem.status >= 500) {
    // The client learns that something is away; the operator has to learn what and why.
    request.log.warn({ err: describeError(error), code: problem.code, path: request.path }, 'request not answerable')
  }
  if (response.headersSent || farewell) {
    // Half an answer must not look like a whole one.
    response.destroy()
    return
  }
  sendProblem(response, problem ?? new Problem(500, 'internal-error'), request.id)
}

function asProblem(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  // The router's own: a path parameter with bad percent-encoding.
  if (error instanceof URIError) {
    return invalidRequest({ pointer: '#/path', code: 'malformed', detail: 'The path is not properly percent-encoded.' })
  }
  return undefined
}

/** The client has left: in its body, or in the middle of a stream. Not an error of ours. */
function isFarewell(error: unknown): boolean {
  if (error instanceof RequestAborted) return true
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}

/** What was done for a client that has left was stopped by `request.signal`. */
function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

function corsFor(allowedOrigins: readonly string[]) {
  const allowed = new Set(allowedOrigins)
  return cors((request: Request, done) => {
    const { origin } = request.headers
    // With `false` the library adds no header at all; a list would still add some for unlisted origins.
    done(null, {
      origin: origin !== undefined && allowed.has(origin) ? origin : false,
      credentials: true,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      allowedHeaders: [
        'Content-Type',
        'Authorization',
        'Consistency-Token',
        'Idempotency-Key',
        'If-Match',
        'Last-Event-ID',
        'X-Background',
      ],
      exposedHeaders: ['Consistency-Token', 'ETag', 'Location', 'Retry-After', 'X-Request-Id'],
      maxAge: 600,
    })
  })
}
