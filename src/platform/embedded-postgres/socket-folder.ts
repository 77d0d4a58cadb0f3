import { createHash } from 'node:crypto'
import { closeSync, lstatSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { DataDir } from './data-dir.ts'
import { codeOf, EmbeddedPostgresError } from './error.ts'
import type { ServerAccount } from './server-account.ts'
import { openOwnFolder } from './server-files.ts'

export const POSTGRES_PORT = 5432

/** What an address of a Unix socket can hold, without its closing zero byte. */
const SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103

/** How many folders of other users in the temp folder are stepped over. */
const MOST_SQUATTED = 100

/**
 * The folder of the server's socket: DATA_DIR/run. Where that path is too long for a socket it is a folder with a
 * short name under the temp folder, and DATA_DIR/run is a link to it, by which everyone who opens this DATA_DIR finds
 * the same one. Only the server's account (and root) can enter either.
 */
export function ensureSocketFolder(dataDir: DataDir, account: ServerAccount): string {
  const target = readLink(dataDir.run)
  if (target !== undefined && isGoodShortFolder(target, dataDir, account)) return target
  if (fits(dataDir.run)) {
    if (target !== undefined) rmSync(dataDir.run)
    makeFolder(dataDir.run, account)
    return dataDir.run
  }
  return makeShortFolder(dataDir, account)
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, `.s.PGSQL.${POSTGRES_PORT}`)) <= SOCKET_PATH_BYTES
}

function makeFolder(path: string, account: ServerAccount): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  closeSync(openOwnFolder(path, account))
}

/**
 * The name is the same for all who open this DATA_DIR, so that two first starts at once agree. Where somebody else has
 * taken it, the next one is tried.
 */
function makeShortFolder(dataDir: DataDir, account: ServerAccount): string {
  const base = fits(join(tmpdir(), `${shortName(dataDir)}99`)) ? tmpdir() : '/tmp'
  for (let attempt = 0; attempt < MOST_SQUATTED; attempt++) {
    const folder = join(base, `${shortName(dataDir)}${attempt}`)
    mkdirUnlessThere(folder)
    if (!isGoodShortFolder(folder, dataDir, account)) continue
    closeSync(openOwnFolder(folder, account))
    replaceByLink(dataDir.run, folder)
    return folder
  }
  throw new EmbeddedPostgresError(
    `the path of DATA_DIR ${dataDir.root} is too long for a socket, and other users hold every folder named ` +
      `${join(base, shortName(dataDir))}*: remove those, or set DATA_DIR to a shorter path`,
  )
}

function mkdirUnlessThere(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

function replaceByLink(path: string, target: string): void {
  const link = `${path}.new-${process.pid}`
  rmSync(link, { force: true })
  symlinkSync(target, link)
  // A folder in the place (DATA_DIR had a shorter path once) makes way; a link is replaced in one step.
  if (readLink(path) === undefined) rmSync(path, { recursive: true, force: true })
  renameSync(link, path)
}

/**
 * The temp folder is everybody's, and is cleaned: the link is believed only where it leads to a folder that nobody but
 * the server's account can have made or entered, and that was made for this DATA_DIR and not for one it was copied from.
 */
function isGoodShortFolder(path: string, dataDir: DataDir, account: ServerAccount): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined || !stats.isDirectory()) return false
  // Root's own: made by another start of ours that has not given it to the server's account yet.
  const owners = account.kind === 'other' ? [account.uid, 0] : [account.uid]
  return owners.includes(stats.uid) && (stats.mode & 0o077) === 0 && basename(path).startsWith(shortName(dataDir))
}

function shortName({ root }: DataDir): string {
  return `strongroom-${createHash('sha256').update(root).digest('hex').slice(0, 12)}-`
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if (['ENOENT', 'EINVAL'].includes(codeOf(error))) return undefined
    throw error
  }
}
