import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { Log, type LogEntry } from './log.ts'

/** A log kept in a file, a line per entry: what was acknowledged is there again after a restart or a kill. */
export function openLogFile(path: string): Log {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  // A kill may have cut the last line short; that entry was not acknowledged.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  const kept = lines.filter((line) => line !== '').map((line) => entrySchema.parse(JSON.parse(line)))
  return new Log(kept, (entry) => appendFileSync(path, `${JSON.stringify(entry, asText)}\n`))
}

const bytes = z.string().transform((text): Uint8Array => Buffer.from(text, 'base64'))
const whole = z.string().transform(BigInt)
const entrySchema: z.ZodType<LogEntry> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('events'),
    events: z.array(
      z.object({
        id: z.string(),
        type: z.string(),
        contentType: z.string(),
        data: bytes,
        metadata: bytes,
        stream: z.string(),
        revision: whole,
        position: whole,
        created: whole,
      }),
    ),
  }),
  z.object({ kind: z.literal('tombstone'), stream: z.string() }),
])

function asText(this: unknown, key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  // Before toJSON, which Buffer has and Uint8Array has not.
  const original = (this as Record<string, unknown>)[key]
  return original instanceof Uint8Array ? Buffer.from(original).toString('base64') : value
}
