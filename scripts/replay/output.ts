/** Where lines go: to a pipe that may be slow or close early, or into a file that is there only once it is whole. */
import { open, rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Resolves once all is written. A reader that has seen enough (`head`) is no error. */
export const writeLines = async (lines: AsyncIterable<string>, out: NodeJS.WriteStream): Promise<void> => {
  try {
    await pipeline(Readable.from(pieces(lines)), out, { end: false })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error
  }
}

/** Replaces the file; what is interrupted leaves no half of one. */
export const writeFileOfLines = async (lines: AsyncIterable<string>, path: string): Promise<void> => {
  const part = `${path}.${process.pid}.part`
  const file = await open(part, 'wx', 0o600)
  try {
    for await (const piece of pieces(lines)) await file.appendFile(piece)
    await file.sync()
    await file.close()
    await rename(part, path)
  } catch (error) {
    await file.close().catch(() => {})
    await rm(part, { force: true })
    throw error
  }
}

const PIECE = 65_536

async function* pieces(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let piece = ''
  for await (const line of lines) {
    piece += `${line}\n`
    if (piece.length < PIECE) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}
