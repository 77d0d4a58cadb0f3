import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { problemCodes } from '../../src/http/problem-codes.ts'
import { type Running, start } from './support.ts'

interface Operation {
  readonly operationId: string
  readonly security: readonly Record<string, readonly string[]>[]
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[]
  readonly requestBody?: { readonly required: boolean; readonly content: Record<string, { readonly schema: unknown }> }
  readonly responses: Record<string, { readonly description: string; readonly content?: Record<string, unknown> }>
}

interface OpenApi {
  readonly openapi: string
  readonly info: Record<string, unknown>
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: Record<string, Record<string, unknown>>
}

let server: Running
let document: OpenApi
beforeAll(async () => {
  server = await start()
  document = JSON.parse(await text('/openapi.json'))
})
afterAll(() => server.close())

async function text(path: string): Promise<string> {
  const answer = await fetch(`${server.url}${path}`)
  expect(answer.status).toBe(200)
  return answer.text()
}

function operation(method: string, path: string): Operation {
  const found = document.paths[path]?.[method]
  if (found === undefined) throw new Error(`${method} ${path} is not in the document`)
  return found
}

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1, references and all', async () => {
    const validator = new Validator()
    expect(await validator.validate(structuredClone({ ...document }))).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
    expect(JSON.stringify(validator.resolveRefs())).not.toContain('"$ref"')
    expect(document.info.version).toBe('1.2.3')
    const broken = { ...document, paths: { '/x': { get: { responses: 1 } } } }
    expect((await new Validator().validate(broken)).valid).toBe(false)
  })

  test('has each endpoint once, under an id of its own', () => {
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
    expect(operations).toHaveLength(11)
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(11)
    expect(operation('get', '/v1/things/{id}').operationId).toBe('get_things_id')
  })

  test('says what validation says', () => {
    const { requestBody, parameters } = operation('post', '/v1/things')
    expect(requestBody).toMatchObject({
      required: true,
      content: { 'application/json': { schema: { type: 'object', required: ['name'], additionalProperties: false } } },
    })
    expect(parameters).toEqual([expect.objectContaining({ name: 'Idempotency-Key', in: 'header', required: false })])
    expect(operation('get', '/v1/things').parameters).toContainEqual(
      expect.objectContaining({
        name: 'limit',
        in: 'query',
        schema: expect.objectContaining({ type: 'integer', minimum: 1, maximum: 200 }),
      }),
    )
    expect(operation('get', '/v1/things').parameters).toContainEqual(
      expect.objectContaining({ name: 'code', schema: { type: 'array', items: { type: 'string' } } }),
    )
    expect(document.components.schemas).toHaveProperty('Thing')
  })

  test('says who may call and how it can be refused', () => {
    expect(operation('get', '/v1/things').security).toEqual([])
    expect(operation('post', '/v1/rebuild').security).toEqual([{ token: ['projections:write'] }])
    expect(document.components.securitySchemes).toHaveProperty('session')
    const { responses } = operation('post', '/v1/logout')
    expect(Object.keys(responses)).toEqual(['204', '400', '401', '403', '413', '415', '500'])
    expect(responses['401']?.description).toContain('session-expired')
    expect(responses['403']?.description).toContain('forbidden-origin')
    expect(operation('post', '/v1/rebuild').responses['403']?.description).not.toContain('forbidden-origin')
    expect(operation('get', '/v1/things/{id}').responses['503']).toHaveProperty('headers.Retry-After')
    expect(Object.keys(responses['401']?.content ?? {})).toEqual(['application/problem+json'])
  })
})

describe('/docs', () => {
  test('is a page that loads nothing from elsewhere and runs no inline script', async () => {
    const answer = await fetch(`${server.url}/docs`)
    const policy = answer.headers.get('content-security-policy')
    expect(policy).toContain("script-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    const page = await answer.text()
    expect(page).not.toMatch(/https?:|<script>|\son\w+=/)
    const scripts = [...page.matchAll(/src="([^"]+)"/g)].map(([, source]) => source)
    expect(scripts).toEqual(['/docs/rapidoc.js'])
    expect(await text('/docs/rapidoc.js')).toContain('rapi-doc')
  })
})

describe('/problems', () => {
  test('every code has a readable page at its type', async () => {
    for (const [code, { title, detail }] of Object.entries(problemCodes)) {
      const page = await text(`/problems/${code}`)
      expect(page).toContain(`<h1>${title}</h1>`)
      expect(page).toContain(detail)
      expect(`${title}${detail}`).not.toMatch(/[<>&]/)
    }
    expect((await fetch(`${server.url}/problems/constructor`)).status).toBe(404)
  })

  test('the codes are those of the contract', () => {
    const contract = `invalid-request unauthenticated session-expired session-ended forbidden-origin insufficient-scope
      reauthentication-required not-found method-not-allowed conflict already-done precondition-failed
      content-too-large unsupported-media-type idempotency-mismatch precondition-required login-throttled
      too-many-requests store-unavailable projection-behind projection-halted overloaded email-taken
      registration-closed invalid-credentials code-invalid challenge-expired token-invalid password-too-short
      password-blocklisted password-reused password-context password-composition two-factor-already-enabled
      enrollment-expired two-factor-not-enabled current-session legal-hold`
    const beyond = ['request-timeout', 'headers-too-large', 'internal-error']
    expect(Object.keys(problemCodes).sort()).toEqual([...contract.split(/\s+/), ...beyond].sort())
  })
})
