/** What `npm run seed` makes up is what the server would have written, the same story for the same seed, and let in by. */
import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely, PostgresDialect } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkEvents } from '../../scripts/events/check.ts'
import { historyOf } from '../../scripts/seed/history.ts'
import { withoutMail } from '../../scripts/seed/no-mail.ts'
import { AlreadySeeded, type Seeded, seedHistory } from '../../scripts/seed/seed.ts'
import type { Box, Secret } from '../../src/account/events.ts'
import { readAccountEvent } from '../../src/account/upcast.ts'
import { readConfig } from '../../src/config.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import type { EventStore, RecordedEvent } from '../../src/event-store/port.ts'
import type { Database } from '../../src/platform/database.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { readLog } from '../../src/replay/read-log.ts'
import { commitTo, openCommitted } from '../../src/secrets/boxes.ts'
import { loadMasterKey } from '../../src/secrets/master-key.ts'
import { openVault, type Vault } from '../../src/secrets/vault.ts'
import { silent } from '../event-store/helpers.ts'
import { codeOf, stepAt } from '../support/authenticator.ts'
import { DEFAULTS, startServer, type TestServer, urlOf } from '../support/server.ts'

const WISH = { seed: 7, users: 25, events: 2_500, until: Date.parse('2026-05-01T12:00:00Z') }
const never = new AbortController().signal

let server: TestServer
let dataDir: string
let pool: ReturnType<typeof openPool>
let db: Kysely<Database>
let store: EventStore
let vault: Vault
let seeded: Seeded
let events: readonly RecordedEvent[]

const config = readConfig({ ...DEFAULTS, DATA_DIR: '/nowhere' })
const seed = (wish = WISH, signal = never) =>
  seedHistory({ config, db, vault, store, log: silent }, wish, { signal, onProgress: () => {} })

const wholeLog = async (): Promise<readonly RecordedEvent[]> => {
  const all: RecordedEvent[] = []
  for await (const event of readLog(store, 'start', never)) all.push(event)
  return all
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'strongroom-seed-'))
  // Its clock stands where the story ends: nobody's session has run out since.
  server = await startServer({ now: () => WISH.until + 1_000 })
  pool = openPool(server.database.connection, { applicationName: 'test', max: 4, log: silent })
  db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  vault = await openVault(db, await loadMasterKey(config))
  store = await openEventStore({ place: storePlace(), log: silent })
  seeded = await withoutMail(db, store, () => seed())
  events = await wholeLog()
})

const storePlace = () => server.database.eventStore?.connectionString ?? server.database.connection

afterAll(async () => {
  await store?.close()
  await db?.destroy()
  await server?.stop()
  await rm(dataDir, { recursive: true, force: true })
})

test('about as many events come about as were asked for, and every kind of thing happens', () => {
  expect(seeded.events).toBe(events.length)
  expect(events.length).toBeGreaterThan(WISH.events * 0.9)
  expect(events.length).toBeLessThan(WISH.events * 1.1)
  const types = new Set(events.map(({ type }) => type))
  for (const type of [
    'user:registered',
    'user:logged_in',
    'user:logged_out',
    'user:login_failed',
    'user:locked',
    'user:reauthenticated',
    'user.password:reset_requested',
    'user.password:changed',
    'user.2fa:enabled',
    'user.preferences:updated',
    'user.session:revoked',
    'user.session:expired',
  ])
    expect(types, type).toContain(type)
})

test('every event can be read, the revisions of an account have no gaps, and its times go forward', async () => {
  const reports = await checkEvents(store, never)
  expect(reports.filter(({ unreadable }) => unreadable > 0)).toEqual([])
  const last = new Map<string, { readonly revision: bigint; readonly at: string }>()
  for (const { stream, revision, metadata } of events) {
    const before = last.get(stream)
    const at = String(metadata.occurredAt)
    expect(revision).toBe((before?.revision ?? -1n) + 1n)
    expect(at >= (before?.at ?? '')).toBe(true)
    last.set(stream, { revision, at })
  }
  expect(last.size).toBe(WISH.users)
  expect(events.every(({ metadata }) => Date.parse(String(metadata.occurredAt)) <= WISH.until)).toBe(true)
})

test('the boxes open under the key of their person, tell from where, and fit their commitments', async () => {
  for (const stored of events.filter((_, index) => index % 20 === 0)) {
    const { personal } = readAccountEvent(stored)
    if (personal === null) continue
    const key = await vault.dataKey(stored.stream.slice('user-'.length))
    const place = { stream: stored.stream, type: stored.type, eventId: stored.id }
    const opened = openCommitted(key ?? Buffer.alloc(32), place, personal as Box)
    expect(commitTo(Buffer.from(opened.salt, 'base64url'), opened.personal)).toBe(stored.metadata.commit)
    expect(opened.personal.city).toEqual(expect.any(String))
  }
})

test('the same seed tells the same story (who, what, when, from where), and another seed another one', async () => {
  const tell = async (number: number) => {
    const { appends } = historyOf({
      ...{ seed: number, users: 250, events: 700, begins: WISH.until - 30 * 86_400_000, ends: WISH.until },
      told: {
        ...{ limits: config.limits, idleMs: config.session.idleMs, totpSecret: 'A' as Secret },
        passwords: [1, 2, 3, 4, 5].map((each) => ({ text: String(each), hash: String(each) as Secret })),
        contextOf: ({ place, host, userAgent }) => ({
          ...{ ip: `${place.network}.${host}`, userAgent, geoVersion: '1', uaVersion: '1', device: { type: 'other' } },
          ...{ location: { country: place.country, region: null, city: place.city } },
          ...{ browser: { name: null, version: null }, os: { name: null, version: null } },
        }),
      },
      sessionHash: (sessionId) => sessionId,
      join: async () => ({ userId: randomUUID(), dataKey: randomBytes(32) }),
    })
    const names = new Map<string, number>()
    const story: unknown[] = []
    for await (const { stream, expected, events: appended, at } of appends) {
      names.set(stream, names.get(stream) ?? names.size)
      for (const { type, metadata } of appended) story.push([names.get(stream), expected, at, type, metadata.client])
    }
    return story
  }
  const first = await tell(1)
  expect(first.length).toBeGreaterThan(400)
  expect(await tell(1)).toEqual(first)
  expect(await tell(2)).not.toEqual(first)
})

describe('somebody of the story', () => {
  test('signs in, and sees the sessions and the log that were made up', async () => {
    const person = seeded.people.find(({ totpSecret }) => totpSecret === undefined)
    const browser = server.browser()
    const signedIn = await browser.post('/v1/auth/login', { email: person?.email, password: person?.password })
    expect(signedIn.status).toBe(200)
    const sessions = await browser.get('/v1/me/sessions')
    expect((sessions.body as { items: unknown[] }).items.length).toBeGreaterThan(1)
    const log = await browser.get('/v1/me/audit-events?limit=5')
    expect(log.status).toBe(200)
  })

  test('who has a second factor is asked for its code', async () => {
    const person = seeded.people.find(({ totpSecret }) => totpSecret !== undefined)
    expect(person).toBeDefined()
    const browser = server.browser()
    const first = await browser.post('/v1/auth/login', { email: person?.email, password: person?.password })
    expect(first.body).toMatchObject({ status: 'two_factor_required' })
    const code = codeOf(person?.totpSecret ?? '', stepAt(WISH.until + 1_000))
    expect((await browser.post('/v1/auth/two-factor', { method: 'totp', code })).status).toBe(200)
  })
})

test('it is refused where its people are, before anything is written', async () => {
  await expect(seed()).rejects.toThrow(AlreadySeeded)
  await expect(seed({ ...WISH, users: 40 })).rejects.toThrow(AlreadySeeded)
})

test('interrupted, it leaves a history that can be read to its end', async () => {
  const interrupted = new AbortController()
  const wish = { ...WISH, seed: 8, users: 10, events: 1_000 }
  const deps = { config, db, vault, store, log: silent }
  const onProgress = (done: number) => void (done > 100 && interrupted.abort(new Error('enough')))
  const running = withoutMail(db, store, () => seedHistory(deps, wish, { signal: interrupted.signal, onProgress }))
  await expect(running).rejects.toThrow('enough')
  expect((await checkEvents(store, never)).filter(({ unreadable }) => unreadable > 0)).toEqual([])
})

test('nobody is mailed about what was made up', async () => {
  const mailed = await pool.query('select from vault.outbox where occurred_at <= $1', [new Date(WISH.until)])
  expect(mailed.rowCount).toBe(0)
})

test('the script tells what it did, and refuses production', async () => {
  await writeFile(join(dataDir, 'master.key'), DEFAULTS.MASTER_KEY)
  const run = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/seed.ts', ...args], {
      env: {
        ...{ PATH: process.env.PATH, ...DEFAULTS, DATA_DIR: dataDir, DATABASE_URL: urlOf(server.database.connection) },
        ...(server.database.eventStore ? { EVENT_STORE_URL: server.database.eventStore.connectionString } : {}),
        ...env,
      },
    })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk) => (out += String(chunk)))
    child.stderr.on('data', (chunk) => (err += String(chunk)))
    const [code] = await once(child, 'exit')
    return { code, out, err }
  }
  const done = await run(['--users', '5', '--events', '200', '--seed', '9'])
  expect(done, done.err).toMatchObject({ code: 0 })
  const [summary, ...people] = done.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(summary).toMatchObject({ seed: 9, users: 5, events: expect.any(Number) })
  expect(people[0]).toMatchObject({ email: expect.stringMatching(/@seed-9\.example$/), password: expect.any(String) })
  const production = { NODE_ENV: 'production', SCRYPT_LOG_N: '15', SCRYPT_P: '3' }
  expect(await run([], production)).toMatchObject({ code: 2, err: expect.stringContaining('--force') })
})
