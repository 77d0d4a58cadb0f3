import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseStrictJson } from '../../src/http/strict-json.ts'
import { headersOnEveryAnswer, parseAnswer, type Running, raw, start } from './support.ts'

let server: Running
beforeAll(async () => {
  server = await start({ trustedProxies: ['127.0.0.1/32'] }, { headersMs: 150, requestMs: 150, checkMs: 30 })
})
afterAll(() => server.close())

const runs = { numRuns: 400 }
const junk = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ maxLength: 60 }))
const method = fc.oneof(
  fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'get'),
  junk,
)
const path = fc.oneof(
  fc.constantFrom('/v1/things', '/v1/things/{id}', '/v1/logout', '/v1/rebuild', '/docs', '/problems/x', '*', '//', ''),
  fc
    .constantFrom('/v1/things?limit=', '/v1/things?code=', '/v1/things/')
    .chain((start) => junk.map((end) => start + end)),
  junk.map((text) => `/${text}`),
)
const header = fc.tuple(
  fc.constantFrom(
    'Cookie',
    'Authorization',
    'Content-Type',
    'Content-Length',
    'Content-Encoding',
    'Transfer-Encoding',
    'Origin',
    'Sec-Fetch-Site',
    'Idempotency-Key',
    'X-Forwarded-For',
    'Expect',
    'Upgrade',
    'Connection',
    'Range',
    'Accept',
  ),
  fc.oneof(
    fc.constantFrom('application/json', '2', '12', 'chunked', 'identity', 'gzip', '100-continue', 'websocket', 'null'),
    fc.constantFrom('__Host-session=u', 'Bearer good', 'https://app.example', 'same-origin', '1.2.3.4, ::1'),
    junk,
  ),
)
const body = fc.oneof(fc.constant(''), fc.json({ stringUnit: 'binary' }), junk, fc.constant('2\r\n{}\r\n0\r\n\r\n'))

/** Every answer in what came back, whole or as the last one cut off by the closing. */
function assertSane(answer: string): void {
  if (answer === '') return
  const { status, headers, body: text } = parseAnswer(answer.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, ''))
  expect(status).toBeLessThan(500)
  for (const [name, value] of Object.entries(headersOnEveryAnswer)) {
    if (status >= 400) expect(headers.get(name)).toMatch(value)
  }
  if (status < 400) return
  expect(headers.get('content-type')).toBe('application/problem+json')
  if (text.startsWith('{')) expect(text).toContain('"requestId"')
}

test('no request gives a 5xx, or an error that is no problem', { timeout: 60_000 }, async () => {
  const request = fc.record({ method, path, headers: fc.array(header, { maxLength: 4 }), body })
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, headers, body }) => {
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      // A second, plain request behind it ends the connection where the first one has not.
      const end = 'GET /v1/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
      const answer = await raw(server.port, `${method} ${path} HTTP/1.1\r\nHost: x\r\n${lines}\r\n${body}${end}`)
      assertSane(answer)
    }),
    runs,
  )
  expect(server.log.filter((line) => line.level === 50)).toEqual([])
})

test('no well-formed request with a strange body gives a 5xx', { timeout: 60_000 }, async () => {
  const strange = fc.oneof(
    fc.json({ stringUnit: 'binary' }),
    fc.json().map((text) => `{"name":${text}}`),
    junk,
  )
  await fc.assert(
    fc.asyncProperty(strange, async (body) => {
      const headers = { 'Content-Type': 'application/json' }
      const answer = await fetch(`${server.url}/v1/things`, { method: 'POST', body, headers })
      expect([201, 400]).toContain(answer.status)
      if (answer.status === 400) expect(await answer.json()).toMatchObject({ code: 'invalid-request' })
      else await answer.arrayBuffer()
    }),
    runs,
  )
})

test('strict JSON is what JSON.parse says, wherever it says anything', () => {
  fc.assert(
    fc.property(fc.json({ stringUnit: 'grapheme', noUnicodeString: false } as fc.JsonSharedConstraints), (text) => {
      const parsed = parseStrictJson(text)
      if (parsed.ok) expect(parsed.value).toEqual(JSON.parse(text))
      else expect(['unknown-field', 'invalid-text', 'too-deep']).toContain(parsed.error.code)
    }),
  )
})

test('__proto__ is refused wherever it stands', () => {
  for (const text of ['{"__proto__":1}', '[{"a":{"__proto__":{}}}]', '{"\\u005f_proto__":1}']) {
    expect(parseStrictJson(text)).toMatchObject({ ok: false, error: { code: 'unknown-field' } })
  }
  expect(parseStrictJson('["__proto__"]')).toEqual({ ok: true, value: ['__proto__'] })
})

test('a key repeated anywhere is found, however it is written', () => {
  const key = fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => name !== '__proto__')
  const escaped16 = (text: string) =>
    [...text].map((c) => [...Array(c.length).keys()].map((i) => hex(c, i)).join('')).join('')
  const hex = (text: string, at: number) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`
  fc.assert(
    fc.property(key, fc.json(), fc.nat(10), fc.boolean(), (name, value, depth, escaped) => {
      fc.pre(!/[\0\p{Surrogate}]/u.test(name) && parseStrictJson(value).ok)
      const again = escaped ? `"${escaped16(name)}"` : JSON.stringify(name)
      const object = `{${JSON.stringify(name)} : ${value}, ${again}\n:${value}}`
      const parsed = parseStrictJson(`${'[{"in":'.repeat(depth)}${object}${'}]'.repeat(depth)}`)
      expect(parsed).toMatchObject({ ok: false, error: { code: 'duplicate-field' } })
    }),
  )
})
