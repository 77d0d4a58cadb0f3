/** `npm run replay` and `npm run events`, as an operator runs them beside a server. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { checkEvents } from '../../scripts/events/check.ts'
import { withHistory } from '../../scripts/operate/history.ts'
import { openLogProgress } from '../../scripts/operate/log-progress.ts'
import { type ReplayOptions, replayCommand } from '../../scripts/replay/command.ts'
import { type Run, replay } from '../../scripts/replay/replay.ts'
import { readConfig } from '../../src/config.ts'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import type { AuditEventBody, SessionBody } from '../../src/http/resources/schemas.ts'
import { newEvent, silent } from '../event-store/helpers.ts'
import { challenged, complete, openClock, protect } from '../security/second-factor-support.ts'
import { allEvents, type Person, sessionPage, signUp } from '../security/support.ts'
import { makeToken, type TestToken } from '../security/tokens.ts'
import { historyOf } from '../support/replay.ts'
import { DEFAULTS, startServer, type TestServer, urlOf } from '../support/server.ts'

interface Ran {
  readonly code: number
  readonly out: string
  readonly errors: string
}

/** What the owner was told, and the last event there was. */
interface Stage {
  readonly last: RecordedEvent
  readonly sessions: readonly Lasting[]
  readonly audit: readonly AuditEventBody[]
  readonly twoFactor: unknown
}
/** When a session was last used is not part of the history, nor who asks. */
type Lasting = Omit<SessionBody, 'lastAccessedAt' | 'current'>

const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'

const clock = openClock()
let server: TestServer
let token: TestToken
let owner: Person
let userId = ''
let folder = ''
let history: readonly RecordedEvent[] = []
/** Signed up; then protected, and signed in once more with a backup code; then with new codes, and that session revoked. */
let stages: readonly [Stage, Stage, Stage]

const place = () => server.database.eventStore?.connectionString ?? server.database.connection

beforeAll(async () => {
  server = await startServer({ now: clock.now })
  token = await makeToken(server, ['events:read', 'events:pii'])
  folder = await mkdtemp(join(tmpdir(), 'strongroom-replay-'))
  await signUp(server)
  owner = await signUp(server, { 'User-Agent': AGENT })
  userId = ((await owner.browser.get('/v1/me')).body as { user: { id: string } }).user.id
  const first = await stage()
  const { backupCodes } = await protect(owner.browser, clock)
  const other = await challenged(server, owner)
  const signedIn = await complete(other, backupCodes[3], 'backup_code')
  expect(signedIn.status).toBe(200)
  const second = await stage()
  const { id } = (signedIn.body as { session: { id: string } }).session
  expect((await owner.browser.post('/v1/me/two-factor/backup-codes')).status).toBe(201)
  expect((await owner.browser.delete(`/v1/me/sessions/${id}`)).status).toBe(204)
  const auditor = await makeToken(server, ['audit:read', 'audit:export'])
  for (const path of ['/v1/audit/events?limit=1', '/v1/audit/export?format=ndjson']) {
    expect((await server.browser().get(path, { headers: auditor.headers })).status).toBe(200)
  }
  stages = [first, second, await stage()]
  history = await historyOf(place())
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

/** The events of the next one are recorded later by the store's clock. */
const stage = async (): Promise<Stage> => {
  const audit = await allEvents(server, owner.browser)
  const { items } = await sessionPage(owner.browser, 'state=all')
  const twoFactor = (await owner.browser.get('/v1/me/two-factor')).body
  const last = (await historyOf(place())).at(-1)
  if (last === undefined) throw new Error('there are events')
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(last.recordedAt.getTime()), { interval: 1 })
  return { last, audit, twoFactor, sessions: lasting(items) }
}

const lasting = (sessions: readonly SessionBody[]): readonly Lasting[] =>
  sessions.map(({ lastAccessedAt: _, current: __, ...rest }) => rest).sort((a, b) => a.id.localeCompare(b.id))

const environment = (): Readonly<Record<string, string>> => {
  const { connection, eventStore } = server.database
  return {
    ...DEFAULTS,
    DATA_DIR: folder,
    DATABASE_URL: urlOf(connection),
    ...(eventStore === undefined ? {} : { EVENT_STORE_URL: eventStore.connectionString }),
  }
}

const run = (script: string, args: readonly string[]): Promise<Ran> => {
  const env = { ...environment(), PATH: process.env.PATH ?? '' }
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

/** The same lines without a process around them. */
const printed = (...args: readonly string[]): Promise<readonly unknown[]> => replayed(args, () => {})

const replayed = (args: readonly string[], onProgress: Run['onProgress'], signal = new AbortController().signal) => {
  const options = replayCommand()
    .parse([...args], { from: 'user' })
    .opts<ReplayOptions>()
  return withHistory(readConfig(environment()), silent, async (found) => {
    const lines: unknown[] = []
    for await (const line of replay(found, options, { signal, onProgress })) lines.push(JSON.parse(line))
    return lines
  })
}

interface Item {
  readonly position: string
  readonly stream: string
  readonly type: string
  readonly personal: unknown
}
const allOverHttp = async () => (await overHttp('/v1/events')) as readonly Item[]

describe('npm run replay', () => {
  it('prints the events as the API gives them, all or some', { timeout: SLOW }, async () => {
    const all = await allOverHttp()
    const second = all[1]?.position ?? ''
    const state = ['--state', 'audit', '--user', userId]
    const [every, past, ours, until, none] = await Promise.all([
      run('replay', ['--pii']),
      run('replay', [...state, '--pii', '--until', String(stages[0].last.position)]),
      printed('--pii', '--from', second, '--user', userId, '--type', 'user:logged_in'),
      printed('--until', second),
      printed('--until', '2001-01-01T00:00:00Z'),
    ])
    expect(objectsOf(every.out)).toEqual(all)
    expect(ours).toEqual(all.filter(({ stream, type }) => stream === `user-${userId}` && type === 'user:logged_in'))
    expect(ours).toHaveLength(2)
    expect(until).toEqual(all.slice(0, 2).map((event) => ({ ...event, personal: null })))
    expect(none).toEqual([])
    expect(objectsOf(every.errors)[0]).toEqual({
      phase: 'reading',
      events: 1,
      total: expect.any(Number),
      etaSeconds: null,
    })
    expect(objectsOf(past.out)).toEqual([...stages[0].audit].reverse())
    expect(objectsOf(past.errors)[0]).toMatchObject({ phase: expect.stringMatching(/^(searching|folding)$/), total: 2 })
  })

  it('by times, which are those of the store', { timeout: SLOW }, async () => {
    const all = await allOverHttp()
    const [first, second] = stages.map(({ last }) => last.recordedAt)
    if (first === undefined || second === undefined) throw new Error('there are stages')
    const between = (low: Date, high: Date) =>
      all.filter((_, index) => {
        const recordedAt = history[index]?.recordedAt ?? new Date(0)
        return recordedAt >= low && recordedAt <= high
      })
    const [ever, never] = [new Date(8.64e15), new Date(0)]
    const behind = new Date(first.getTime() + 1)
    const [from, until, window, ofUser] = await Promise.all([
      printed('--pii', '--from', behind.toISOString()),
      printed('--pii', '--until', second.toISOString()),
      printed('--pii', '--from', behind.toISOString(), '--until', second.toISOString()),
      printed('--pii', '--from', first.toISOString(), '--until', first.toISOString(), '--user', userId),
    ])
    expect(from).toEqual(between(behind, ever))
    expect(until).toEqual(between(never, second))
    expect(window).toEqual(between(behind, second))
    expect(ofUser).toEqual(between(first, first).filter(({ stream }) => stream === `user-${userId}`))
    expect(from.length + between(never, first).length).toBe(all.length)
    for (const some of [from, until, window, ofUser]) expect(some.length).toBeGreaterThan(0)
    expect(until.length).toBeLessThan(all.length)
    expect(window.length).toBeLessThan(from.length)
  })

  it('of several types, and of accesses by auditors too', { timeout: SLOW }, async () => {
    const all = await allOverHttp()
    const of = (...types: readonly string[]) => all.filter(({ type }) => types.includes(type))
    const [inARow, repeated, accesses] = await Promise.all([
      printed('--pii', '--type', 'user:registered', 'user.2fa:enabled'),
      printed('--pii', '--type', 'user:registered', '--type', 'user.2fa:enabled'),
      printed('--pii', '--type', 'audit:accessed', 'audit:exported'),
    ])
    expect(inARow).toEqual(of('user:registered', 'user.2fa:enabled'))
    expect(inARow).toHaveLength(3)
    expect(repeated).toEqual(inARow)
    expect(accesses).toEqual(of('audit:accessed', 'audit:exported'))
    expect(accesses).toMatchObject([{ type: 'audit:accessed' }, { type: 'audit:exported' }])
  })

  it('writes a file that is whole and nobody else can read', { timeout: SLOW }, async () => {
    const file = join(folder, 'events.ndjson')
    expect(await run('replay', ['--pii', '--out', file])).toMatchObject({ code: 0, out: '' })
    expect(objectsOf(await readFile(file, 'utf8'))).toEqual(await overHttp('/v1/events'))
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  const stateOf = (what: string, ...args: readonly string[]) =>
    printed('--user', userId, '--pii', '--state', what, ...args)
  const told = {
    sessions: ({ sessions }: Stage) => sessions,
    audit: ({ audit }: Stage) => [...audit].reverse(),
    'two-factor': ({ twoFactor }: Stage) => [twoFactor],
  } as const

  it.each(['sessions', 'audit', 'two-factor'] as const)(
    'prints the %s as the owner saw them, now, at an earlier position and at a time',
    { timeout: SLOW },
    async (what) => {
      const moments = stages.flatMap((at) => [
        { at, until: ['--until', String(at.last.position)] },
        { at, until: ['--until', at.last.recordedAt.toISOString()] },
      ])
      const now = { at: stages[2], until: [] }
      await Promise.all(
        [now, ...moments].map(async ({ at, until }) => {
          const lines = await stateOf(what, ...until)
          const shown = what === 'sessions' ? lasting(lines as readonly SessionBody[]) : lines
          expect(shown, until.join(' ')).toEqual(told[what](at))
        }),
      )
      // Else nothing would be shown to depend on the moment.
      expect(new Set(stages.map((at) => JSON.stringify(told[what](at)))).size).toBe(3)
    },
  )

  it('prints the state of before the first event: none', { timeout: SLOW }, async () => {
    const [sessions, audit, factor] = await Promise.all(
      ['sessions', 'audit', 'two-factor'].map((what) => stateOf(what, '--until', '2001-01-01T00:00:00Z')),
    )
    expect([sessions, audit]).toEqual([[], []])
    expect(factor).toMatchObject([{ enabled: false, backupCodes: { total: 0 } }])
  })

  it('shows nobody behind the state without --pii', { timeout: SLOW }, async () => {
    const [sessions, audit] = await Promise.all(
      ['sessions', 'audit'].map((what) => printed('--user', userId, '--state', what)),
    )
    expect(lasting(sessions as readonly SessionBody[])).toEqual(
      stages[2].sessions.map((session) => ({ ...session, ip: null })),
    )
    expect(audit).toEqual(
      [...stages[2].audit].reverse().map((event) => ({ ...event, ip: null, location: null, userAgent: null })),
    )
    expect(stages[2].audit[0]).toMatchObject({ ip: '127.0.0.1', userAgent: AGENT })
  })

  it('tells misuse and a stranger apart by its exit code', { timeout: SLOW }, async () => {
    const nobody = '0a000000-0000-4000-8000-00000000dead'
    const [help, moment, alone, from, type, stranger, stateless] = await Promise.all([
      run('replay', ['--help']),
      run('replay', ['--from', 'yesterday']),
      run('replay', ['--state', 'audit']),
      run('replay', ['--state', 'audit', '--user', userId, '--from', '1']),
      run('replay', ['--state', 'audit', '--user', userId, '--type', 'user:logged_in']),
      run('replay', ['--user', nobody]),
      run('replay', ['--user', nobody, '--state', 'sessions']),
    ])
    expect([help.code, moment.code, alone.code, from.code, type.code, stranger.code, stateless.code]).toEqual([
      0, 2, 2, 2, 2, 3, 3,
    ])
    expect(help.out).toContain('Exit codes')
    expect(from).toMatchObject({
      out: '',
      errors: expect.stringMatching(/'--state <what>' cannot be used with .*--from/),
    })
    expect(type).toMatchObject({
      out: '',
      errors: expect.stringMatching(/'--state <what>' cannot be used with .*--type/),
    })
    for (const { errors } of [stranger, stateless]) expect(errors).toBe(`there is no user ${nobody}\n`)
  })
})

/** In this process: an interruption at just that event, and what is told of each. */
describe('what a replay does on its way', () => {
  const interrupted = (args: readonly string[]) => {
    const abort = new AbortController()
    const atTheSecond = (_: string, events: number) => {
      if (events === 2) abort.abort(new Error('enough'))
    }
    return replayed(args, atTheSecond, abort.signal)
  }

  it.each([
    ['events of the log', []],
    ['events of a user', ['user']],
    ['sessions', ['user', '--state', 'sessions']],
    ['the audit log', ['user', '--state', 'audit']],
    ['the second factor', ['user', '--state', 'two-factor']],
    ['a search for a time', ['user', '--state', 'two-factor', '--until', '2001-01-01T00:00:00Z']],
  ] as const)('%s: an interruption ends it', async (_, args) => {
    const words = args.flatMap((word) => (word === 'user' ? ['--user', userId] : [word]))
    await expect(interrupted(words)).rejects.toThrow('enough')
  })

  it('tells how many events are done, and of how many', async () => {
    const steps: unknown[] = []
    const note: Run['onProgress'] = (...step) => void steps.push(step)
    const own = history.filter(({ stream }) => stream === `user-${userId}`)
    await replayed(['--user', userId], note)
    expect(steps.splice(0)).toEqual(own.map((_, index) => ['reading', index + 1, own.length]))
    await replayed(['--user', userId, '--state', 'sessions'], note)
    expect(steps.splice(0)).toEqual(own.map((_, index) => ['folding', index + 1, own.length]))
    await replayed([], note)
    expect(steps).toHaveLength(history.length)
    expect(steps.at(-1)).toEqual(['reading', history.length, history.length])
  })

  it('estimates what is to come where positions are not dense, and never tells less than is done', () => {
    const told: unknown[] = []
    const progress = openLogProgress(1_000n, 5_000n, (...step) => told.push(step))
    for (const position of [1_400n, 3_000n, 5_000n, 5_400n]) progress(position)
    expect(told).toEqual([
      [1, 10],
      [2, 4],
      [3, 3],
      [4, 4],
    ])
    const empty = openLogProgress('start', 'start', (...step) => told.push(step))
    empty(7n)
    expect(told.at(-1)).toEqual([1, 1])
  })
})

describe('npm run events -- check', () => {
  it('counts by type and version', { timeout: SLOW }, async () => {
    const { code, out, errors } = await run('events', ['check'])
    expect(code).toBe(0)
    expect(objectsOf(errors)[0]).toEqual({ phase: 'checking', events: 1, total: expect.any(Number), etaSeconds: null })
    const kinds = history.map(({ type, metadata }) => JSON.stringify([type, metadata.schemaVersion]))
    const expected = [...new Set(kinds)].map((kind) => {
      const [type, version] = JSON.parse(kind) as [string, number]
      return { type, version, events: kinds.filter((one) => one === kind).length, unreadable: 0, first: null }
    })
    const reports = objectsOf(out)
    expect(reports.slice(0, -1)).toEqual(expected.sort((a, b) => a.type.localeCompare(b.type)))
    expect(reports).toContainEqual({ type: 'user:logged_in', version: 2, events: 3, unreadable: 0, first: null })
    expect(reports.at(-1)).toEqual({ events: history.length, unreadable: 0 })
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
