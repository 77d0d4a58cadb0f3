import { chmod, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mail } from './compose.ts'
import { DeliveryFailed, type Envelope, type Transport } from './transport.ts'

export const mailFolderIn = (dataDir: string): string => join(dataDir, 'mail')

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

/** What `nameOf` made, finished or not: the event's id is in it. */
const NAME = /-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[a-z0-9_]+\.json(?:\.\d+\.tmp)?$/

/** The files in the folder by the event that each is about; none where there is no such folder. */
export const listMailFiles = async (folder: string): Promise<ReadonlyMap<string, readonly string[]>> => {
  const byEvent = new Map<string, string[]>()
  for (const name of await namesIn(folder)) {
    const eventId = NAME.exec(name)?.[1]
    if (eventId !== undefined) byEvent.set(eventId, [...(byEvent.get(eventId) ?? []), name])
  }
  return byEvent
}

/** Returns once they are gone for good, whatever becomes of the machine. */
export const removeMailFiles = async (folder: string, names: readonly string[]): Promise<void> => {
  if (names.length === 0) return
  for (const name of names) await rm(join(folder, name), { force: true })
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
