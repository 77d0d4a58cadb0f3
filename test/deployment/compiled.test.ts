/** The compiled program, as the container runs it, on a PostgreSQL and an EventStoreDB with TLS and a user. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { canMakeCertificates, makeAuthority } from '../event-store/eventstoredb/certificates.ts'
import { type FixtureOptions, startEventStoreDbFixture } from '../event-store/eventstoredb/server.ts'
import { Browser } from '../support/browser.ts'
import { createDatabase } from '../support/postgres.ts'
import { DEFAULTS, PASSWORD, someEmail, urlOf } from '../support/server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

describe('node dist/src/main.js with EVENT_STORE_URL=esdb://...', () => {
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'strongroom-compiled-'))
    await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json', '--outDir', folder], { cwd: ROOT })
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

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
