/** The program compiled, in a cache inside the folder of the packages. Plain JavaScript: nothing compiles this. */
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, realpath, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compile } from './compile.mjs'
import { contentsOf, hashOf } from './contents.mjs'
import { mustBeNoMoreOpen, mustBeOurs, ownFolder } from './own-folder.mjs'

/** What the program is made of, below the root, and what decides how it is compiled: the lock file names the compiler. */
const SOURCES = ['src', 'projections', 'package.json', 'package-lock.json', 'tsconfig.json', 'scripts/start']

const HOUR_MS = 3_600_000
const WEEK_MS = 7 * 24 * HOUR_MS

/**
 * The folder with the program of the checkout `root` as its sources are now, compiled if it is not there yet. Several
 * starts may do this at once: each compiles in a folder of its own, and the first to be done names it. Throws where it
 * cannot be compiled, or cannot be kept where nobody else can write.
 *
 * @param {string} root
 * @returns {Promise<string>}
 */
export const compiledFrom = async (root) => {
  const checkout = await realpath(root)
  const sources = contentsOf(checkout, SOURCES)
  // Checkouts may share their packages, and with them the cache: the source maps lead to one of them.
  const stamp = hashOf(sources, checkout)
  const cache = await openCache(checkout)
  const known = await findWhole(cache, namesFor(stamp))
  if (known !== undefined) return known
  const made = await make(checkout, sources, cache, namesFor(stamp))
  // Somebody else's may lie there, and what cannot be removed is no reason not to start.
  await removeOldOnes(cache, made).catch(() => {})
  return made
}

/** For as long as this process runs: it may load more of the folder at any time, a worker for instance. */
export const keepInUse = (folder) => {
  setInterval(() => markUsed(folder), HOUR_MS).unref()
}

/**
 * Its names can be told by anybody who has the sources, and so can what makes a folder whole. So what is found there is
 * run only because nobody but us and root can have put it there. The folders around it may be open to others, as `npm ci`
 * makes them under many a umask: who can write among the packages can change those, and run in any case; but nobody can
 * make a folder that belongs to us. Only who could not do that must not be able to put one of ours away, either.
 */
const openCache = async (checkout) => {
  const packages = await realpath(join(checkout, 'node_modules'))
  const cache = join(packages, '.cache')
  // Others of these packages keep something there too.
  await mkdir(cache, { mode: 0o755 }).catch(() => {})
  await mustBeNoMoreOpen(cache, packages)
  return ownFolder(join(cache, 'strongroom'))
}

/** What is broken stays where it is, since somebody may have put it right by now and run it: the next name is taken. */
const namesFor = (stamp) => [stamp, ...Array.from({ length: 9 }, (_, n) => `${stamp}-${n + 2}`)]

const findWhole = async (cache, names) => {
  for (const name of names) {
    const folder = join(cache, name)
    if (await isWhole(folder)) return folder
  }
  return undefined
}

const make = async (checkout, sources, cache, names) => {
  const workshop = await mkdtemp(join(cache, 'compiling-'))
  try {
    await compile(checkout, sources, workshop)
    await writeFile(join(workshop, SEAL), sealOf(workshop))
    return await nameIt(workshop, cache, names)
  } finally {
    await rm(workshop, { recursive: true, force: true })
  }
}

const nameIt = async (workshop, cache, names) => {
  let last
  for (const name of names) {
    const folder = join(cache, name)
    try {
      await rename(workshop, folder)
      return folder
    } catch (error) {
      last = error
    }
    // Another start that was faster has made the same, and runs it by now.
    if (await isWhole(folder)) return folder
  }
  throw last
}

/** Inside: a hash over all else that runs. After a power cut there may be files that were named and never written. */
const SEAL = 'seal'

/** Throws where there is something that others than we can have put there, or can change. */
const isWhole = async (folder) => {
  try {
    await mustBeOurs(folder)
  } catch (error) {
    if (error.code === 'ENOENT') return false
    throw error
  }
  // Before it is looked at: from now on nobody takes it for an old one.
  await markUsed(folder)
  try {
    return readFileSync(join(folder, SEAL), 'utf8') === sealOf(folder)
  } catch {
    return false
  }
}

const sealOf = (folder) => hashOf(contentsOf(folder, ['.'], (path) => path.endsWith('.js') || path.endsWith('.json')))

/** Where it cannot be written to it is not removed either. */
const markUsed = (folder) => {
  const now = new Date()
  return utimes(folder, now, now).catch(() => {})
}

/** Not those that somebody has used lately: a process that runs may load more of it. */
const removeOldOnes = async (cache, current) => {
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
    if (path !== current && age > WEEK_MS) await rm(path, { recursive: true, force: true })
  }
}
