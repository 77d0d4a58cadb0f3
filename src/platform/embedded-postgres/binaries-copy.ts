import { chmodSync, lstatSync, mkdirSync, statSync } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, mkdtemp, readdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Installation } from './binaries.ts'
import { codeOf, EmbeddedPostgresError } from './error.ts'
import type { ServerAccount } from './server-account.ts'

/**
 * Copies an installation to where the server's account can run it and returns the copy's home. A complete copy from an
 * earlier start is used again. An ordinary user's copy goes to `copyInto`.
 * Throws EmbeddedPostgresError.
 */
export async function copyBinaries(
  { home, version }: Installation,
  account: ServerAccount,
  copyInto: string,
  sharedParents: readonly string[],
): Promise<string> {
  const base = account.kind === 'other' ? makeSharedBase(sharedParents) : copyInto
  const copy = join(base, `postgres-${version}-${process.platform}-${process.arch}`)
  if (!(await isComplete(home, join(copy, 'native')))) await makeCopy(home, base, copy)
  return join(copy, 'native')
}

/**
 * Where root's copy goes: the system's cache, which only root can write and nobody cleans; or, in a container whose root
 * file system is read-only, the temp folder. There others can make folders too, so one that exists already is
 * believed only as far as its owner and mode go.
 */
export function makeSharedBase(parents: readonly string[]): string {
  const bases = parents.map((parent) => join(parent, 'strongroom-postgres'))
  const usable = bases.find((base) => makeFolder(base) && isRootsAlone(base) && canAllEnter(base))
  if (usable !== undefined) return usable
  throw new EmbeddedPostgresError(
    `PostgreSQL refuses to run as root and no other user could run its programs (${bases.join(' or ')} must be a folder ` +
      'of root, mode 755): run Strongroom as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own',
  )
}

function makeFolder(folder: string): boolean {
  try {
    mkdirSync(folder)
    chmodSync(folder, 0o755)
    return true
  } catch (error) {
    return codeOf(error) === 'EEXIST'
  }
}

function isRootsAlone(folder: string): boolean {
  const stats = lstatSync(folder)
  return stats.isDirectory() && stats.uid === 0 && (stats.mode & 0o022) === 0
}

function canAllEnter(folder: string): boolean {
  if ((statSync(folder).mode & 0o001) === 0) return false
  return folder === dirname(folder) || canAllEnter(dirname(folder))
}

/** Compares sizes only: the copy's folder is ours alone, so what is feared is a cleaner of old files, not a forger. */
async function isComplete(from: string, to: string): Promise<boolean> {
  try {
    const entries = await readdir(from, { withFileTypes: true })
    const same = entries.filter(isNeeded).map(async (entry) => {
      const [source, target] = [join(from, entry.name), join(to, entry.name)]
      if (entry.isDirectory()) return isComplete(source, target)
      const [wanted, found] = await Promise.all([lstat(source), lstat(target)])
      return entry.isSymbolicLink() || wanted.size === found.size
    })
    return (await Promise.all(same)).every(Boolean)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** Copies beside the place and renames, so that a copy under its final name is a whole one. */
async function makeCopy(home: string, base: string, copy: string): Promise<void> {
  const unfinished = await mkdtemp(`${copy}.`)
  try {
    await copyTree(home, join(unfinished, 'native'))
    await chmod(unfinished, 0o755)
    await moveIntoPlace(unfinished, copy)
  } catch (error) {
    throw new EmbeddedPostgresError(
      `the PostgreSQL programs cannot be copied to ${base} (${codeOf(error) || String(error)}): ` +
        'make room or give write access there, or set DATABASE_URL to a PostgreSQL of your own',
      { cause: error },
    )
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function moveIntoPlace(unfinished: string, copy: string): Promise<void> {
  try {
    await rename(unfinished, copy)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) throw error
    // Another process was faster, or an old copy has lost files.
    await moveOver(unfinished, copy)
  }
}

/** File by file, each in one step: somebody may be starting a server from the copy at this very moment. */
async function moveOver(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (!entry.isDirectory()) {
      await rename(source, target)
      continue
    }
    await mkdir(target, { recursive: true })
    await chmod(target, 0o755)
    await moveOver(source, target)
  }
}

/** Readable by all whatever the umask was when npm unpacked the originals, writable by the owner. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to)
  await chmod(to, 0o755)
  const entries = await readdir(from, { withFileTypes: true })
  await Promise.all(
    entries.filter(isNeeded).map(async (entry) => {
      const [source, target] = [join(from, entry.name), join(to, entry.name)]
      if (entry.isDirectory()) return copyTree(source, target)
      if (entry.isSymbolicLink()) return symlink(await readlink(source), target)
      await copyFile(source, target)
      const { mode } = await lstat(source)
      await chmod(target, mode & 0o100 ? 0o755 : 0o644)
    }),
  )
}

/** Archives for linking C programs are a tenth of the whole and of no use here. */
function isNeeded(entry: { readonly name: string }): boolean {
  return !entry.name.endsWith('.a')
}
