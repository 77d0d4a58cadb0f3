/** A key in a file of DATA_DIR: read where it is there, made once where it is not. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Undefined where there is no such file. Throws what else keeps it from being read. */
export const readKeyFile = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Writes the key (mode 0600, its folder 0700) unless somebody else just has, and returns what the file then holds.
 * Written aside and linked into place: two first starts at once agree on one key, and a crash leaves no half of one.
 */
export const makeKeyFile = async (path: string, key: string | Buffer): Promise<string> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(aside, key, { mode: 0o600, flag: 'wx', flush: true })
  try {
    await link(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await unlink(aside)
  }
  return readFile(path, 'utf8')
}
