/** `npm start` in a checkout of a few lines, with the packages of ours. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'

const OURS = fileURLToPath(new URL('../..', import.meta.url))
const CACHE = 'node_modules/.cache/strongroom'
const PATIENT = 60_000

const NOBODY = 65_534
const asRoot = process.getuid?.() === 0

const MAIN = `import packageJson from '../package.json' with { type: 'json' }
import { type Greeting, greet } from './greet.ts'

type Unused = string

export const run = async ({ checkout }: { readonly checkout: string }) => {
  const greeting: Greeting = greet(packageJson.name)
  console.log(greeting, import.meta.url.endsWith('.ts') ? 'by tsx' : 'compiled')
  if (process.env.TELL) console.log(checkout, import.meta.url)
  if (process.env.FAIL) throw new Error('asked for')
  if (process.env.LINGER) setTimeout(() => {}, 2 ** 31 - 1)
}
`

const SOURCES: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "ada", "type": "module" }',
  'package-lock.json': '{}',
  'tsconfig.json': '{ "compilerOptions": { "verbatimModuleSyntax": true } }',
  'projections/none.ts': 'export {}\n',
  'src/greet.ts': `export type Greeting = string\n\nexport const greet = (name: string): Greeting => 'hello ' + name\n`,
  'src/main.ts': MAIN,
}

const SLOWER = 'Strongroom runs from uncompiled sources, which is slower: '

const makeFolder = async (): Promise<string> => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'strongroom-start-')))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const makeCheckout = async (): Promise<string> => {
  const root = await makeFolder()
  for (const [path, content] of Object.entries(SOURCES)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
  // Whatever the umask is here.
  await mkdir(join(root, 'node_modules'), { mode: 0o755 })
  for (const name of ['esbuild', 'tsx'])
    await symlink(join(OURS, 'node_modules', name), join(root, 'node_modules', name))
  await cp(join(OURS, 'scripts/start'), join(root, 'scripts/start'), { recursive: true })
  await cp(join(OURS, 'scripts/start.mjs'), join(root, 'scripts/start.mjs'))
  return root
}

const start = (root: string, env: Readonly<Record<string, string>> = {}): Promise<{ out: string; errors: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'scripts/start.mjs')], { env }, (_error, out, errors) =>
      resolve({ out: out.trim(), errors: errors.trim() }),
    )
  })

const cached = async (root: string): Promise<readonly string[]> => (await readdir(join(root, CACHE))).sort()
const only = async (root: string): Promise<string> => {
  const names = await cached(root)
  expect(names).toHaveLength(1)
  return join(root, CACHE, names[0] ?? '')
}

describe('npm start', () => {
  it(
    'compiles the sources once, and runs what it has compiled from then on',
    async () => {
      const root = await makeCheckout()
      expect(await start(root)).toEqual({ out: 'hello ada compiled', errors: '' })
      const folder = await only(root)
      // Source maps are not looked at before they are needed.
      const mark = '// not compiled again'
      await appendFile(join(folder, 'src/greet.js.map'), mark)
      await start(root)
      expect(await readFile(join(folder, 'src/greet.js.map'), 'utf8')).toContain(mark)
    },
    PATIENT,
  )

  it(
    'compiles anew where a source has changed, though its time and its size have not',
    async () => {
      const root = await makeCheckout()
      await utimes(join(root, 'src/greet.ts'), 1_000, 1_000)
      expect((await start(root)).out).toBe('hello ada compiled')
      await writeFile(join(root, 'src/greet.ts'), SOURCES['src/greet.ts']?.replace('hello', 'howdy') ?? '')
      await utimes(join(root, 'src/greet.ts'), 1_000, 1_000)
      expect((await start(root)).out).toBe('howdy ada compiled')
      expect(await cached(root)).toHaveLength(2)
    },
    PATIENT,
  )

  it(
    'compiles anew what was cut short by a power cut, beside it: another start may have put it right, and run it',
    async () => {
      const root = await makeCheckout()
      await start(root)
      const broken = await only(root)
      await writeFile(join(broken, 'src/greet.js'), '')
      const answers = await Promise.all(Array.from({ length: 4 }, () => start(root)))
      expect(answers).toEqual(answers.map(() => ({ out: 'hello ada compiled', errors: '' })))
      expect(await readFile(join(broken, 'src/greet.js'), 'utf8')).toBe('')
      const [, whole = '', ...more] = await cached(root)
      expect(more).toEqual([])
      const mark = '// not compiled again'
      await appendFile(join(root, CACHE, whole, 'src/greet.js.map'), mark)
      await start(root)
      expect(await readFile(join(root, CACHE, whole, 'src/greet.js.map'), 'utf8')).toContain(mark)
      expect(await cached(root)).toHaveLength(2)
    },
    PATIENT,
  )

  it(
    'runs nothing out of a folder with a link in it, which may lead to what others write',
    async () => {
      const root = await makeCheckout()
      await start(root)
      const folder = await only(root)
      await symlink(join(root, 'src/greet.ts'), join(folder, 'src/more.js'))
      expect(await start(root, { TELL: 'yes' })).toMatchObject({ out: expect.not.stringContaining(`${folder}/`) })
      expect(await cached(root)).toHaveLength(2)
    },
    PATIENT,
  )

  it(
    'keeps what it has compiled under the name of what it was compiled from, also where that changes meanwhile',
    async () => {
      const root = await makeCheckout()
      const howdy = SOURCES['src/greet.ts']?.replace('hello', 'howdy') ?? ''
      const esbuild = join(root, 'node_modules/esbuild')
      await rename(esbuild, join(root, 'node_modules/real-esbuild'))
      await mkdir(esbuild)
      await writeFile(join(esbuild, 'package.json'), '{ "type": "module", "exports": "./index.js" }')
      const checkOutAnother = `import { writeFileSync } from 'node:fs'
import * as esbuild from 'real-esbuild'
export const build = (options) => {
  writeFileSync(${JSON.stringify(join(root, 'src/greet.ts'))}, ${JSON.stringify(howdy)})
  return esbuild.build(options)
}
export const stop = () => esbuild.stop()
`
      await writeFile(join(esbuild, 'index.js'), checkOutAnother)
      await start(root)
      expect(await readFile(join(root, 'src/greet.ts'), 'utf8')).toContain('howdy')

      await writeFile(join(root, 'src/greet.ts'), SOURCES['src/greet.ts'] ?? '')
      expect(await start(root)).toEqual({ out: 'hello ada compiled', errors: '' })
      await writeFile(join(root, 'src/greet.ts'), howdy)
      expect(await start(root)).toEqual({ out: 'howdy ada compiled', errors: '' })
    },
    PATIENT,
  )

  it(
    'may be called four times at once',
    async () => {
      const root = await makeCheckout()
      const answers = await Promise.all(Array.from({ length: 4 }, () => start(root)))
      expect(answers).toEqual(answers.map(() => ({ out: 'hello ada compiled', errors: '' })))
      await only(root)
    },
    PATIENT,
  )

  it(
    'runs the sources by tsx, and says why, where there is no place for what it would compile',
    async () => {
      const root = await makeCheckout()
      // Nobody can make a folder there, not even root.
      await writeFile(join(root, 'node_modules/.cache'), '')
      const { out, errors } = await start(root)
      expect(out).toBe('hello ada by tsx')
      expect(errors).toBe(`${SLOWER}${root}/node_modules/.cache is not a directory but a link or a file`)
    },
    PATIENT,
  )

  it(
    'makes its cache for its owner alone, whatever the umask',
    async () => {
      const root = await makeCheckout()
      await start(root, { NODE_OPTIONS: `--import=data:text/javascript,process.umask(0)` })
      const folder = await only(root)
      for (const path of [join(root, CACHE), folder]) expect((await stat(path)).mode & 0o777, path).toBe(0o700)
    },
    PATIENT,
  )

  it(
    'runs what is its own below folders that others can write to, as `npm ci` makes them under many a umask',
    async () => {
      const root = await makeCheckout()
      await start(root)
      for (const folder of ['node_modules', 'node_modules/.cache']) await chmod(join(root, folder), 0o775)
      expect(await start(root)).toEqual({ out: 'hello ada compiled', errors: '' })
    },
    PATIENT,
  )

  it(
    'runs nothing below a folder that is open to more people than the packages are',
    async () => {
      const root = await makeCheckout()
      await start(root)
      const cache = join(root, 'node_modules/.cache')
      await chmod(join(root, 'node_modules'), 0o755)
      await chmod(cache, 0o777)
      expect(await start(root)).toEqual({
        out: 'hello ada by tsx',
        errors: `${SLOWER}${cache} can be written to by others than ${root}/node_modules (chmod go-w forbids it)`,
      })
    },
    PATIENT,
  )

  const folders: readonly (readonly [string, (root: string) => Promise<string>])[] = [
    [CACHE, async (root) => join(root, CACHE)],
    ['the folder of what it has compiled', only],
  ]

  it.each(folders)(
    'runs nothing that others could have put there: %s can be written to by its group, or by all',
    async (_name, find) => {
      const root = await makeCheckout()
      await start(root)
      const folder = await find(root)
      for (const mode of [0o770, 0o702]) {
        await chmod(folder, mode)
        expect(await start(root)).toEqual({
          out: 'hello ada by tsx',
          errors: `${SLOWER}${folder} can be written to by others than its owner (chmod go-w forbids it)`,
        })
      }
    },
    PATIENT,
  )

  it.runIf(asRoot).each(folders)(
    'runs nothing that others could have put there: %s belongs to somebody else',
    async (_name, find) => {
      const root = await makeCheckout()
      await start(root)
      const folder = await find(root)
      await chown(folder, NOBODY, NOBODY)
      expect(await start(root)).toEqual({
        out: 'hello ada by tsx',
        errors: `${SLOWER}${folder} belongs to another user`,
      })
    },
    PATIENT,
  )

  it.each([['node_modules/.cache', async (root: string) => join(root, 'node_modules/.cache')] as const, ...folders])(
    'runs nothing that others could have put there: %s is a link',
    async (_name, find) => {
      const root = await makeCheckout()
      await start(root)
      const folder = await find(root)
      const elsewhere = join(await makeFolder(), 'elsewhere')
      await rename(folder, elsewhere)
      await symlink(elsewhere, folder)
      expect(await start(root)).toEqual({
        out: 'hello ada by tsx',
        errors: `${SLOWER}${folder} is not a directory but a link or a file`,
      })
    },
    PATIENT,
  )

  it(
    'tells the program which checkout it is of, also where two of them share their packages',
    async () => {
      const [one, other] = [await makeCheckout(), await makeCheckout()]
      await rm(join(other, 'node_modules'), { recursive: true })
      await symlink(join(one, 'node_modules'), join(other, 'node_modules'))
      const told = async (root: string) => (await start(root, { TELL: 'yes' })).out.split(/\s/).slice(3)
      const [ofOne, ofOther] = [await told(one), await told(other)]
      expect([ofOne[0], ofOther[0]]).toEqual([`${one}/`, `${other}/`])
      expect(ofOne[1]).toContain(`${one}/${CACHE}/`)
      expect(ofOther[1]).toContain(`${one}/${CACHE}/`)
      expect(ofOne[1]).not.toBe(ofOther[1])
      expect((await start(other, { FAIL: 'yes' })).errors).toContain(`${other}/src/main.ts:10`)
      expect((await lstat(join(other, 'node_modules'))).isSymbolicLink()).toBe(true)
    },
    PATIENT,
  )

  it(
    'shows where in the sources an error came from',
    async () => {
      const { errors } = await start(await makeCheckout(), { FAIL: 'yes' })
      expect(errors).toContain('Error: asked for')
      expect(errors).toMatch(/\/src\/main\.ts:10:\d+/)
      expect(errors).not.toContain(`${CACHE}/src`)
    },
    PATIENT,
  )

  it(
    'stays young for as long as it runs',
    async () => {
      const root = await makeCheckout()
      const faster = `const real = setInterval; globalThis.setInterval = (work, ms) => real(work, Math.min(ms, 10))`
      const env = { LINGER: 'yes', NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(faster)}` }
      const child = spawn(process.execPath, [join(root, 'scripts/start.mjs')], {
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const exited = once(child, 'exit')
      onTestFinished(async () => {
        child.kill()
        await exited
      })
      await once(child.stdout, 'data')
      const folder = await only(root)
      const old = Date.now() - 8 * 86_400_000
      await utimes(folder, new Date(old), new Date(old))
      await expect
        .poll(async () => (await stat(folder)).mtimeMs, { timeout: PATIENT })
        .toBeGreaterThan(old + 86_400_000)
    },
    PATIENT,
  )

  it(
    'keeps what was started within a week, and no more',
    async () => {
      const root = await makeCheckout()
      const old = (days: number) => new Date(Date.now() - days * 86_400_000)
      for (const [name, days] of [
        ['older', 8],
        ['compiling-dead', 8],
        ['younger', 6],
      ] as const) {
        await mkdir(join(root, CACHE, name), { recursive: true, mode: 0o700 })
        await utimes(join(root, CACHE, name), old(days), old(days))
      }
      await start(root)
      expect(await cached(root)).toHaveLength(2)
      expect(await cached(root)).toContain('younger')
    },
    PATIENT,
  )
})
