/** Server-sent events: bounded, alive, and gone without a trace. */

import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { Problem } from '../../src/http/problem.ts'
import { openEventStreams, type ServerSentEvent } from '../../src/http/resources/event-streams.ts'

const yes = async () => true

/** Silent until the abort. */
async function* silence(signal: AbortSignal): AsyncGenerator<ServerSentEvent> {
  await delay(2 ** 31 - 1, undefined, { signal }).catch(() => {})
}

const readable = ({ data }: { readonly data: unknown }): Readable => {
  if (!(data instanceof Readable)) throw new Error('no stream')
  return data
}

const textOf = async (stream: Readable): Promise<string> => {
  let text = ''
  for await (const piece of stream) text += piece
  return text
}

test('a message is a frame, and text in it that looks like one does not become one', async () => {
  const streams = openEventStreams()
  const content = streams.start(
    'a',
    async function* () {
      yield { id: '7', event: 'x', data: { text: 'a\n\nid: 9\ndata: b\r\u2028' } }
      yield { data: null }
    },
    yes,
  )
  expect(content.type).toBe('text/event-stream')
  expect(await textOf(readable(content))).toBe(
    `id: 7\nevent: x\ndata: {"text":"a\\n\\nid: 9\\ndata: b\\r\u2028"}\n\ndata: null\n\n`,
  )
})

test('heartbeats are comments, and the stream ends once it may not go on', async () => {
  const streams = openEventStreams({ heartbeatMs: 5 })
  let asked = 0
  const content = streams.start('a', silence, async () => ++asked < 3)
  expect(await textOf(readable(content))).toMatch(/^(:\n\n){2,}$/)
})

test('it ends where nobody can say whether it may go on', async () => {
  const streams = openEventStreams({ heartbeatMs: 5 })
  const content = streams.start('a', silence, () => Promise.reject(new Error('the database is away')))
  expect(await textOf(readable(content))).toMatch(/^(:\n\n)+$/)
})

test('a reader that stands still holds up the source, and heartbeats do not pile up', async () => {
  const streams = openEventStreams({ heartbeatMs: 1 })
  let made = 0
  let beats = 0
  const content = streams.start(
    'a',
    async function* () {
      for (;;) {
        made += 1
        yield { data: 'x'.repeat(10_000) }
      }
    },
    async () => ++beats > 0,
  )
  const stream = readable(content)
  stream.read(0)
  await vi.waitFor(() => expect(beats).toBeGreaterThan(20))
  expect(made).toBeLessThan(5)
  expect(stream.readableLength).toBeLessThan(50_000)
  stream.destroy()
})

test('a reader that leaves ends the source at once and gives its place free', async () => {
  const streams = openEventStreams({ perOwner: 1 })
  let signal: AbortSignal | undefined
  const first = readable(
    streams.start(
      'a',
      (given) => {
        signal = given
        return silence(given)
      },
      yes,
    ),
  )
  first.read(0)
  expect(() => streams.start('a', silence, yes)).toThrow(Problem)
  expect(() => streams.start('b', silence, yes)).not.toThrow()
  first.destroy()
  expect(signal?.aborted).toBe(true)
  await vi.waitFor(() => expect(() => streams.start('a', silence, yes)).not.toThrow())
  streams.close()
})

test('a HEAD, which destroys the stream unread, leaves nothing behind', async () => {
  const streams = openEventStreams({ perOwner: 1 })
  const asked = vi.fn(silence)
  readable(streams.start('a', asked, yes)).destroy()
  await vi.waitFor(() => expect(() => streams.start('a', silence, yes)).not.toThrow())
  expect(asked).not.toHaveBeenCalled()
  streams.close()
})

test('closing ends all of them as a whole, and nobody begins another', async () => {
  const streams = openEventStreams()
  const texts = ['a', 'b'].map((owner) => textOf(readable(streams.start(owner, silence, yes))))
  streams.close()
  expect(await Promise.all(texts)).toEqual(['', ''])
  expect(() => streams.start('a', silence, yes)).toThrow('stopping')
})

test('a source that fails cuts the stream', async () => {
  const streams = openEventStreams()
  const content = streams.start(
    'a',
    () => {
      throw new Error('the store refuses')
    },
    yes,
  )
  await expect(textOf(readable(content))).rejects.toThrow('the store refuses')
})
