import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { clearedHostCookie, hostCookie, readCookie } from '../../src/http/cookies.ts'
import { headersOnEveryAnswer, parseAnswer, type Running, raw, start } from './support.ts'

let server: Running
beforeAll(async () => {
  server = await start()
})
afterAll(() => server.close())

describe('headers', () => {
  test.each([
    ['an answer', '/v1/things', {}, 200],
    ['a 404', '/v1/nothing', {}, 404],
    ['a 405', '/v1/things', { method: 'PUT' }, 405],
    ['a 400', '/v1/things?x=1', {}, 400],
    ['a 413', '/v1/things', { method: 'POST', body: 'x'.repeat(100_000) }, 413],
    ['a 500', '/v1/things/broken', {}, 500],
    ['a stream', '/v1/things/stream', {}, 200],
    ['a preflight', '/v1/things', { method: 'OPTIONS', headers: { Origin: 'https://app.example' } }, 204],
    ['the document', '/openapi.json', {}, 200],
  ])('%s carries them all', async (_name, path, init, status) => {
    const response = await fetch(`${server.url}${path}`, init)
    await response.arrayBuffer()
    expect(response.status).toBe(status)
    for (const [name, value] of Object.entries(headersOnEveryAnswer)) expect(response.headers.get(name)).toMatch(value)
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(response.headers.has('x-powered-by')).toBe(false)
  })

  test('the request id is ours, whatever the client sends', async () => {
    const response = await fetch(`${server.url}/v1/things`, { headers: { 'X-Request-Id': 'mine' } })
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('the origin of an unsafe request', () => {
  const cases: [headers: Record<string, string>, allowed: boolean][] = [
    [{}, true],
    [{ 'Sec-Fetch-Site': 'same-origin' }, true],
    [{ 'Sec-Fetch-Site': 'same-origin', Origin: 'http://127.0.0.1:3000' }, true],
    [{ 'Sec-Fetch-Site': 'cross-site', Origin: 'https://app.example' }, true],
    [{ 'Sec-Fetch-Site': 'same-site', Origin: 'https://app.example' }, true],
    [{ Origin: 'https://app.example' }, true],
    [{ Origin: 'https://id.example' }, true],
    [{ 'Sec-Fetch-Site': 'cross-site' }, false],
    [{ 'Sec-Fetch-Site': 'same-site' }, false],
    [{ 'Sec-Fetch-Site': 'none' }, false],
    [{ 'Sec-Fetch-Site': '' }, false],
    [{ 'Sec-Fetch-Site': 'cross-site', Origin: 'https://id.example' }, false],
    [{ Origin: 'https://evil.example' }, false],
    [{ Origin: 'null' }, false],
    [{ Origin: '' }, false],
    [{ Origin: 'http://id.example' }, false],
    [{ Origin: 'https://id.example.evil' }, false],
    [{ Origin: 'https://app.example:444' }, false],
    [{ Origin: 'https://app.example, https://app.example' }, false],
  ]
  test.each(cases)('%j: allowed %s, with and without a cookie', async (headers, allowed) => {
    // Over a bare socket: fetch would set some of these by itself.
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const send = async (path: string, more: string) => {
      const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${lines.join('')}`
      return parseAnswer(await raw(server.port, `${head}${more}`))
    }
    const before = server.effects.length
    const withCookie = await send('/v1/logout', 'Cookie: __Host-session=u\r\n\r\n')
    const logIn = await send('/v1/things', 'Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{"name":"x"}')
    expect([withCookie.status, logIn.status]).toEqual(allowed ? [204, 201] : [403, 403])
    expect(server.effects.length - before).toBe(allowed ? 2 : 0)
    if (!allowed) expect(JSON.parse(withCookie.body).code).toBe('forbidden-origin')
  })

  test('does not matter where only an explicit token counts, nor for reading', async () => {
    const headers = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site', Authorization: 'Bearer good' }
    expect((await fetch(`${server.url}/v1/rebuild`, { method: 'POST', headers })).status).toBe(202)
    expect((await fetch(`${server.url}/v1/things`, { headers })).status).toBe(200)
  })

  test('a Bearer header does not open what the cookie opens', async () => {
    const headers = { Origin: 'https://evil.example', Authorization: 'Bearer good', Cookie: '__Host-session=u' }
    expect((await fetch(`${server.url}/v1/logout`, { method: 'POST', headers })).status).toBe(403)
  })
})

describe('CORS', () => {
  const preflight = { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' }

  test('lets listed origins in, with credentials', async () => {
    const answer = await fetch(`${server.url}/v1/things`, { headers: { Origin: 'https://app.example' } })
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true')
    expect(answer.headers.get('access-control-expose-headers')).toBe(
      'Consistency-Token,ETag,Location,Retry-After,X-Request-Id',
    )
    expect(answer.headers.get('vary')).toContain('Origin')
    const asked = await fetch(`${server.url}/v1/things`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://app.example', ...preflight },
    })
    expect(asked.status).toBe(204)
    expect(asked.headers.get('access-control-allow-headers')).toContain('Idempotency-Key')
  })

  test.each(['https://evil.example', 'null', 'https://id.example'])('says nothing to %s', async (origin) => {
    for (const init of [{}, { method: 'OPTIONS', headers: preflight }]) {
      const answer = await fetch(`${server.url}/v1/things`, { ...init, headers: { Origin: origin, ...init.headers } })
      const names = [...answer.headers.keys()].filter((name) => name.startsWith('access-control'))
      expect(names).toEqual([])
    }
  })

  test('is off where no origin is listed', async () => {
    const alone = await start({ allowedOrigins: [] })
    const answer = await fetch(`${alone.url}/v1/things`, { headers: { Origin: 'https://app.example' } })
    expect(answer.headers.has('access-control-allow-origin')).toBe(false)
    await alone.close()
  })
})

describe('cookies', () => {
  test('are bound to this host and hidden from scripts', () => {
    expect(hostCookie('__Host-session', 'abc')).toBe('__Host-session=abc; Path=/; HttpOnly; Secure; SameSite=Lax')
    expect(hostCookie('__Host-session', 'abc', 60)).toContain('Max-Age=60')
    expect(clearedHostCookie('__Host-session')).toMatch(/^__Host-session=; Max-Age=0; .*Path=\/.*Secure/)
  })

  test.each([
    ['__Host-session=a', 'a'],
    ['x=1;__Host-session=a ; y', 'a'],
    ['__Host-session=a=b', 'a=b'],
    ['__Host-session="a%20b"', '"a%20b"'],
    ['__host-session=a', undefined],
    ['__Host-session', undefined],
    ['__Host-session=', undefined],
    ['\u2000__Host-session=a', undefined],
    ['__Host-session=a; __Host-session=b', undefined],
    ['__Host-session=a; __Host-session=a', undefined],
    ['__Host-session=; __Host-session=a', undefined],
    [';;;=;=x;%%%', undefined],
    ['', undefined],
  ])('of %j the session is %j', (header, value) => {
    expect(readCookie(header, '__Host-session')).toBe(value)
  })

  test('in two Cookie headers are ambiguous too', async () => {
    const answer = await raw(
      server.port,
      'GET /v1/client HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: __Host-session=a\r\nCookie: __Host-session=b\r\n\r\n',
    )
    expect(JSON.parse(parseAnswer(answer).body).cookie).toBe('-')
  })
})

describe('the address of the client', () => {
  async function addressSeen(url: string, headers: Record<string, string>): Promise<string> {
    const answer = await fetch(`${url}/v1/client`, { headers })
    return JSON.parse(await answer.text()).address
  }

  test('is the socket, whatever the headers say, without a trusted proxy', async () => {
    for (const name of ['X-Forwarded-For', 'X-Real-IP', 'Forwarded', 'X-Client-IP', 'CF-Connecting-IP']) {
      expect(await addressSeen(server.url, { [name]: 'for=203.0.113.9' })).toBe('127.0.0.1')
      expect(await addressSeen(server.url, { [name]: '203.0.113.9' })).toBe('127.0.0.1')
    }
  })

  test('is what the nearest proxy that is trusted has seen, in one spelling', async () => {
    const behind = await start({ trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] })
    for (const [forwarded, seen] of [
      ['203.0.113.9', '203.0.113.9'],
      ['6.6.6.6, 203.0.113.9', '203.0.113.9'],
      ['6.6.6.6, 203.0.113.9, 10.1.2.3', '203.0.113.9'],
      ['::ffff:203.0.113.9', '203.0.113.9'],
      ['::ffff:cb00:7109', '203.0.113.9'],
      ['2001:DB8:0:0::1', '2001:db8::1'],
      ['<script>', '127.0.0.1'],
      ['203.0.113.9:1234', '127.0.0.1'],
      ['0300.1', '127.0.0.1'],
    ] as const) {
      expect([forwarded, await addressSeen(behind.url, { 'X-Forwarded-For': forwarded })]).toEqual([forwarded, seen])
    }
    expect(await addressSeen(behind.url, { 'X-Real-IP': '6.6.6.6', Forwarded: 'for=6.6.6.6' })).toBe('127.0.0.1')
    await behind.close()
  })
})

describe('the request log', () => {
  test('has one line per request with nothing in it that the client wants hidden', async () => {
    const quiet = await start()
    await fetch(`${quiet.url}/v1/things?text=query-secret&x=1`, {
      headers: {
        Cookie: '__Host-session=cookie-secret',
        Authorization: 'Bearer token-secret',
        'User-Agent': 'ua-secret',
      },
    })
    await fetch(`${quiet.url}/v1/things`, { method: 'POST', body: '{"name":"body-secret"}' })
    await vi.waitFor(() => expect(quiet.log).toHaveLength(2))
    expect(JSON.stringify(quiet.log)).not.toContain('secret')
    expect(quiet.log[0]).toMatchObject({ msg: 'request', method: 'GET', path: '/v1/things', status: 400 })
    expect(quiet.log[0]?.requestId).toMatch(/^[0-9a-f-]{36}$/)
    expect(quiet.log[0]?.durationMs).toBeTypeOf('number')
    await quiet.close()
  })
})
