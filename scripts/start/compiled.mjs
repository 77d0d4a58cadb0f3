/** The program compiled, in a cache inside the folder of the packages. Plain JavaScript: nothing compiles this. */
import { createHash } from 'node:crypto'
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join, relative } from 'node:path'

/** What the program is made of, below the root, and what decides how it is compiled: the lock file names the compiler. */
const SOURCES = ['src', 'projections', 'package.json', 'package-lock.json', 'tsconfig.json', 'scripts/start']

/** src/platform/web-page.ts knows by this name that the checkout is around it. */
const CACHE = 'node_modules/.cache/strongroom'

const WEEK_MS = 7 * 86_400_000

/**
 * The folder with `root`'s program as its sources are now, compiled if it is not there yet. Several starts may do this at
 * once: each compiles in a folder of its own, and the first to be done names it. Throws where it cannot be compiled or
 * cannot be kept.
 *
 * @param {string} root
 * @returns {Promise<string>}
 */
export const compiledFrom = async (root) => {
  const sources = await filesBelow(root, SOURCES)
  const stamp = await hashOf(root, sources)
  const cache = join(root, CACHE)
  const target = join(cache, stamp)
  if (await isWhole(target)) {
    const now = new Date()
    await utimes(target, now, now).catch(() => {})
    return realpath(target)
  }
  await mkdir(cache, { recursive: true })
  const workshop = await mkdtemp(join(cache, 'compiling-'))
  try {
    await compile(
      root,
      sources.filter((path) => path.endsWith('.ts')),
      workshop,
    )
    await writeFile(join(workshop, SEAL), await sealOf(workshop))
    await rename(workshop, target).catch(async () => {
      // Another start that was faster has made the same, and runs it by now; or there is what a power cut left.
      if (await isWhole(target)) return
      await rm(target, { recursive: true, force: true })
      await rename(workshop, target)
    })
  } finally {
    await rm(workshop, { recursive: true, force: true })
  }
  await removeOldOnes(cache, stamp)
  return realpath(target)
}

/** Each file by itself, at the same place, so that what looks for a neighbour of its own file finds it. */
const compile = async (root, files, outdir) => {
  const esbuild = await import('esbuild')
  try {
    await esbuild.build({
      absWorkingDir: root,
      entryPoints: files,
      outbase: root,
      outdir,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      sourcemap: true,
      sourcesContent: false,
      logLevel: 'silent',
      // Only to be asked about the imports: nothing is put into one file.
      bundle: true,
      plugins: [{ name: 'imports', setup: leaveImports }],
    })
  } finally {
    await esbuild.stop()
  }
  await copyFile(join(root, 'package.json'), join(outdir, 'package.json'))
}

const leaveImports = (build) => {
  build.onResolve({ filter: /.*/ }, ({ kind, path }) => {
    if (kind === 'entry-point') return undefined
    return { path: path.startsWith('.') ? path.replace(/\.ts$/, '.js') : path, external: true }
  })
}

/** Inside: a hash over all else that runs. After a power cut there may be files that were named and never written. */
const SEAL = 'seal'

const isWhole = async (folder) => {
  const seal = await readFile(join(folder, SEAL), 'utf8').catch(() => undefined)
  return seal !== undefined && seal === (await sealOf(folder).catch(() => undefined))
}

const sealOf = async (folder) => {
  const files = await filesBelow(folder, ['.'])
  return hashOf(
    folder,
    files.filter((path) => path.endsWith('.js') || path.endsWith('.json')),
  )
}

/** Over names and contents: times differ between clones, and a checkout sets them anew. */
const hashOf = async (folder, paths) => {
  const hash = createHash('sha256')
  const contents = await Promise.all(paths.map((path) => readFile(join(folder, path))))
  for (const [n, path] of paths.entries()) hash.update(`${path}\0${contents[n].length}\0`).update(contents[n])
  return hash.digest('hex').slice(0, 32)
}

const filesBelow = async (folder, names) => {
  const lists = await Promise.all(
    names.map(async (name) => {
      if (!(await stat(join(folder, name))).isDirectory()) return [name]
      const entries = await readdir(join(folder, name), { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    }),
  )
  return lists.flat().sort()
}

/** Not those that somebody has started lately: a process that runs may load more of it. */
const removeOldOnes = async (cache, current) => {
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
    if (name !== current && age > WEEK_MS) await rm(path, { recursive: true, force: true })
  }
}
