import { text } from 'node:stream/consumers'
import { describe, expect, it, vi } from 'vitest'
import { streamFrom } from '../../src/platform/stream-from.ts'

async function* yielding(...pieces: readonly (string | Buffer)[]): AsyncGenerator<string | Buffer, void> {
  yield* pieces
}

const closed = (stream: NodeJS.EventEmitter) => new Promise<void>((resolve) => stream.once('close', resolve))

describe('a stream from a generator', () => {
  it('has its pieces in their order, empty ones too, and then ends its source', async () => {
    const endSource = vi.fn()
    const stream = streamFrom(yielding('a', '', Buffer.from('b'), 'c'.repeat(200_000), 'd'), endSource)
    const all = closed(stream)
    expect(await text(stream)).toBe(`ab${'c'.repeat(200_000)}d`)
    await all
    expect(endSource).toHaveBeenCalledTimes(1)
  })

  it('asks for no piece that nobody has room for', async () => {
    let asked = 0
    async function* endless() {
      for (;;) {
        asked += 1
        yield 'x'.repeat(50_000)
      }
    }
    const stream = streamFrom(endless(), () => {})
    stream.once('readable', () => {})
    await vi.waitFor(() => expect(asked).toBe(2))
    stream.read()
    await vi.waitFor(() => expect(asked).toBeGreaterThan(2))
    expect(asked).toBeLessThan(5)
    stream.destroy()
  })

  it('passes on what the generator throws, and ends its source', async () => {
    async function* failing() {
      yield 'a'
      throw new Error('broken')
    }
    const endSource = vi.fn()
    await expect(text(streamFrom(failing(), endSource))).rejects.toThrow('broken')
    expect(endSource).toHaveBeenCalledTimes(1)
  })

  it('is over when it is destroyed, whatever the generator waits for, which is closed as soon as its source gives up', async () => {
    const source = new AbortController()
    let asked = false
    let released = false
    async function* waiting() {
      try {
        asked = true
        await new Promise((_, fail) => source.signal.addEventListener('abort', () => fail(source.signal.reason)))
        yield 'never'
      } finally {
        released = true
      }
    }
    const stream = streamFrom(waiting(), () => source.abort())
    const errors: unknown[] = []
    stream.on('error', (error) => errors.push(error))
    const over = closed(stream)
    stream.resume()
    await vi.waitFor(() => expect(asked).toBe(true))
    stream.destroy(new Error('cut off'))
    await over
    expect(errors).toEqual([new Error('cut off')])
    await vi.waitFor(() => expect(released).toBe(true))
  })
})
