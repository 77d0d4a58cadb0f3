/** Access tokens over HTTP: who is let in, and what the others are told. */
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createApp } from '../../src/http/app.ts'
import { endpointsFor } from '../../src/http/endpoint.ts'
import { tokenAuthenticator } from '../../src/http/resources/bearer-token.ts'
import { translateFailure } from '../../src/http/resources/failures.ts'
import { type Listening, listen } from '../../src/http/server.ts'
import { type AccessTokens, openAccessTokens, type Scope, type TokenHolder } from '../../src/secrets/access-tokens.ts'
import { openVaultDatabase, type VaultDatabase } from '../secrets/vault-database.ts'

type Ways = { readonly token: TokenHolder }

let database: VaultDatabase
let tokens: AccessTokens
let server: Listening
let checks = 0

beforeAll(async () => {
  database = await openVaultDatabase()
  tokens = openAccessTokens(database.db, Date.now)
  const counted = {
    check(token: string) {
      checks += 1
      if (token.endsWith('away')) throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
      return tokens.check(token)
    },
  }
  const endpoint = endpointsFor<Ways>()
  const answer = { 200: { description: 'Who', schema: z.strictObject({ name: z.string() }) } } as const
  const path = (method: 'GET' | 'POST', scopes: readonly Scope[]) =>
    endpoint({
      method,
      path: `/v1/${method.toLowerCase()}-${scopes.length}`,
      summary: 'Who am I?',
      tag: 'Test',
      auth: 'token',
      scopes,
      responses: answer,
      handler: ({ auth }) => ({ status: 200, body: { name: auth.name } }),
    })
  const app = createApp<Ways>({
    endpoints: [path('GET', []), path('GET', ['events:read']), path('POST', ['events:read', 'events:pii'])],
    authenticators: { token: tokenAuthenticator(counted) as never },
    publicUrl: 'https://id.example',
    allowedOrigins: [],
    trustedProxies: [],
    logger: pino({ level: 'silent' }),
    version: '0',
    translateError: translateFailure,
    checkAnswers: true,
  })
  server = await listen(app, { port: 0, host: '127.0.0.1' })
})
afterAll(async () => {
  await server.close()
  await database.close()
})

const ask = async (path: string, authorization?: string, method = 'GET') => {
  const response = await fetch(`http://127.0.0.1:${server.port}/v1/${path}`, {
    method,
    headers: authorization === undefined ? {} : { Authorization: authorization },
  })
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    body: (await response.json()) as Record<string, unknown>,
  }
}

describe('a request with an access token', () => {
  it('is let in where the token has every scope that is needed, and the scheme may be in any case', async () => {
    const { token } = await tokens.create('Ada', ['events:read', 'events:pii', 'audit:read'])
    for (const [path, method] of [
      ['get-0', 'GET'],
      ['get-1', 'GET'],
      ['post-2', 'POST'],
    ] as const) {
      for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer  ']) {
        const reply = await ask(path, `${scheme} ${token}`, method)
        expect(reply).toEqual({ status: 200, challenge: null, body: { name: 'Ada' } })
      }
    }
  })

  it('is 403 where a scope is missing, and says which are needed', async () => {
    const { token } = await tokens.create('Bob', ['events:pii', 'audit:read'])
    const reply = await ask('post-2', `Bearer ${token}`, 'POST')
    expect(reply).toMatchObject({ status: 403, body: { code: 'insufficient-scope' } })
    expect(reply.body.detail).toContain('events:read and events:pii')
    expect(reply.challenge).toBe(
      'Bearer realm="strongroom", error="insufficient_scope", scope="events:read events:pii"',
    )
    expect((await ask('get-1', `Bearer ${token}`)).status).toBe(403)
    expect((await ask('get-0', `Bearer ${token}`)).status).toBe(200)
  })

  it('is 401 where there is no token, and is told how to bring one', async () => {
    const reply = await ask('get-1')
    expect(reply).toMatchObject({
      status: 401,
      challenge: 'Bearer realm="strongroom"',
      body: { code: 'unauthenticated' },
    })
  })

  it('is 401 where the token is not good, whatever is wrong with it', async () => {
    const { token, record } = await tokens.create('Eve', ['events:read'])
    const revoked = await tokens.create('gone', ['events:read'])
    await tokens.revoke(revoked.record.id)
    const bad = [
      '',
      'Bearer',
      `Bearer ${token}x`,
      `Bearer ${revoked.token}`,
      `Basic ${token}`,
      token,
      `Bearer ${record.id}`,
    ]
    for (const authorization of [...bad, `Bearer ${token} ${token}`, `Bearer "${token}"`, `Bearer ${token},`]) {
      const reply = await ask('get-1', authorization)
      expect(reply).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
      expect(reply.challenge).toMatch(/^Bearer realm="strongroom"(, error="invalid_token")?$/)
      expect(JSON.stringify(reply.body)).not.toContain(token)
    }
  })

  it('is 401 at once where what it brings cannot be a token: nobody is asked', async () => {
    const before = checks
    await ask('get-1', 'Basic dXNlcjpwYXNz')
    await ask('get-1', 'Bearer ü')
    expect(checks).toBe(before)
  })

  it('is 503, and not let in, where the database is away', async () => {
    expect(await ask('get-1', 'Bearer away')).toMatchObject({ status: 503, body: { code: 'store-unavailable' } })
  })
})
