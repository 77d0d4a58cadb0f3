import { chmod, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mail } from './compose.ts'
import { DeliveryFailed, type Envelope, type Transport } from './transport.ts'

/**
 * Each mail becomes a file `{to, subject, text, html}` in the folder, for who runs without a mail server. A repeat
 * replaces the file. Only the owner may read: it holds a link that resets a password.
 */
export const openMailFiles = (folder: string): Transport => ({
  async send(mail, envelope) {
    const path = join(folder, nameOf(envelope))
    const unfinished = `${path}.${process.pid}.tmp`
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await chmod(folder, 0o700)
      await write(unfinished, mail)
      // Whole or not at all: who watches the folder never reads half a mail.
      await rename(unfinished, path)
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {})
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
      throw new DeliveryFailed(`the file of a mail cannot be written: ${code}`, false)
    }
  },
})

const write = async (path: string, { to, subject, text, html }: Mail): Promise<void> => {
  const handle = await open(path, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify({ to: to.address, subject, text, html }, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Names sort by time. */
const nameOf = ({ occurredAt, eventId, kind }: Envelope): string =>
  `${occurredAt.toISOString().replaceAll(':', '-')}-${eventId}-${kind}.json`
