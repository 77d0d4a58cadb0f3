/** A bundle as one ZIP file, written while it is read. */
import { type PassThrough, Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import type { EvidenceFile } from './evidence.ts'

/** An error of a file becomes the stream's; a file cut off so has no directory, and no program opens it. */
export const zipOf = (files: readonly EvidenceFile[], madeAt: Date): Readable => {
  const zip = new ZipFile()
  const out = zip.outputStream as PassThrough
  let current: Readable | undefined
  for (const { name, content } of files) {
    zip.addReadStreamLazy(name, { mtime: madeAt, mode: 0o100644 }, (take) => {
      current = Readable.from(content(), { objectMode: false })
      current.once('error', (error) => out.destroy(error))
      take(null, current)
    })
  }
  zip.end()
  out.once('close', () => current?.destroy())
  return out
}
