import { once } from 'node:events'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { endpoint, raw, start } from './support.ts'

function streamOf(data: () => Readable, onSignal: (signal: AbortSignal) => void = () => {}) {
  return endpoint({
    method: 'GET',
    path: '/v1/stream',
    summary: '',
    tag: '',
    auth: 'none',
    responses: { 200: { description: '', mediaTypes: ['text/event-stream'] } },
    handler: (context) => {
      onSignal(context.request.signal)
      return { status: 200, content: { type: 'text/event-stream', data: data() } }
    },
  })
}

const ask = 'GET /v1/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

test('headers go out before the first piece, and a client that leaves ends the stream and aborts the signal', async () => {
  const stream = new Readable({ read() {} })
  let signal: AbortSignal | undefined
  const server = await start({
    endpoints: [
      streamOf(
        () => stream,
        (given) => (signal = given),
      ),
    ],
  })
  const client = request(`${server.url}/v1/stream`).end()
  const [answer] = await once(client, 'response')
  expect(answer.statusCode).toBe(200)
  stream.push('data: 1\n\n')
  expect(String((await once(answer, 'data'))[0])).toBe('data: 1\n\n')
  expect([stream.destroyed, signal?.aborted]).toEqual([false, false])
  client.destroy()
  await vi.waitFor(() => expect([stream.destroyed, signal?.aborted]).toEqual([true, true]))
  await vi.waitFor(() => expect(server.log).toHaveLength(1))
  expect(server.log[0]).toMatchObject({ level: 30, aborted: true })
  await server.close()
})

test('the signal stays quiet when the answer is complete', async () => {
  let signal: AbortSignal | undefined
  const server = await start({
    endpoints: [
      streamOf(
        () => Readable.from(['a']),
        (given) => (signal = given),
      ),
    ],
  })
  await raw(server.port, ask)
  await vi.waitFor(() => expect(server.log).toHaveLength(1))
  expect(signal?.aborted).toBe(false)
  await server.close()
})

test('a stream that fails is cut so that half of it does not look whole, and the log says why', async () => {
  const failing = () =>
    Readable.from(
      (async function* () {
        yield 'one row\n'
        throw new Error('the database went away')
      })(),
    )
  const server = await start({ endpoints: [streamOf(failing)] })
  await expect(fetch(`${server.url}/v1/stream`).then((answer) => answer.text())).rejects.toThrow()
  await vi.waitFor(() => expect(server.log).toHaveLength(2))
  expect(server.log.find(({ level }) => level === 50)).toMatchObject({ err: { message: 'the database went away' } })
  await server.close()
})

test('a stream that is larger than memory should hold waits for the client', async () => {
  let made = 0
  const endless = () =>
    new Readable({
      read() {
        made += 1
        this.push(Buffer.alloc(65_536))
      },
    })
  const server = await start({ endpoints: [streamOf(endless)] })
  const client = request(`${server.url}/v1/stream`).end()
  const [answer] = await once(client, 'response')
  answer.pause()
  // Sockets and buffers take some megabytes; after that nothing more is made until the client reads.
  let before = -1
  await vi.waitFor(() => {
    const stopped = made === before
    before = made
    expect(stopped).toBe(true)
  })
  expect(made).toBeLessThan(1_000)
  client.destroy()
  await server.close()
})
