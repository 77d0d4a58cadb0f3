import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { CannotListen, listen } from '../../src/http/server.ts'
import { headersOnEveryAnswer, parseAnswer, type Running, raw, start } from './support.ts'

let server: Running
beforeAll(async () => {
  server = await start({}, { headersMs: 200, requestMs: 400 })
})
afterAll(() => server.close())

describe('what never becomes a request', () => {
  test.each([
    ['a line that is no request', 'hello\r\n\r\n', 400],
    ['a TLS handshake', Buffer.from('16030100a5010000a10303', 'hex'), 400],
    ['HTTP/9.9', 'GET / HTTP/9.9\r\n\r\n', 400],
    ['an unknown method', 'HACK / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['a control character in a header', 'GET / HTTP/1.1\r\nHost: x\r\nA: b\x01c\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na', 400],
    [
      'a length beside chunks',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    ['a path without end', `GET /${'x'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n', 405],
    ['headers that do not come', 'GET / HTTP/1.1\r\nHost: x\r\n', 408],
    ['no Host', 'GET /v1/things HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['an address that is none', 'GET http://[::x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404],
  ])('%s gets a problem with all headers, then the socket closes', async (_name, bytes, status) => {
    const answer = parseAnswer(await raw(server.port, bytes))
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    for (const [name, value] of Object.entries(headersOnEveryAnswer)) expect(answer.headers.get(name)).toMatch(value)
    const body = JSON.parse(answer.body)
    expect(body).toMatchObject({ status, requestId: answer.headers.get('x-request-id') })
    expect(Buffer.byteLength(answer.body)).toBe(Number(answer.headers.get('content-length')))
  })

  test('a body that does not come is 408', async () => {
    const bytes = 'POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{'
    expect(parseAnswer(await raw(server.port, bytes)).status).toBe(408)
  })

  test('broken chunks are 400', async () => {
    const bytes = 'POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'
    expect(parseAnswer(await raw(server.port, bytes)).status).toBe(400)
  })

  test('a client that leaves amid its body leaves no error in the log', async () => {
    const socket = connect(server.port, '127.0.0.1')
    socket.write('POST /v1/things HTTP/1.1\r\nHost: leaving\r\nContent-Length: 5\r\n\r\n{')
    const before = server.log.length
    await once(socket, 'connect')
    socket.end(() => socket.destroy())
    await vi.waitFor(() => expect(server.log.length).toBeGreaterThan(before))
    expect(server.log.filter((line) => line.level === 50)).toEqual([])
  })
})

describe('Expect', () => {
  const head = (length: number, expectation: string) =>
    `POST /v1/things HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\nExpect: ${expectation}\r\n\r\n`

  test('100-continue: the body is asked for when it is wanted', async () => {
    const text = await raw(server.port, `${head(12, '100-continue')}{"name":"x"}`)
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /)
  })

  test('100-continue: a body that is too large is never asked for', async () => {
    const text = await raw(server.port, head(1_048_576, '100-continue'))
    expect(text).toMatch(/^HTTP\/1\.1 413 /)
  })

  test('anything else counts for nothing', async () => {
    expect(parseAnswer(await raw(server.port, `${head(12, 'miracles')}{"name":"x"}`)).status).toBe(201)
  })
})

test('a refused body is not read for ever', async () => {
  // With the production time limits: it is the amount that ends it.
  const patient = await start()
  const socket = connect(patient.port, '127.0.0.1')
  // An error is one way for the end to reach us: the server does not wait until we have read everything.
  const cut = new Promise((resolve) => socket.on('error', resolve).on('close', resolve))
  socket.write(
    'POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 200000000\r\n\r\n',
  )
  const chunk = Buffer.alloc(65_536)
  let sent = 0
  const pump = () => {
    do sent += chunk.length
    while (socket.write(chunk) && sent < 200_000_000)
  }
  socket.on('drain', pump)
  pump()
  socket.resume()
  await cut
  expect(sent).toBeLessThan(100_000_000)
  await patient.close()
})

describe('closing', () => {
  /** A server whose one request waits until it is told to go on. */
  async function waiting(graceMs: number) {
    let goOn = () => {}
    let arrived = () => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const held = await listen(
      (_request, response) => {
        arrived()
        goOn = () => void response.end('done')
      },
      { port: 0, host: '127.0.0.1', timeouts: { graceMs } },
    )
    return { ...held, arrival, goOn: () => goOn() }
  }

  test('lets a request finish, takes no new one, and ends idle and silent connections', async () => {
    const held = await waiting(10_000)
    const silent = connect(held.port, '127.0.0.1')
    await once(silent, 'connect')
    const answer = fetch(`http://127.0.0.1:${held.port}/`)
    await held.arrival
    const silentEnd = once(silent, 'close')
    const closed = held.close()
    await silentEnd
    await expect(fetch(`http://127.0.0.1:${held.port}/`)).rejects.toThrow()
    held.goOn()
    expect(await (await answer).text()).toBe('done')
    await closed
  })

  test('cuts what does not end within the grace, and may be asked twice', async () => {
    const held = await waiting(50)
    const answer = fetch(`http://127.0.0.1:${held.port}/`)
    const outcome = expect(answer).rejects.toThrow()
    await held.arrival
    await Promise.all([held.close(), held.close()])
    await outcome
  })
})

describe('a place that cannot be listened on', () => {
  test('is told in one sentence', async () => {
    const port = server.port
    const again = listen(() => {}, { port, host: '127.0.0.1' })
    await expect(again).rejects.toThrow(
      new CannotListen(
        `Port ${port} on 127.0.0.1 is taken by another program: stop it, or set PORT to another number.`,
      ),
    )
    await expect(again).rejects.toBeInstanceOf(CannotListen)
    await expect(listen(() => {}, { port: 0, host: '192.0.2.1' })).rejects.toThrow(/^This machine has no address/)
  })
})
