/** `npm run replay` and `npm run events`, as an operator runs them beside a server. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkEvents } from '../../scripts/events/check.ts'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import { newEvent } from '../event-store/helpers.ts'
import { allEvents, type Person, sessionPage, signIn, signUp } from '../security/support.ts'
import { makeToken, type TestToken } from '../security/tokens.ts'
import { DEFAULTS, startServer, type TestServer, urlOf } from '../support/server.ts'

interface Ran {
  readonly code: number
  readonly out: string
  readonly errors: string
}

let server: TestServer
let token: TestToken
let owner: Person
let userId = ''
let folder = ''

beforeAll(async () => {
  server = await startServer()
  token = await makeToken(server, ['events:read', 'events:pii'])
  folder = await mkdtemp(join(tmpdir(), 'strongroom-replay-'))
  owner = await signUp(server)
  userId = ((await owner.browser.get('/v1/me')).body as { user: { id: string } }).user.id
  await signUp(server)
  await signIn(server, owner.email)
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const run = (script: string, args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ran> => {
  const { connection, eventStore } = server.database
  const env = {
    ...DEFAULTS,
    PATH: process.env.PATH ?? '',
    DATA_DIR: folder,
    DATABASE_URL: urlOf(connection),
    ...(eventStore === undefined ? {} : { EVENT_STORE_URL: eventStore.connectionString }),
    ...more,
  }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', `scripts/${script}.ts`, ...args], { env }, (error, out, errors) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, errors }),
    )
  })
}

const objectsOf = (text: string): readonly unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

const overHttp = async (path: string): Promise<readonly unknown[]> =>
  objectsOf((await server.browser().get(path, { headers: { ...token.headers, Accept: 'application/x-ndjson' } })).text)

/** Each run starts Node and translates the sources. */
const SLOW = 60_000

describe('npm run replay', () => {
  it('prints the events as the API gives them, all or some', { timeout: SLOW }, async () => {
    const all = (await overHttp('/v1/events')) as readonly { position: string; stream: string; type: string }[]
    expect(objectsOf((await run('replay', ['--pii'])).out)).toEqual(all)
    const second = all[1]?.position ?? ''
    const some = await run('replay', ['--pii', '--from', second, '--user', userId, '--type', 'user:logged_in'])
    expect(some.code).toBe(0)
    // On a slow machine there is time for a line of progress; nothing else may be there.
    expect(some.errors).toMatch(/^(\{"events":\d+\}\n)*$/)
    expect(objectsOf(some.out)).toEqual(
      all.filter(({ stream, type }) => stream === `user-${userId}` && type === 'user:logged_in'),
    )
    const closed = await run('replay', ['--until', second])
    expect(objectsOf(closed.out)).toEqual(all.slice(0, 2).map((event) => ({ ...event, personal: null })))
    expect(objectsOf((await run('replay', ['--until', '2001-01-01T00:00:00Z'])).out)).toEqual([])
  })

  it('writes a file that is whole and nobody else can read', { timeout: SLOW }, async () => {
    const file = join(folder, 'events.ndjson')
    expect(await run('replay', ['--pii', '--out', file])).toMatchObject({ code: 0, out: '' })
    expect(objectsOf(await readFile(file, 'utf8'))).toEqual(await overHttp('/v1/events'))
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  it('prints the state at a moment', { timeout: SLOW }, async () => {
    const lines = async (...args: string[]) =>
      objectsOf((await run('replay', ['--user', userId, '--pii', '--state', ...args])).out)
    const audit = await allEvents(server, owner.browser)
    expect(await lines('audit')).toEqual([...audit].reverse())
    const sessions = (await lines('sessions')) as readonly { id: string }[]
    const listed = (await sessionPage(owner.browser)).items.map(({ id }) => id)
    expect(sessions.map(({ id }) => id).sort()).toEqual([...listed].sort())
    expect(await lines('two-factor', '--until', '1')).toEqual([(await owner.browser.get('/v1/me/two-factor')).body])
  })

  it('tells misuse and a stranger apart by its exit code', { timeout: SLOW }, async () => {
    const [help, moment, alone, nobody] = await Promise.all([
      run('replay', ['--help']),
      run('replay', ['--from', 'yesterday']),
      run('replay', ['--state', 'audit']),
      run('replay', ['--user', '0a000000-0000-4000-8000-00000000dead']),
    ])
    expect([help.code, moment.code, alone.code, nobody.code]).toEqual([0, 2, 2, 3])
    expect(help.out).toContain('Exit codes')
    expect(nobody.errors).toContain('there is no user')
  })
})

describe('npm run events -- check', () => {
  it('counts by type and version', { timeout: SLOW }, async () => {
    const { code, out } = await run('events', ['check'])
    expect(code).toBe(0)
    const first = null
    expect(objectsOf(out)).toEqual([
      { type: 'user:logged_in', version: 2, events: 3, unreadable: 0, first },
      { type: 'user:registered', version: 1, events: 2, unreadable: 0, first },
      { events: 5, unreadable: 0 },
    ])
  })

  it('names the first that cannot be read, whatever is wrong with it, and goes on behind it', async () => {
    const store = new MemoryEventStore()
    await store.append('user-a', [newEvent({}, { type: 'user:unheard_of', metadata: {} })], 'none')
    await store.append('user-b', [newEvent({}, { type: 'user:erased', metadata: { schemaVersion: 1 } })], 'none')
    await store.append('user-c', [newEvent({}, { type: 'user:erased', metadata: { schemaVersion: 1 } })], 'none')
    await store.append('user-d', [newEvent({}, { type: 'user:erased', metadata: {} })], 'none')
    await store.append('access-e', [newEvent({}, { type: 'audit:accessed', metadata: {} })], 'none')
    store.corruptEvent('user-c', 0n)
    expect(await checkEvents(store, new AbortController().signal)).toEqual([
      {
        ...{ type: 'audit:accessed', version: null, events: 1, unreadable: 1 },
        first: { position: '5', reason: 'invalid' },
      },
      {
        ...{ type: 'user:erased', version: null, events: 2, unreadable: 2 },
        first: { position: '3', reason: 'not-json' },
      },
      {
        ...{ type: 'user:erased', version: 1, events: 1, unreadable: 1 },
        first: { position: '2', reason: 'invalid' },
      },
      {
        ...{ type: 'user:unheard_of', version: null, events: 1, unreadable: 1 },
        first: { position: '1', reason: 'unknown-type' },
      },
    ])
  })
})
