/** Erasure: the person goes, from everywhere; that something happened to somebody, and its proof, stay. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import type { Reply } from '../support/browser.ts'
import { type DumpedPart, dump, findIn, textOf } from '../support/dump.ts'
import { PASSWORD, startServer, type TestServer } from '../support/server.ts'
import {
  FROM,
  IP,
  isProven,
  liveLong,
  NAME,
  PHONE,
  proofOf,
  storedEvents,
  TIME_ZONE,
  WEBSITE,
} from './erasure-support.ts'
import { openLinks } from './links.ts'
import { openClock } from './second-factor-support.ts'
import {
  allEvents,
  atOnce,
  expectProblem,
  isSignedIn,
  type Person,
  signIn,
  signUp,
  sql,
  untilProjected,
} from './support.ts'
import { makeToken, type TestToken } from './tokens.ts'

const clock = openClock()
let server: TestServer
/** Another node on the same stores, which projects nothing. */
let other: TestServer
let folders: readonly [string, string]
/** What both nodes have logged since they began, at the level that leaves nothing out. */
const logged: string[] = []
let operator: TestToken
let analyst: TestToken
let auditor: TestToken

beforeAll(async () => {
  folders = [await makeFolder(), await makeFolder()]
  const node = { now: clock.now, logTo: { write: (line: string) => void logged.push(line) } }
  const env = { TRUSTED_PROXIES: '127.0.0.1/32', LOG_LEVEL: 'trace' }
  server = await startServer({ ...node, env: { ...env, DATA_DIR: folders[0] } })
  const { database } = server
  other = await startServer({ ...node, database, env: { ...env, DATA_DIR: folders[1], ROLES: 'api' } })
  operator = await makeToken(server, ['admin:users'])
  analyst = await makeToken(server, ['events:read', 'events:pii'])
  auditor = await makeToken(server, ['audit:read'])
})
afterAll(async () => {
  await other.stop()
  await server.stop()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'strongroom-erasure-'))

const erase = (id: string, headers: Readonly<Record<string, string>> = {}, node = server): Promise<Reply> =>
  node.browser().post(`/v1/admin/users/${id}/erase`, undefined, { headers: { ...operator.headers, ...headers } })

const idOf = async ({ browser }: Pick<Person, 'browser'>): Promise<string> =>
  ((await browser.get('/v1/me')).body as { user: { id: string } }).user.id

type Memory = LRUCache<string, object>

/** Each memory of both nodes that keeps anything from now on. */
const watchMemories = (): ReadonlySet<Memory> => {
  const memories = new Set<Memory>()
  const set = LRUCache.prototype.set
  vi.spyOn(LRUCache.prototype, 'set').mockImplementation(function (this: Memory, ...entry) {
    memories.add(this)
    return set.apply(this, entry)
  })
  return memories
}

const dumpMemories = (memories: ReadonlySet<Memory>): readonly DumpedPart[] =>
  [...memories].map((memory) => ({ name: 'memory', text: textOf([...memory.entries()]) }))

/** Everything an installation holds, and what its processes have written down and remember. */
const dumpAll = async (memories: ReadonlySet<Memory>): Promise<readonly DumpedPart[]> => [
  ...(await dump(server.database, folders)),
  { name: 'log', text: logged.join('') },
  ...dumpMemories(memories),
]

/** Read rows, mails and all else were gone through once. */
const untilSwept = async (id: string): Promise<void> => {
  await vi.waitFor(
    async () => {
      const [erasure] = await sql(server, 'select last_sweep_at from vault.erasures where user_id = $1', [id])
      expect(erasure?.last_sweep_at).toBeInstanceOf(Date)
    },
    { timeout: 20_000, interval: 20 },
  )
  await untilProjected(server)
}

const snapshotsOf = (id: string) => sql(server, 'select revision from vault.snapshots where user_id = $1', [id])

interface AnalystEvent {
  readonly id: string
  readonly personal: unknown
}

const replay = async (id: string, node = server): Promise<readonly AnalystEvent[]> => {
  const reply = await node.browser().get(`/v1/streams/user-${id}/events?limit=200`, { headers: analyst.headers })
  expect(reply.status).toBe(200)
  return (reply.body as { items: readonly AnalystEvent[] }).items
}

describe('A12 erasure', () => {
  it('leaves nothing of the person anywhere; sequence and proofs are what they were; the address is free', async () => {
    const { lookupOf } = await openLinks(server)
    // Of a table with one row the planner has no samples in any case.
    await atOnce(3, () => signUp(server))
    const memories = watchMemories()
    const { id, email, newEmail, browser, events, city } = await liveLong(server, clock, folders[0])
    const [wrapped] = await sql(server, 'select wrapped_key from vault.users where user_id = $1', [id])
    const needles = [NAME, 'Ottilie', email, newEmail, IP, 'Zwergenbrowser', city, PHONE, WEBSITE, TIME_ZONE]
    const keys = [lookupOf(email), String(wrapped?.wrapped_key)]
    // So that the search below is one that finds: each of these is there as long as the person is.
    const before = findIn(await dumpAll(memories), [...needles, ...keys])
    const visible = ['Ottilie', email, newEmail, IP, 'Zwergenbrowser', city, ...keys]
    expect([...new Set(before.map(({ needle }) => needle))]).toEqual(expect.arrayContaining(visible))
    const foundIn = (place: string) => before.filter((found) => found.in === place).map(({ needle }) => needle)
    expect(foundIn('memory')).toEqual(expect.arrayContaining([IP, 'Zwergenbrowser', city]))
    for (const place of ['log', 'pg_stats']) expect(foundIn(place)).toEqual([])
    await vi.waitFor(async () => expect(await snapshotsOf(id)).toHaveLength(1))
    expect(logged.join('')).toContain('"level":"debug"')

    const [history, firstRead] = [await storedEvents(server, id), await replay(id)]
    expect(firstRead.some(({ personal }) => JSON.stringify(personal).includes(IP))).toBe(true)
    // The other node holds the key in its memory.
    expect(JSON.stringify(await replay(id, other))).toContain(IP)
    const oldest = history[0] as RecordedEvent
    const oldProof = await proofOf(server, auditor, oldest.id)

    expect((await erase(id)).status).toBe(202)
    await untilSwept(id)

    // The other node is told of it when the event arrives there.
    await vi.waitFor(() => expect(findIn(dumpMemories(memories), needles)).toEqual([]))
    expect(findIn(await dumpAll(memories), [...needles, ...keys])).toEqual([])
    expect(await snapshotsOf(id)).toEqual([])
    expect(await isSignedIn(browser)).toBe(false)

    const now = await storedEvents(server, id)
    expect(now.map(({ type }) => type)).toEqual([...history.map(({ type }) => type), 'user:erased'])
    expect(now.slice(0, -1)).toEqual(history)
    expect(await isProven(server, auditor, oldest, oldProof)).toBe(true)
    expect(await isProven(server, auditor, oldest, await proofOf(server, auditor, oldest.id))).toBe(true)
    const last = now.at(-1) as RecordedEvent
    expect(await isProven(server, auditor, last, await proofOf(server, auditor, last.id))).toBe(true)

    for (const node of [server, other]) {
      const read = await replay(id, node)
      expect(read.map(({ personal }) => personal)).toEqual(now.map(() => null))
      expect(read.slice(0, -1)).toEqual(firstRead.map((event) => ({ ...event, personal: null })))
    }
    const rows = await sql(
      server,
      `select sequence::int, code, ip, region, city, user_agent, country from read.auditlog
        where user_id = $1 order by sequence`,
      [id],
    )
    expect(rows.map(({ sequence }) => sequence)).toEqual(now.map((_, index) => index + 1))
    for (const row of rows) expect(row).toMatchObject({ ip: null, region: null, city: null, user_agent: null })
    const countryOf = new Map(events.map(({ code, location }) => [code, location?.country]))
    expect(rows.find(({ code }) => code === 'user:logged_in')?.country).toBe(countryOf.get('user:logged_in'))

    expect((await server.browser().register(email, PASSWORD)).status).toBe(201)
    const anew = await signIn(server, email)
    expect(await idOf(anew)).not.toBe(id)
    expect(await allEvents(server, anew.browser)).toHaveLength(2)
  })

  it('holds on every node at the answer, whatever the projectors do: no session, no sign-in, nothing personal', async () => {
    const person = await signUp(other, FROM)
    const id = await idOf(person)
    const second = await signIn(server, person.email)
    expect((await erase(id, {}, other)).status).toBe(202)
    for (const { browser } of [person, second]) expectProblem(await browser.get('/v1/me'), 401, 'session-ended')
    for (const node of [server, other]) {
      expectProblem(await node.browser().logIn(person.email, PASSWORD), 401, 'invalid-credentials')
    }
    expect((await replay(id, other)).every(({ personal }) => personal === null)).toBe(true)
    expect((await server.browser().post('/v1/auth/password-resets', { email: person.email })).status).toBe(202)
    expect((await storedEvents(server, id)).at(-1)?.type).toBe('user:erased')
  })

  it('happens once: a repeat, with the key or without, is 202 and appends nothing', async () => {
    const id = await idOf(await signUp(server))
    const key = { 'Idempotency-Key': `erase-${id}` }
    const replies = [await erase(id, key), await erase(id, key), await erase(id), ...(await atOnce(5, () => erase(id)))]
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 202))
    expect((await storedEvents(server, id)).filter(({ type }) => type === 'user:erased')).toHaveLength(1)
  })

  it('of ten at once each passes, for one after another', async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, async () => idOf(await signUp(server))))
    const replies = await Promise.all(ids.map((id) => erase(id)))
    expect(replies.map(({ status }) => status)).toEqual(ids.map(() => 202))
  })

  it('is 409 under a legal hold, and leaves everything as it is', async () => {
    const person = await signUp(server)
    const id = await idOf(person)
    await sql(server, 'update vault.users set legal_hold = true where user_id = $1', [id])
    expectProblem(await erase(id), 409, 'legal-hold')
    expect(await isSignedIn(person.browser)).toBe(true)
    await sql(server, 'update vault.users set legal_hold = false where user_id = $1', [id])
    expect((await erase(id)).status).toBe(202)
  })

  it('what is under way in the account while it is erased comes before the erasure or not at all', async () => {
    const person = await signUp(server)
    const id = await idOf(person)
    const etag = (await person.browser.get('/v1/me/preferences')).headers.get('etag') ?? ''
    const [erased, ...replies] = await Promise.all([
      erase(id, {}, other),
      ...[server, other].flatMap((node) =>
        Array.from({ length: 4 }, () => node.browser().logIn(person.email, PASSWORD)),
      ),
      person.browser.send('PATCH', '/v1/me/preferences', { json: { precision: 3 }, headers: { 'If-Match': etag } }),
      server.browser().post('/v1/auth/password-resets', { email: person.email }),
    ])
    expect(erased?.status).toBe(202)
    for (const { status } of replies) expect([200, 202, 401, 503]).toContain(status)
    const types = (await storedEvents(server, id)).map(({ type }) => type)
    expect(types.indexOf('user:erased')).toBe(types.length - 1)
  })
})
