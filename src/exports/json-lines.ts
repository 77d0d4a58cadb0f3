/**
 * Lines of JSON that are lines for everybody. JSON lets U+0085, U+2028 and U+2029 stand in a string, and some readers
 * end a line there (str.splitlines in Python); and C1 controls and DEL, which some terminals obey. They are written as
 * escapes, which mean the same to every parser of JSON.
 */
import type { Readable } from 'node:stream'
import { streamFrom } from '../platform/stream-from.ts'

/** `json`: as JSON.stringify or to_json have written it, in which every control below U+0020 is an escape already. */
export const lineSafe = (json: string): string =>
  json.replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/**
 * The same of a stream, in UTF-8. What holds none of these characters, as nearly all does, passes as the bytes it came
 * in. Its errors are passed on; destroying what comes back destroys it at once.
 */
export const lineSafeStream = (lines: Readable): Readable => {
  async function* parts(): AsyncGenerator<string | Buffer> {
    // A U+FEFF is none of its own where a chunk begins with one.
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    let inCharacter = false
    for await (const chunk of lines as AsyncIterable<Buffer>) {
      const endsInCharacter: boolean = chunk.length === 0 ? inCharacter : (chunk.at(-1) ?? 0) > ASCII
      const passes = !inCharacter && !endsInCharacter && !LEADING.some((byte) => chunk.includes(byte))
      inCharacter = endsInCharacter
      yield passes ? chunk : lineSafe(decoder.decode(chunk, { stream: true }))
    }
  }
  return streamFrom(parts(), () => lines.destroy())
}

const ASCII = 0x7f
/** First bytes of what lineSafe escapes: DEL, U+0080 to U+009F, U+2028 and U+2029. */
const LEADING = [0x7f, 0xc2, 0xe2]
