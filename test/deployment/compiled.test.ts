/** The compiled program, as the container runs it, on a PostgreSQL and an EventStoreDB with TLS and a user. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { canMakeCertificates, makeAuthority } from '../event-store/eventstoredb/certificates.ts'
import { type FixtureOptions, startEventStoreDbFixture } from '../event-store/eventstoredb/server.ts'
import { untilSigned } from '../security/evidence-support.ts'
import { signUp } from '../security/support.ts'
import { Browser } from '../support/browser.ts'
import { createDatabase } from '../support/postgres.ts'
import { DEFAULTS, PASSWORD, someEmail, startServer, urlOf } from '../support/server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strongroom-compiled-'))
  await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json', '--outDir', folder], { cwd: ROOT })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('node dist/scripts/NAME.js', () => {
  const manuals = ['runbook', 'deployment', 'auditors', 'analysts', 'changing-schemas'].map((name) =>
    readFileSync(join(ROOT, `docs/${name}.md`), 'utf8'),
  )
  const told = manuals.flatMap((text) =>
    [...text.matchAll(/npm run (?:--silent )?([a-z-]+) -- /g)].map(([, name]) => name),
  )

  it.each([...new Set(told)].filter((name) => name !== 'verify'))(
    'is there for %s, which the documents tell operators to run, and shows its help',
    async (name) => {
      const { stdout } = await run(process.execPath, [`scripts/${name}.js`, '--help'], { cwd: folder })
      expect(stdout).toMatch(/^Usage: /)
    },
  )

  it('verify is no TypeScript: the build copies the one file that it is', () => {
    expect(told).toContain('verify')
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    expect(scripts.build).toContain('&& cp scripts/verify.mjs dist/scripts/ &&')
  })

  it('does its work on an installation, as far as it needs nothing of a checkout', async () => {
    const server = await startServer()
    onTestFinished(() => server.stop())
    const { eventStore, connection } = server.database
    const env = {
      PATH: process.env.PATH,
      ...DEFAULTS,
      DATA_DIR: folder,
      DATABASE_URL: urlOf(connection),
      ...(eventStore === undefined ? {} : { EVENT_STORE_URL: eventStore.connectionString }),
    }
    const script = async (name: string, ...args: readonly string[]) =>
      (await run(process.execPath, [`scripts/${name}`, ...args], { cwd: folder, env })).stdout
    const { email } = await signUp(server)
    await untilSigned(server)
    expect(await script('events.js', 'check')).toContain('{"events":2,"unreadable":0}')
    expect(await script('log.js', 'reconcile')).toContain('agree with the events')
    expect(await script('projections.js', 'status')).toContain('auditlog')
    expect(await script('rebuild.js', 'sessions')).toContain('sessions')
    expect(await script('user.js', 'list', '--json')).toContain(email)
    expect((await script('replay.js')).trim().split('\n')).toHaveLength(2)
    const bundle = join(folder, 'evidence')
    await script('export.js', '--out', bundle)
    const judged = await run(process.execPath, [join(ROOT, 'scripts/verify.mjs'), bundle])
    expect(judged.stdout).toContain('The bundle is as it should be.')
  }, 120_000)
})

describe('node dist/src/main.js with EVENT_STORE_URL=esdb://...', () => {
  const startCompiled = async (eventStoreUrl: string, more: Readonly<Record<string, string>> = {}) => {
    const database = await createDatabase()
    onTestFinished(() => database.drop())
    const env = { PATH: process.env.PATH, ...DEFAULTS, DATA_DIR: folder, EVENT_STORE_URL: eventStoreUrl }
    const program = spawn(process.execPath, ['--enable-source-maps', 'src/main.js'], {
      cwd: folder,
      env: { ...env, DATABASE_URL: urlOf(database.connection), ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void program.kill('SIGKILL'))
    let errors = ''
    program.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
    })
    const exited = once(program, 'exit')
    const line = await Promise.race([
      once(createInterface({ input: program.stdout }), 'line').then(String),
      exited.then(() => undefined),
    ])
    const stop = async () => {
      program.kill('SIGTERM')
      return (await exited)[0]
    }
    return { url: /ready at (\S+)/.exec(line ?? '')?.[1], errors: () => errors, exited, stop }
  }
  const startFixture = async (options?: FixtureOptions) => {
    const fixture = await startEventStoreDbFixture(options)
    onTestFinished(() => fixture.stop())
    return fixture
  }

  it('starts, keeps the events there, shows them in the read models, and stops at SIGTERM', async () => {
    const fixture = await startFixture()
    const { url, errors, stop } = await startCompiled(fixture.connectionString)
    expect(url, errors()).toBeDefined()
    const browser = new Browser(url ?? '')
    const email = someEmail()
    expect((await browser.register(email, PASSWORD)).status).toBe(201)
    expect((await browser.logIn(email, PASSWORD)).status).toBe(200)
    expect((await browser.get('/v1/me/sessions')).status).toBe(200)
    expect(fixture.log.all.map(({ type }) => type)).toEqual(['user:registered', 'user:logged_in'])
    expect(await stop()).toBe(0)
  }, 60_000)

  it('ends with one sentence where the store is away', async () => {
    const fixture = await startEventStoreDbFixture()
    await fixture.stop()
    const { url, errors, exited } = await startCompiled(fixture.connectionString, { START_WAIT_SECONDS: '0' })
    expect(url).toBeUndefined()
    expect((await exited)[0]).toBe(1)
    const sentence = 'Strongroom cannot run: the event store cannot be reached; check EVENT_STORE_URL and that it runs'
    expect(errors().trim()).toBe(sentence)
  }, 60_000)

  it.skipIf(!canMakeCertificates)(
    'runs with TLS, and ends with one sentence under a wrong password',
    async () => {
      const authority = makeAuthority()
      onTestFinished(() => authority.remove())
      const users = { strongroom: 'right' }
      const { port } = await startFixture({ tls: authority.issue(['DNS:localhost']), users })
      const place = (password: string) =>
        `esdb://strongroom:${password}@localhost:${port}?tls=true&tlsCAFile=${authority.caFile}`
      const { url, errors, stop } = await startCompiled(place('right'))
      expect(url, errors()).toBeDefined()
      expect((await fetch(`${url}/readyz`)).status).toBe(200)
      expect(await stop()).toBe(0)

      const refused = await startCompiled(place('hunter2'))
      expect((await refused.exited)[0]).toBe(1)
      expect(refused.errors().trim()).toBe(
        'Strongroom cannot run: the connection string of EventStoreDB has a user name and password that the server does not accept',
      )
    },
    60_000,
  )
})
