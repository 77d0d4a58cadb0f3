import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { lineSafe, lineSafeStream } from '../../src/exports/json-lines.ts'
import { BREAKS_LINES, hostileJson } from '../support/hostile.ts'

it('a line of JSON is one line for every reader, and means what it meant', () => {
  fc.assert(
    fc.property(hostileJson, (value) => {
      const line = lineSafe(JSON.stringify(value))
      expect(line).not.toMatch(BREAKS_LINES)
      expect(line).not.toContain('\n')
      expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

it('a stream of them is cut anywhere, in the middle of a character too', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(hostileJson, { maxLength: 4 }),
      fc.integer({ min: 1, max: 9 }),
      async (values, length) => {
        const lines = values.map((value) => `${JSON.stringify(value)}\n`.slice(0, 400)).join('')
        const bytes = Buffer.from(lines)
        const pieces = Array.from({ length: Math.ceil(bytes.length / length) }, (_, n) =>
          bytes.subarray(n * length, (n + 1) * length),
        )
        expect(await text(lineSafeStream(Readable.from(pieces, { objectMode: false })))).toBe(
          lineSafe(bytes.toString()),
        )
      },
    ),
    { numRuns: 40 },
  )
})

it('a byte order mark is a character like any other, wherever a piece begins', async () => {
  const pieces = ['{"a":"', '\ufeffb\u2028', '\ufeff', '"}\n']
  const source = Readable.from(
    pieces.map((piece) => Buffer.from(piece)),
    { objectMode: false },
  )
  expect(await text(lineSafeStream(source))).toBe('{"a":"\ufeffb\\u2028\ufeff"}\n')
})

it('what goes wrong in a stream, and its end, are passed on', async () => {
  const failing = new Readable({ read() {} })
  const read = text(lineSafeStream(failing))
  failing.destroy(new Error('cut off'))
  await expect(read).rejects.toThrow('cut off')
  const source = new Readable({ read() {} })
  const safe = lineSafeStream(source)
  safe.destroy()
  await new Promise((closed) => source.once('close', closed))
})
