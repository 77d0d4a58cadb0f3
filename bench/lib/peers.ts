import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('..', import.meta.url))

/** Installs what bench/package-lock.json pins, where that has not been done. Throws with a sentence for the reader. */
export async function installPeers(): Promise<void> {
  if (isInstalled()) return
  process.stdout.write('Installing what we measure against (bench/package-lock.json) ...\n')
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: FOLDER,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = await once(npm, 'exit')
  if (code !== 0) {
    throw new Error(
      'The peers could not be installed (see above): `npm ci` in bench/ has to work, for which npm needs its registry.',
    )
  }
}

/** npm notes what it has installed; after a change of versions that differs from the lock file. */
function isInstalled(): boolean {
  const note = `${FOLDER}node_modules/.package-lock.json`
  if (!existsSync(note)) return false
  const installed = versions(readFileSync(note, 'utf8'))
  return Object.entries(versions(readFileSync(`${FOLDER}package-lock.json`, 'utf8'))).every(
    ([path, { version, optional }]) => path === '' || optional === true || installed[path]?.version === version,
  )
}

interface Locked {
  readonly version?: string
  readonly optional?: boolean
}

const versions = (lock: string) => (JSON.parse(lock) as { packages: Readonly<Record<string, Locked>> }).packages

/**
 * A peer by its name. Not imported in the usual way: the types of a package that is not installed on a clean clone
 * would keep the whole repository from compiling. `T` says what of it we use.
 */
export async function importPeer<T>(name: string): Promise<T> {
  return (await import(name)) as T
}

export function versionOf(name: string): string {
  return (JSON.parse(readFileSync(`${FOLDER}node_modules/${name}/package.json`, 'utf8')) as { version: string }).version
}
