import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { setPriority } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'

export interface BuildOptions {
  /** Of the checkout. */
  readonly root: string
  readonly dataDir: string
  readonly signal: AbortSignal
}

/** What the page is made of, below the root. */
const SOURCES = [
  'package-lock.json',
  'web/package.json',
  'web/index.html',
  'web/vite.config.ts',
  'web/build',
  'web/src',
]

const DAY_MS = 86_400_000

/**
 * The folder with the page as the sources are now, built if it is not there yet. Several processes may do this at once:
 * each builds in a folder of its own, and the first to be done names it. Throws where it cannot be built, with what Vite
 * has said.
 */
export const buildFromSources = async ({ root, dataDir, signal }: BuildOptions): Promise<string> => {
  const stamp = await stampOf(root)
  const cache = await cacheFolder(root, dataDir)
  const target = join(cache, stamp)
  if (await exists(target)) return target
  const workshop = await mkdtemp(join(cache, 'building-'))
  try {
    const built = join(workshop, 'web')
    await runVite(root, built, signal)
    // Another process that was faster has made the same.
    await rename(built, target).catch(async (error: unknown) => {
      if (!(await exists(target))) throw error
    })
  } finally {
    await rm(workshop, { recursive: true, force: true })
  }
  await removeOldOnes(cache, stamp)
  return target
}

/** A hash over names and contents: times differ between clones, and a checkout sets them anew. */
const stampOf = async (root: string): Promise<string> => {
  const hash = createHash('sha256')
  for (const source of SOURCES) {
    for (const path of await filesBelow(root, source)) {
      const content = await readFile(join(root, path))
      hash.update(`${path.replaceAll(sep, '/')}\0${content.length}\0`).update(content)
    }
  }
  return hash.digest('hex').slice(0, 32)
}

const filesBelow = async (root: string, path: string): Promise<readonly string[]> => {
  if (!(await stat(join(root, path))).isDirectory()) return [path]
  const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}

/**
 * The one among the packages, unless it belongs to somebody else or others can write to it: what lies under the name
 * that anybody can tell from the sources is sent to browsers as ours. DATA_DIR has the keys, and is guarded anyway.
 */
const cacheFolder = async (root: string, dataDir: string): Promise<string> => {
  const amongPackages = join(root, 'node_modules/.cache/strongroom-web')
  try {
    await makeWritable(amongPackages)
    await mustBeOurs(amongPackages)
    return amongPackages
  } catch {
    return makeWritable(join(dataDir, 'web'))
  }
}

/** For us alone where it is missing: see mustBeOurs, and scripts/start/own-folder.mjs. */
const makeWritable = async (folder: string): Promise<string> => {
  // What it is in may be everybody's.
  await mkdir(dirname(folder), { recursive: true })
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await rm(await mkdtemp(join(folder, 'probe-')), { recursive: true })
  return folder
}

const mustBeOurs = async (folder: string): Promise<void> => {
  const { uid, mode } = await lstat(folder)
  const us = process.getuid?.()
  if (us === undefined) return
  if ((uid !== us && uid !== 0) || (mode & 0o022) !== 0) throw new Error(`others can write to ${folder}`)
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

const runVite = (root: string, outDir: string, signal: AbortSignal): Promise<void> => {
  const vite = createRequire(join(root, 'web/package.json')).resolve('vite/package.json')
  const options = ['build', '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn', '--configLoader', 'runner']
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(dirname(vite), 'bin/vite.js'), ...options], {
      cwd: join(root, 'web'),
      // Nothing of our environment: it may hold secrets, and decides nothing about the page.
      env: { NODE_ENV: 'production' },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    })
    // Requests come first.
    if (child.pid !== undefined) setPriority(child.pid, 10)
    let said = ''
    const listen = (chunk: Buffer) => {
      said += chunk.toString()
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`vite build ended with ${code}: ${said.trim()}`))
    })
  })
}

/** Not the young ones: another process may be serving or building them. */
const removeOldOnes = async (cache: string, current: string): Promise<void> => {
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
    if (name !== current && age > DAY_MS) await rm(path, { recursive: true, force: true })
  }
}
