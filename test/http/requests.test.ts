import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAnswer, type Running, raw, start } from './support.ts'

let server: Running
beforeAll(async () => {
  server = await start()
})
afterAll(() => server.close())

async function call(path: string, init: RequestInit & { duplex?: 'half' } = {}) {
  const response = await fetch(`${server.url}${path}`, init)
  const text = await response.text()
  return { response, status: response.status, text, json: text.startsWith('{') ? JSON.parse(text) : undefined }
}

function post(body: NonNullable<RequestInit['body']>, headers: Record<string, string> = {}) {
  return call('/v1/things', { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers } })
}

describe('a valid request', () => {
  test('reaches the handler with checked values and gets JSON back', async () => {
    const { status, json, response } = await post('{"name":"box","inner":{"list":[1,2]}}', { 'Idempotency-Key': 'k-1' })
    expect(status).toBe(201)
    expect(json).toEqual({ id: 'k-1', name: 'box' })
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(response.headers.get('location')).toBe('/v1/things/1')
  })

  test.each(['application/json', 'Application/JSON; charset=UTF-8', 'application/json;charset="utf-8"'])(
    'may spell its media type %s',
    async (type) => {
      expect((await post('{"name":"box"}', { 'Content-Type': type })).status).toBe(201)
    },
  )

  test('a query is decoded, takes defaults, and repeats what may be repeated', async () => {
    expect((await call('/v1/things?code=a&code=b%20c&text=x+y')).json.query).toEqual({
      limit: 50,
      code: ['a', 'b c'],
      text: 'x y',
    })
    expect((await call('/v1/things?limit=200&code=a')).json.query).toEqual({ limit: 200, code: ['a'] })
  })

  test('a stream is sent piece by piece, before a path with a parameter can take it', async () => {
    const { status, text, response } = await call('/v1/things/stream')
    expect([status, text]).toEqual([200, 'one\ntwo\n'])
    expect(response.headers.get('content-type')).toBe('text/plain')
  })

  test('several cookies are several Set-Cookie headers', async () => {
    const { status, response } = await call('/v1/logout', { method: 'POST', headers: { Cookie: '__Host-session=u' } })
    expect(status).toBe(204)
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  })
})

describe('a body', () => {
  const refused: [name: string, body: string | Uint8Array<ArrayBuffer>, pointer: string, code: string][] = [
    ['with an unknown field', '{"name":"x","role":"admin"}', '#/role', 'unknown-field'],
    ['with an unknown field further in', '{"name":"x","inner":{"list":[],"x":1}}', '#/inner/x', 'unknown-field'],
    ['with a key twice', '{"name":"x","name":"y"}', '#/name', 'duplicate-field'],
    ['with a key twice and the same value', '{"name":"x","name":"x"}', '#/name', 'duplicate-field'],
    ['with a key twice, once escaped', '{"name":"x","n\\u0061me":"y"}', '#/name', 'duplicate-field'],
    ['with a key twice further in', '{"name":"x","inner":{"list":[],"list":[]}}', '#/inner/list', 'duplicate-field'],
    ['with a key twice in a list', '{"name":"x","z":[{},{"a":1,"a" : 2}]}', '#/z/1/a', 'duplicate-field'],
    ['with __proto__', '{"name":"x","__proto__":{"role":"admin"}}', '#/__proto__', 'unknown-field'],
    ['with U+0000', '{"name":"a\\u0000b"}', '#/name', 'invalid-text'],
    ['with half a surrogate pair', '{"name":"a\\ud800"}', '#/name', 'invalid-text'],
    ['with U+0000 in a key', '{"name":"a","\\u0000":1}', '#/%00', 'invalid-text'],
    ['with a number for a string', '{"name":1}', '#/name', 'wrong-type'],
    ['with a list for a string', '{"name":["x"]}', '#/name', 'wrong-type'],
    ['with a field missing', '{}', '#/name', 'required'],
    ['with too short a text', '{"name":""}', '#/name', 'too-small'],
    ['with an infinite number', '{"name":"x","inner":{"list":[1e999]}}', '#/inner/list/0', 'wrong-type'],
    ['that is null', 'null', '#', 'wrong-type'],
    ['that is a list', '[]', '#', 'wrong-type'],
    ['that is empty where one is needed', '', '#', 'required'],
    ['that is cut off', '{"name":"x"', '#', 'malformed'],
    ['that is nested too deep', `{"name":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, '', 'too-deep'],
    ['that is not UTF-8', new Uint8Array(Buffer.from('{"name":"caf\xe9"}', 'latin1')), '#', 'malformed'],
    ['that begins with a byte order mark', '\u{feff}{"name":"x"}', '#', 'malformed'],
  ]
  test.each(refused)('%s is 400', async (_name, body, pointer, code) => {
    const { status, json } = await post(body)
    expect([status, json.code]).toEqual([400, 'invalid-request'])
    expect(json.errors[0].code).toBe(code)
    if (pointer !== '') expect(json.errors[0].pointer).toBe(pointer)
    expect(JSON.stringify(json).length).toBeLessThan(2_000)
  })

  test.each([
    ['application/x-www-form-urlencoded', 'name=x'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['text/plain', '{"name":"x"}'],
    ['application/merge-patch+json', '{"name":"x"}'],
    ['application/json; charset=utf-16', '{"name":"x"}'],
    ['application/json; charset=latin1; charset=utf-8', '{"name":"x"}'],
    ['', '{"name":"x"}'],
  ])('of type %s is 415', async (type, body) => {
    const { status, json } = await post(body, { 'Content-Type': type })
    expect([status, json.code]).toEqual([415, 'unsupported-media-type'])
  })

  test('that is compressed is 415', async () => {
    expect((await post('{"name":"x"}', { 'Content-Encoding': 'gzip' })).status).toBe(415)
    expect((await post('{"name":"x"}', { 'Content-Encoding': 'identity' })).status).toBe(201)
  })

  test('is not needed where none is declared: nothing and {} pass, all else is refused', async () => {
    const logout = (body: string | null, type = 'application/json') =>
      call('/v1/logout', { method: 'POST', body, headers: { Cookie: '__Host-session=u', 'Content-Type': type } })
    expect((await logout(null)).status).toBe(204)
    expect((await logout('{}')).status).toBe(204)
    expect((await logout('{"everywhere":true}')).status).toBe(400)
    expect((await logout('a=1', 'application/x-www-form-urlencoded')).status).toBe(415)
  })

  test('of exactly 64 KiB is read and one byte more is 413', async () => {
    const body = (size: number) => `{"name":"${'x'.repeat(size - 11)}"}`
    expect((await post(body(65_536))).json.errors[0].code).toBe('too-large')
    expect((await post(body(65_537))).json.code).toBe('content-too-large')
  })

  test.each(['announced', 'chunked'])('of 1 MiB, %s, is 413 at once, and the connection goes on', async (kind) => {
    const bytes = Buffer.from(`{"name":"${'x'.repeat(1_048_576)}"}`)
    const times: number[] = []
    // The best of five: what counts is what the server takes, not what else this machine does.
    for (let round = 0; round < 5; round += 1) {
      const start = performance.now()
      const { status, json } = await call('/v1/things', {
        method: 'POST',
        body: kind === 'announced' ? bytes : new Blob([bytes]).stream(),
        headers: { 'Content-Type': 'application/json' },
        duplex: 'half',
      })
      times.push(performance.now() - start)
      expect([status, json.code]).toEqual([413, 'content-too-large'])
    }
    expect(Math.min(...times)).toBeLessThan(200)
    expect((await post('{"name":"x"}')).status).toBe(201)
  })
})

describe('a query', () => {
  test.each([
    ['?unknown=1', '#/query/unknown', 'unknown-parameter'],
    ['?__proto__=1', '#/query/__proto__', 'unknown-parameter'],
    ['?constructor=1', '#/query/constructor', 'unknown-parameter'],
    ['?limit=1&limit=1', '#/query/limit', 'duplicate-parameter'],
    ['?limit[]=1', '#/query/limit%5B%5D', 'unknown-parameter'],
    ['?text=%00', '#/query/text', 'invalid-text'],
    ['?text=%zz', '#/query/text', 'malformed'],
    ['?text=%ed%a0%80', '#/query/text', 'malformed'],
    ['?limit=0', '#/query/limit', 'too-small'],
    ['?limit=201', '#/query/limit', 'too-large'],
    ['?limit=', '#/query/limit', 'invalid-format'],
    ['?limit=0x10', '#/query/limit', 'invalid-format'],
    ['?limit=1e1', '#/query/limit', 'invalid-format'],
    ['?limit=+5', '#/query/limit', 'invalid-format'],
    ['?limit=99999999999999999999', '#/query/limit', 'invalid-format'],
  ])('%s is 400', async (query, pointer, code) => {
    const { status, json } = await call(`/v1/things${query}`)
    expect([status, json.code]).toEqual([400, 'invalid-request'])
    expect(json.errors).toHaveLength(1)
    expect(json.errors[0]).toMatchObject({ pointer, code })
  })
})

describe('a header', () => {
  test.each(['', 'a b', 'é', 'x'.repeat(256)])('Idempotency-Key %j is 400', async (key) => {
    const { status, json } = await post('{"name":"x"}', { 'Idempotency-Key': key })
    expect(status).toBe(400)
    expect(json.errors[0]).toMatchObject({ pointer: '#/header/Idempotency-Key', code: 'invalid-format' })
  })
})

describe('paths and methods', () => {
  test('an unknown path is 404, whatever the method, and paths are exact', async () => {
    for (const [method, path] of [
      ['GET', '/'],
      ['DELETE', '/v1/nothing'],
      ['GET', '/v1/things/'],
      ['GET', '/V1/things'],
      ['GET', '//v1/things'],
    ] as const) {
      expect([path, (await call(path, { method })).json.code]).toEqual([path, 'not-found'])
    }
  })

  test('another method is 405 and names those that work, for the origin of a stranger as well', async () => {
    const { status, json, response } = await call('/v1/things', {
      method: 'DELETE',
      headers: { Origin: 'https://e.vil' },
    })
    expect([status, json.code]).toEqual([405, 'method-not-allowed'])
    expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS, POST')
    expect((await call('/v1/things', { method: 'QUERY' })).status).toBe(405)
  })

  test('a whole URL as the target is its path, whatever host it names', async () => {
    const bytes = 'GET http://evil.example/v1/things?limit=7 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    const { status, body } = parseAnswer(await raw(server.port, bytes))
    expect([status, JSON.parse(body).query.limit]).toEqual([200, 7])
  })

  test('OPTIONS names the methods', async () => {
    const { status, response } = await call('/v1/logout', { method: 'OPTIONS' })
    expect([status, response.headers.get('allow')]).toEqual([204, 'OPTIONS, POST'])
  })

  test('HEAD is GET without the content', async () => {
    const get = await call('/v1/things')
    const head = await call('/v1/things', { method: 'HEAD' })
    expect([head.status, head.text]).toEqual([200, ''])
    for (const name of ['content-length', 'content-type']) {
      expect(head.response.headers.get(name)).toBe(get.response.headers.get(name))
    }
    expect((await call('/v1/things/stream', { method: 'HEAD' })).text).toBe('')
    expect((await call('/v1/things/broken', { method: 'HEAD' })).status).toBe(500)
  })

  test('bad percent-encoding, NUL and what the parameter does not fit are 4xx', async () => {
    expect((await call('/v1/things/%zz')).json.errors[0].pointer).toBe('#/path')
    expect((await call('/v1/things/%00')).json.code).toBe('not-found')
    expect((await call(`/v1/things/${'x'.repeat(41)}`)).json.code).toBe('not-found')
  })
})

describe('authentication', () => {
  test('is asked before the body is looked at', async () => {
    const { status, json } = await call('/v1/logout', { method: 'POST', body: '{', headers: {} })
    expect([status, json.code]).toEqual([401, 'unauthenticated'])
  })

  test('scopes reach the authenticator', async () => {
    const { json } = await call('/v1/rebuild', { method: 'POST', headers: { Authorization: 'Bearer good' } })
    expect(json).toEqual({ scopes: ['projections:write'] })
  })
})

describe('errors', () => {
  test('have the members of the contract, in its order', async () => {
    const { response, json } = await call('/v1/nothing')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(Object.keys(json)).toEqual(['type', 'title', 'status', 'detail', 'code', 'requestId'])
    expect(json).toMatchObject({ type: '/problems/not-found', status: 404, code: 'not-found' })
    expect(json.requestId).toBe(response.headers.get('x-request-id'))
  })

  test('that nobody expected are 500 without a word of what broke, and the log says it', async () => {
    const { status, text, json } = await call('/v1/things/broken')
    expect([status, json.code]).toEqual([500, 'internal-error'])
    expect(text).not.toMatch(/select|password|\.ts/)
    const line = server.log.find((entry) => entry.msg === 'request failed' && entry.requestId === json.requestId)
    expect(line).toMatchObject({ level: 50, err: { message: expect.stringContaining('select secret') } })
  })

  test('that are known to the application are told as their problem', async () => {
    const { status, json, response } = await call('/v1/things/away')
    expect([status, json.code, response.headers.get('retry-after')]).toEqual([503, 'store-unavailable', '2'])
    const line = server.log.find((entry) => entry.requestId === json.requestId && entry.level === 40)
    expect(line).toMatchObject({ code: 'store-unavailable', err: { message: 'connection refused' } })
  })

  test('say when to try again, in whole seconds', async () => {
    const { status, response } = await call('/v1/things/busy')
    expect([status, response.headers.get('retry-after')]).toEqual([429, '3'])
  })

  test('an answer with a field that its schema does not know is an error under test', async () => {
    expect((await call('/v1/things/leaky')).status).toBe(500)
  })
})
