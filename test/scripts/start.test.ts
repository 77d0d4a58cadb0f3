/** `npm start` in a checkout of a few lines, with the packages of ours. */
import { execFile } from 'node:child_process'
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'

const OURS = fileURLToPath(new URL('../..', import.meta.url))
const CACHE = 'node_modules/.cache/strongroom'
const PATIENT = 60_000

const MAIN = `import { pathToFileURL } from 'node:url'
import packageJson from '../package.json' with { type: 'json' }
import { type Greeting, greet } from './greet.ts'

type Unused = string

const greeting: Greeting = greet(packageJson.name)
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(greeting, import.meta.url.endsWith('.ts') ? 'by tsx' : 'compiled')
  if (process.env.FAIL) throw new Error('asked for')
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

const makeCheckout = async (): Promise<string> => {
  const root = await mkdtemp(join(tmpdir(), 'strongroom-start-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(SOURCES)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
  await mkdir(join(root, 'node_modules'))
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
    'compiles anew what was cut short by a power cut',
    async () => {
      const root = await makeCheckout()
      await start(root)
      await writeFile(join(await only(root), 'src/greet.js'), '')
      expect(await start(root)).toEqual({ out: 'hello ada compiled', errors: '' })
      expect(await readFile(join(await only(root), 'src/greet.js'), 'utf8')).toContain('hello')
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
      expect(errors).toMatch(/^Strongroom runs from uncompiled sources, which is slower: E[A-Z]+: .*$/)
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
    'keeps what was started within a week, and no more',
    async () => {
      const root = await makeCheckout()
      const old = (days: number) => new Date(Date.now() - days * 86_400_000)
      for (const [name, days] of [
        ['older', 8],
        ['compiling-dead', 8],
        ['younger', 6],
      ] as const) {
        await mkdir(join(root, CACHE, name), { recursive: true })
        await utimes(join(root, CACHE, name), old(days), old(days))
      }
      await start(root)
      expect(await cached(root)).toHaveLength(2)
      expect(await cached(root)).toContain('younger')
    },
    PATIENT,
  )
})
