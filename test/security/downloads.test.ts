/** Downloads that do not come to their end: the client leaves or stops reading, or the server stops. */
import { randomBytes, randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import pg from 'pg'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openEventStore } from '../../src/event-store/open.ts'
import type { NewEvent, RecordedEvent } from '../../src/event-store/port.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { untilLogged } from './evidence-support.ts'
import { exportsRunning, fill, readSlowly, type Slow } from './slow-download.ts'
import { expectProblem, type Person, signUp, sql, untilProjected } from './support.ts'
import { makeToken, revokeToken, type TestToken } from './tokens.ts'

const CSV = '/v1/audit/export?format=csv'
const BUNDLE = '/v1/audit/export?format=bundle'
const SOON = { timeout: 15_000, interval: 50 }

let server: TestServer
let tokens: readonly TestToken[]
let person: Person

beforeAll(async () => {
  server = await startServer()
  tokens = await Promise.all(Array.from({ length: 4 }, () => makeToken(server, ['audit:export'])))
  person = await signUp(server)
  await untilProjected(server)
  const { user } = (await person.browser.get('/v1/me')).body as { user: { id: string } }
  await fill(server, user.id, 40_000)
  await fillBundle()
}, 120_000)
afterAll(() => server.stop())

const tokenAt = (n: number): TestToken => {
  const token = tokens[n]
  if (token === undefined) throw new Error(`there is no token ${n}`)
  return token
}

/** Accesses of auditors, each with a long and random filter: more than fits between a server and a client. */
const fillBundle = async (): Promise<void> => {
  const token = tokenAt(0)
  const { status } = await server
    .browser()
    .get('/v1/audit/export?format=json&code=user:locked', { headers: token.headers })
  expect(status).toBe(200)
  const { eventStore, connection } = server.database
  const log = pino({ level: 'silent' })
  const store = await openEventStore({ place: eventStore?.connectionString ?? connection, log })
  try {
    let sample: RecordedEvent | undefined
    for await (const event of store.read(`access-${token.id}`)) sample = event
    if (sample === undefined) throw new Error('an export is recorded')
    const { type, data, metadata } = sample
    const copy = (): NewEvent => {
      const filter = { session: randomBytes(5_000).toString('hex') }
      return { id: randomUUID(), type, data: { ...data, filter }, metadata }
    }
    for (let n = 0; n < 30; n++) {
      const events = Array.from({ length: 50 }, copy) as [NewEvent, ...NewEvent[]]
      await store.append('access-filled', events, n === 0 ? 'none' : BigInt(n * 50 - 1))
    }
  } finally {
    await store.close()
  }
  await vi.waitFor(
    async () => {
      const [leaves] = await sql(server, 'select count(*)::int as n from log.leaves')
      expect(leaves?.n).toBeGreaterThan(1_500)
    },
    { timeout: 50_000 },
  )
  await untilLogged(server)
}

/** Also after a test that failed. */
const open: Slow[] = []
afterEach(async () => {
  for (const one of open.splice(0)) one.leave()
  await vi.waitFor(async () => expect(await exportsRunning(server)).toBe(0), SOON)
})

it('A14 a bundle streams: its first rows come before its last leaf is read, and what waits for a reader is not in memory', async () => {
  const [last] = await sql(
    server,
    `select index, encode(hash, 'hex') as hash from log.leaves where index = (select max(size) - 1 from log.checkpoints)`,
  )
  const spoil = (hash: unknown) =>
    sql(
      server,
      `alter table log.leaves disable trigger user;
       update log.leaves set hash = decode('${hash}', 'hex') where index = ${last?.index};
       alter table log.leaves enable trigger user`,
    )
  const before = process.memoryUsage().rss
  // More than the head of the ZIP file, which comes before all rows in any case.
  const slow = await readSlowly(server, BUNDLE, tokenAt(0).headers, 100_000)
  open.push(slow)
  expect(slow.status).toBe(200)
  expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000)
  // Who has read the last leaf already cannot find it spoilt.
  await spoil(randomBytes(32).toString('hex'))
  try {
    slow.resume()
    expect(await slow.ended).toBe('cut')
  } finally {
    await spoil(last?.hash)
  }
  const whole = await readSlowly(server, BUNDLE, tokenAt(0).headers)
  open.push(whole)
  whole.resume()
  expect(await whole.ended).toBe('whole')
})

describe('downloads', () => {
  it('are two for one owner and six for all; each that is left makes room', async () => {
    for (const token of tokens.slice(0, 3)) {
      open.push(await readSlowly(server, CSV, token.headers), await readSlowly(server, CSV, token.headers))
    }
    expectProblem(await server.browser().get(CSV, { headers: tokenAt(0).headers }), 429, 'too-many-requests')
    expectProblem(await server.browser().get(CSV, { headers: tokenAt(3).headers }), 503, 'overloaded')
    expectProblem(await server.browser().get(BUNDLE, { headers: tokenAt(3).headers }), 503, 'overloaded')
    expectProblem(await person.browser.get('/v1/me/audit-events/export'), 503, 'overloaded')
    open[0]?.leave()
    await vi.waitFor(async () => expect(await exportsRunning(server)).toBe(5), SOON)
    open.push(await readSlowly(server, CSV, tokenAt(3).headers))
    expect(open.at(-1)?.status).toBe(200)
  })

  it('a bundle whose reader leaves in the middle makes room, and leaves nothing behind', async () => {
    const files = await readdir(tmpdir())
    for (let n = 0; n < 2; n++) open.push(await readSlowly(server, BUNDLE, tokenAt(0).headers))
    expectProblem(await server.browser().get(CSV, { headers: tokenAt(0).headers }), 429, 'too-many-requests')
    for (const one of open) one.leave()
    expect(await Promise.all(open.map(({ ended }) => ended))).toEqual(['cut', 'cut'])
    await untilThereIsRoom(server, BUNDLE, tokenAt(0))
    await vi.waitFor(async () => expect(await busy(server)).toEqual([]), SOON)
    const left = (await readdir(tmpdir())).filter((name) => !files.includes(name))
    expect(left.filter((name) => /zip|bundle|evidence|export/.test(name))).toEqual([])
  })
})

/** A second node, where a reader is not waited for that long. */
describe('a download', () => {
  it('of events ends with its token, and makes room', async () => {
    const analysts = await Promise.all(Array.from({ length: 4 }, () => makeToken(server, ['events:read'])))
    const [first, second, third, last] = analysts.map(({ id, headers }) => ({
      id,
      headers: { ...headers, Accept: 'application/x-ndjson' },
    }))
    if (!first || !second || !third || !last) throw new Error('four tokens were made')
    for (const { headers } of [first, first, second, second, third, third]) {
      open.push(await readSlowly(server, '/v1/events', headers))
    }
    expectProblem(await server.browser().get('/v1/events', first), 429, 'too-many-requests')
    expectProblem(await server.browser().get('/v1/events', last), 503, 'overloaded')
    const rows = await readSlowly(server, CSV, tokenAt(3).headers)
    expect(rows.status).toBe(200)
    rows.leave()
    await revokeToken(server, first)
    await vi.waitFor(
      async () => expect((await server.browser().get('/v1/events?limit=1', last)).status).toBe(200),
      SOON,
    )
    for (const one of open) one.resume()
    expect(await Promise.all(open.slice(0, 2).map(({ ended }) => ended))).toEqual(['cut', 'cut'])
  })

  it('of rows that shows everybody ends where a person is erased, and one of somebody else does not', async () => {
    const admin = await makeToken(server, ['admin:users'])
    const gone = await signUp(server)
    const { user } = (await gone.browser.get('/v1/me')).body as { user: { id: string } }
    const me = (await person.browser.get('/v1/me')).body as { user: { id: string } }
    const all = await readSlowly(server, CSV, tokenAt(1).headers)
    const other = await readSlowly(server, `${CSV}&user=${me.user.id}`, tokenAt(2).headers)
    open.push(all, other)
    await erase(admin, user.id)
    await vi.waitFor(async () => expect(await exportsRunning(server)).toBe(1), SOON)
    for (const one of open) one.resume()
    expect(await Promise.all([all.ended, other.ended])).toEqual(['cut', 'whole'])
  })

  it('of rows that begins between an erasure and its filing ends with that; a later one shows nothing of the person', async () => {
    const admin = await makeToken(server, ['admin:users'])
    const from = new Date().toISOString()
    const [gone] = [await signUp(server), await signUp(server)]
    await untilProjected(server)
    const { user } = (await gone.browser.get('/v1/me')).body as { user: { id: string } }
    const traces = ['131.130.7.77', 'Zwergenland', 'Zwergenheim', 'Zwergenbrowser']
    await sql(server, 'update read.auditlog set ip = $2, region = $3, city = $4, user_agent = $5 where user_id = $1', [
      user.id,
      ...traces,
    ])
    const tables = await sql(
      server,
      "select oid::regclass::text as name from pg_class where relnamespace = 'read'::regnamespace and relkind = 'r' and relname like 'auditlog%'",
    )
    const blanking = await hold(tables.map(({ name }) => `lock table ${name} in share mode`).join('; '))
    const filing = await hold('lock table vault.erasures in share mode')
    try {
      const before = await readSlowly(server, CSV, tokenAt(1).headers)
      await erase(admin, user.id)
      await vi.waitFor(async () => expect(await exportsRunning(server)).toBe(0), SOON)
      const between = await readSlowly(server, CSV, tokenAt(2).headers)
      open.push(before, between)
      expect(await exportsRunning(server)).toBe(1)
      await filing.release()
      await vi.waitFor(async () => expect(await exportsRunning(server)).toBe(0), SOON)
      for (const one of open) one.resume()
      expect(await Promise.all([before.ended, between.ended])).toEqual(['cut', 'cut'])

      for (const format of ['csv', 'ndjson', 'json', 'ndjson&schema=ocsf']) {
        const path = `/v1/audit/export?format=${format}&from=${from}`
        const { status, text } = await server.browser().get(path, { headers: tokenAt(3).headers })
        expect([status, text.includes(user.id), text.includes('127.0.0.1')]).toEqual([200, true, true])
        expect(traces.filter((trace) => text.includes(trace))).toEqual([])
      }
      // Nor on a page; and who looks for the address is not told by the row whose it was.
      const reader = await makeToken(server, ['audit:read', 'audit:export'])
      const page = await server.browser().get(`/v1/audit/events?user=${user.id}`, reader)
      expect([page.status, page.text.includes(user.id)]).toEqual([200, true])
      expect(traces.filter((trace) => page.text.includes(trace))).toEqual([])
      const found = await server.browser().get(`/v1/audit/events?ip=${traces[0]}`, reader)
      expect([found.status, found.body]).toEqual([200, { items: [], nextCursor: null }])
      const [row] = await sql(server, 'select ip from read.auditlog where user_id = $1 limit 1', [user.id])
      expect(row).toEqual({ ip: traces[0] })
    } finally {
      await filing.release()
      await blanking.release()
    }
  })

  it.each([
    ['of events', '/v1/events', { Accept: 'application/x-ndjson' }],
    ['a bundle', BUNDLE, {}],
  ])('that shows people, %s, ends where one is erased', async (_, path, accept) => {
    const admin = await makeToken(server, ['admin:users'])
    const scopes = ['events:read', 'audit:export'] as const
    const personal = await makeToken(server, [...scopes, 'events:pii'])
    const gone = await signUp(server)
    const { user } = (await gone.browser.get('/v1/me')).body as { user: { id: string } }
    const headers = { ...personal.headers, ...accept }
    const both = [await readSlowly(server, path, headers), await readSlowly(server, path, headers)]
    open.push(...both)
    await erase(admin, user.id)
    await untilThereIsRoom(server, path, { ...personal, headers })
    for (const one of both) one.resume()
    expect(await Promise.all(both.map(({ ended }) => ended))).toEqual(['cut', 'cut'])
  })

  it('of events without anything personal goes on where somebody is erased', async () => {
    const admin = await makeToken(server, ['admin:users'])
    const analyst = await makeToken(server, ['events:read'])
    const gone = await signUp(server)
    const { user } = (await gone.browser.get('/v1/me')).body as { user: { id: string } }
    const headers = { ...analyst.headers, Accept: 'application/x-ndjson' }
    const slow = await readSlowly(server, '/v1/events', headers)
    open.push(slow)
    const rows = await readSlowly(server, CSV, tokenAt(0).headers)
    open.push(rows)
    await erase(admin, user.id)
    await vi.waitFor(async () => expect(await exportsRunning(server)).toBe(0), SOON)
    slow.resume()
    expect(await slow.ended).toBe('whole')
  })
})

describe('downloads of a node', () => {
  let node: TestServer
  beforeEach(async () => {
    const downloads = { lookEveryMs: 50, stalledMs: 400 }
    node = await startServer({ database: server.database, downloads, env: { ROLES: 'api' } })
  })
  afterEach(() => node.stop())

  it.each([CSV, BUNDLE])('%s ends when nobody takes the next piece of it, and makes room', async (path) => {
    for (let n = 0; n < 2; n++) open.push(await readSlowly(node, path, tokenAt(1).headers))
    const stalled = [...open]
    await untilThereIsRoom(node, path, tokenAt(1))
    for (const one of stalled) one.resume()
    expect(await Promise.all(stalled.map(({ ended }) => ended))).toContain('cut')
    await vi.waitFor(async () => expect(await busy(node)).toEqual([]), SOON)
  })

  it('ends in the middle when the node stops, which waits for no reader', async () => {
    open.push(await readSlowly(node, CSV, tokenAt(1).headers), await readSlowly(node, BUNDLE, tokenAt(2).headers))
    await node.stop()
    for (const one of open) one.resume()
    expect(await Promise.all(open.map(({ ended }) => ended))).toEqual(['cut', 'cut'])
    await vi.waitFor(async () => expect(await exportsRunning(server)).toBe(0), SOON)
  })
})

const erase = async (operator: TestToken, userId: string): Promise<void> => {
  const headers = { ...operator.headers, 'Idempotency-Key': randomUUID() }
  expect((await server.browser().post(`/v1/admin/users/${userId}/erase`, undefined, { headers })).status).toBe(202)
}

/** Keeps what the statement locks until it is released. */
const hold = async (statement: string): Promise<{ release(): Promise<void> }> => {
  const client = new pg.Client(server.database.connection)
  await client.connect()
  await client.query(`begin; ${statement}`)
  let ended: Promise<void> | undefined
  return {
    release() {
      ended ??= client.end()
      return ended
    },
  }
}

const untilThereIsRoom = (of: TestServer, path: string, token: TestToken): Promise<void> =>
  vi.waitFor(async () => {
    const next = await readSlowly(of, path, token.headers)
    next.leave()
    expect(next.status).toBe(200)
  }, SOON)

/** Statements that run for exports, and transactions that are open for nobody. */
const busy = (of: TestServer) =>
  sql(
    of,
    `select query from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
        and (application_name = 'strongroom exports' and state = 'active' or state like 'idle in transaction%')`,
  )
