import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { z } from 'zod'
import { type AppOptions, createApp } from '../../src/http/app.ts'
import { endpointsFor } from '../../src/http/endpoint.ts'
import { idempotencyKey } from '../../src/http/idempotency-key.ts'
import { Problem } from '../../src/http/problem.ts'
import { integerParameter } from '../../src/http/query.ts'
import { type Listening, listen, type Timeouts } from '../../src/http/server.ts'

export interface Session {
  readonly user: string
}

export type TestAuth = { readonly session: Session; readonly token: { readonly scopes: readonly string[] } }

export const endpoint = endpointsFor<TestAuth>()

const thing = z.object({ id: z.string(), name: z.string() }).meta({ id: 'Thing' })

/** One endpoint for each thing the plumbing does. `effects` counts what handlers of unsafe methods were called. */
export function testEndpoints(effects: string[] = []) {
  return [
    endpoint({
      method: 'GET',
      path: '/v1/things',
      summary: 'List',
      tag: 'Things',
      auth: 'none',
      query: z.strictObject({
        limit: integerParameter({ min: 1, max: 200 }).default(50),
        code: z.array(z.string()).optional(),
        text: z.string().max(20).optional(),
      }),
      responses: { 200: { description: 'Things', schema: z.object({ query: z.unknown() }) } },
      handler: ({ query }) => ({ status: 200, body: { query } }),
    }),
    endpoint({
      method: 'POST',
      path: '/v1/things',
      summary: 'Make',
      tag: 'Things',
      auth: 'none',
      body: z.strictObject({
        name: z.string().min(1).max(100),
        inner: z.strictObject({ list: z.array(z.number()) }).optional(),
      }),
      headers: z.object({ 'Idempotency-Key': idempotencyKey.optional() }),
      responses: { 201: { description: 'Made', schema: thing, headers: { Location: 'Where it is' } } },
      problems: { 409: ['conflict'] },
      handler: ({ body, headers }) => {
        effects.push('make')
        const id = headers['Idempotency-Key'] ?? '1'
        return { status: 201, body: { id, name: body.name }, headers: { Location: '/v1/things/1' } }
      },
    }),
    endpoint({
      method: 'GET',
      path: '/v1/things/{id}',
      summary: 'One',
      tag: 'Things',
      auth: 'none',
      params: z.strictObject({ id: z.string().max(40) }),
      responses: { 200: { description: 'Thing', schema: thing } },
      problems: { 429: ['too-many-requests'], 503: ['store-unavailable'] },
      handler: ({ params: { id } }) => {
        if (id === 'broken') throw new Error('select secret from users where password = 1')
        if (id === 'busy') throw new Problem(429, 'too-many-requests', { retryAfterSeconds: 2.5 })
        if (id === 'away') throw new StoreAway('connection refused')
        if (id === 'leaky') return { status: 200, body: leakyThing }
        return { status: 200, body: { id, name: 'thing' } }
      },
    }),
    endpoint({
      method: 'GET',
      path: '/v1/things/stream',
      summary: 'Stream',
      tag: 'Things',
      auth: 'none',
      responses: { 200: { description: 'Lines', mediaTypes: ['text/plain'] } },
      handler: () => ({ status: 200, content: { type: 'text/plain', data: Readable.from(['one\n', 'two\n']) } }),
    }),
    endpoint({
      method: 'GET',
      path: '/v1/client',
      summary: 'What is known of the client',
      tag: 'Things',
      auth: 'none',
      responses: { 200: { description: 'Client', schema: z.object({ address: z.string(), cookie: z.string() }) } },
      handler: ({ request }) => ({
        status: 200,
        body: { address: request.address, cookie: request.cookie('__Host-session') ?? '-' },
      }),
    }),
    endpoint({
      method: 'POST',
      path: '/v1/logout',
      summary: 'No body',
      tag: 'Auth',
      auth: 'session',
      responses: { 204: { description: 'Done' } },
      handler: ({ auth }) => {
        effects.push(`logout ${auth.user}`)
        return { status: 204, cookies: ['a=1', 'b=2'] }
      },
    }),
    endpoint({
      method: 'POST',
      path: '/v1/rebuild',
      summary: 'By token',
      tag: 'Auth',
      auth: 'token',
      scopes: ['projections:write'],
      responses: { 202: { description: 'Begun', schema: z.object({ scopes: z.array(z.string()) }) } },
      handler: ({ auth }) => ({ status: 202, body: { scopes: auth.scopes } }),
    }),
  ]
}

/** More fields than the schema declares, as they come when a row is passed on whole. */
const leakyThing: { readonly id: string; readonly name: string } = Object.assign(
  { id: '1', name: 'x' },
  { passwordHash: 'secret' },
)

export class StoreAway extends Error {}

export interface Running extends Listening {
  readonly url: string
  /** What was logged, as parsed lines. */
  readonly log: Record<string, unknown>[]
  readonly effects: string[]
}

export async function start(
  options: Partial<AppOptions<TestAuth>> = {},
  timeouts: Partial<Timeouts> = {},
): Promise<Running> {
  const log: Record<string, unknown>[] = []
  const effects: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void log.push(JSON.parse(line)) })
  const app = createApp<TestAuth>({
    endpoints: testEndpoints(effects),
    authenticators: {
      session: {
        credential: 'ambient',
        scheme: { type: 'apiKey', in: 'cookie', name: '__Host-session' },
        problems: { 401: ['unauthenticated', 'session-expired', 'session-ended'] },
        authenticate: async (request) => {
          const user = request.cookie('__Host-session')
          if (user === undefined) throw new Problem(401, 'unauthenticated')
          return { user }
        },
      },
      token: {
        credential: 'explicit',
        scheme: { type: 'http', scheme: 'bearer' },
        problems: { 401: ['unauthenticated'], 403: ['insufficient-scope'] },
        authenticate: async (request, scopes) => {
          if (request.header('authorization') !== 'Bearer good') throw new Problem(401, 'unauthenticated')
          return { scopes }
        },
      },
    },
    publicUrl: 'https://id.example/',
    allowedOrigins: ['https://app.example'],
    trustedProxies: [],
    logger,
    version: '1.2.3',
    translateError: (error) => (error instanceof StoreAway ? new Problem(503, 'store-unavailable') : undefined),
    checkAnswers: true,
    ...options,
  })
  const listening = await listen(app, { port: 0, host: '127.0.0.1', timeouts: { checkMs: 50, ...timeouts } })
  return { ...listening, url: `http://127.0.0.1:${listening.port}`, log, effects }
}

/** Sends bytes on a bare socket and resolves with all that came back once the server has closed it. */
export function raw(port: number, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
  })
}

export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

export function parseAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [line = '', ...fields] = head.split('\r\n')
  const pairs = fields.map((field): [string, string] => {
    const colon = field.indexOf(':')
    return [field.slice(0, colon), field.slice(colon + 1).trim()]
  })
  return { status: Number(line.split(' ')[1]), headers: new Headers(pairs), body: rest.join('\r\n\r\n') }
}

/** What every answer carries, whatever it is. */
export const headersOnEveryAnswer = {
  'strict-transport-security': /max-age=31536000/,
  'x-content-type-options': /^nosniff$/,
  'content-security-policy': /frame-ancestors 'none'/,
  'referrer-policy': /^no-referrer$/,
  'cache-control': /^no-store$/,
  'x-request-id': /^[0-9a-f-]{36}$/,
} as const
