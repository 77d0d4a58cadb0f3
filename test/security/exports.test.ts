/** What leaves as a file: a person's own history, and everybody's for auditors, whose looks are history too. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AuditEventBody } from '../../src/http/resources/schemas.ts'
import type { Reply } from '../support/browser.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { exportsRunning, fill, readSlowly } from './slow-download.ts'
import {
  allEvents,
  auditPage,
  codesOf,
  countOf,
  expectProblem,
  type Person,
  signUp,
  sql,
  untilProjected,
} from './support.ts'
import { makeToken, revokeToken, type TestToken } from './tokens.ts'

let server: TestServer
let auditor: TestToken

beforeAll(async () => {
  server = await startServer()
  auditor = await makeToken(server, ['audit:read', 'audit:export'])
})
afterAll(() => server.stop())

const ask = (path: string, { headers }: TestToken = auditor): Promise<Reply> => server.browser().get(path, { headers })

const idOf = async ({ browser }: Pick<Person, 'browser'>): Promise<string> =>
  ((await browser.get('/v1/me')).body as { user: { id: string } }).user.id

const linesOf = ({ text }: Reply): readonly AuditEventBody[] => {
  expect(text.endsWith('\n')).toBe(true)
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** RFC 4180. */
const tableOf = ({ text }: Reply): readonly (readonly string[])[] => {
  const rows: string[][] = [[]]
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? bare ?? '')
    if (end === '\n') rows.push([])
  }
  return rows.filter((row) => row.join('') !== '')
}

describe('my own export', () => {
  it.each(['ndjson', 'json'])('as %s has what the list has, the oldest first', async (format) => {
    const { browser } = await signUp(server)
    const events = await allEvents(server, browser)
    const reply = await browser.get(`/v1/me/audit-events/export?format=${format}`)
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-disposition')).toMatch(/^attachment; filename="audit-events-.*\.(nd)?json"$/)
    expect(format === 'json' ? reply.body : linesOf(reply)).toEqual(events.toReversed())
  })

  it('as CSV has a line an event, under a line of names', async () => {
    const { browser } = await signUp(server)
    const events = (await allEvents(server, browser)).toReversed()
    const [names = [], ...rows] = tableOf(await browser.get('/v1/me/audit-events/export?format=csv'))
    expect(rows.map((row) => row[names.indexOf('id')])).toEqual(events.map(({ id }) => id))
    expect(rows.map((row) => row[names.indexOf('occurredAt')])).toEqual(events.map(({ occurredAt }) => occurredAt))
    expect(rows.map((row) => JSON.parse(row[names.indexOf('data')] ?? ''))).toEqual(events.map(({ data }) => data))
  })

  it('takes the filters of the list, and refuses what the list refuses', async () => {
    const { browser } = await signUp(server)
    await untilProjected(server)
    const one = await browser.get('/v1/me/audit-events/export?format=ndjson&code=user%3Aregistered')
    expect(linesOf(one).map(({ code }) => code)).toEqual(['user:registered'])
    const none = await browser.get('/v1/me/audit-events/export?format=json&code=user%3Alocked')
    expect(none.body).toEqual([])
    expectProblem(await browser.get('/v1/me/audit-events/export?format=xml'), 400, 'invalid-request')
    expectProblem(await browser.get('/v1/me/audit-events/export?cursor=1'), 400, 'invalid-request')
    expectProblem(await browser.get("/v1/me/audit-events/export?ip='; drop table x --"), 400, 'invalid-request')
    expectProblem(await ask('/v1/me/audit-events/export'), 401, 'unauthenticated')
  })
})

describe('A07 CSV cells', () => {
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '=cmd|"/c calc"!A1, "x"'])(
    'that begin as %s are neutralised',
    async (agent) => {
      const { browser } = await signUp(server, { 'User-Agent': agent })
      await untilProjected(server)
      const [names = [], ...rows] = tableOf(
        await browser.get('/v1/me/audit-events/export?format=csv&code=user%3Alogged_in'),
      )
      expect(rows).toHaveLength(1)
      expect(rows[0]?.[names.indexOf('userAgent')]).toBe(`'${agent}`)
      for (const cell of rows.flat()) expect(cell).not.toMatch(/^[=+\-@\t\r]/)
    },
  )

  it('that a table holds with tab, CR or a full-width sign are neutralised too', async () => {
    const { browser } = await signUp(server)
    await untilProjected(server)
    const userId = await idOf({ browser })
    for (const begin of ['\t', '\r', '\n', '＝', '＋', '－', '＠']) {
      await sql(server, 'update read.auditlog set city = $2 where user_id = $1', [userId, `${begin}1`])
      const [names = [], row = []] = tableOf(await browser.get('/v1/me/audit-events/export?format=csv'))
      expect(row[names.indexOf('city')]).toBe(`'${begin}1`)
    }
  })
})

describe('A08 a line of NDJSON', () => {
  it('is never broken by CR, LF or ANSI, wherever they come from', async () => {
    const { browser } = await signUp(server)
    const events = await allEvents(server, browser)
    const userId = await idOf({ browser })
    const evil = 'a\r\nb\u001b[31mc\u0000'.replace('\u0000', '')
    await sql(server, 'update read.auditlog set city = $2, country = $3, user_agent = $2 where user_id = $1', [
      userId,
      evil,
      'DE',
    ])
    const reply = await browser.get('/v1/me/audit-events/export?format=ndjson')
    expect(reply.text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/)
    const lines = linesOf(reply)
    expect(lines).toHaveLength(events.length)
    expect(lines[0]).toMatchObject({ userAgent: evil, location: { city: evil } })
  })
})

describe('A05 reads and exports by auditors', () => {
  it('are in the log, once for a filter in an hour, and shown to the person they name and to nobody else', async () => {
    const [person, other] = [await signUp(server), await signUp(server)]
    const token = await makeToken(server, ['audit:read', 'audit:export'])
    const user = await idOf(person)
    for (let n = 0; n < 3; n++) expect((await ask(`/v1/audit/events?user=${user}`, token)).status).toBe(200)
    expect((await ask(`/v1/audit/events?user=${user}&ip=192.0.2.77`, token)).status).toBe(200)
    expect((await ask(`/v1/audit/export?user=${user}&format=csv`, token)).status).toBe(200)
    expect((await ask(`/v1/audit/export?user=${user}&format=csv`, token)).status).toBe(200)

    const seen = await allEvents(server, person.browser)
    expect([countOf(seen, 'audit:accessed'), countOf(seen, 'audit:exported')]).toEqual([2, 2])
    const access = seen.find(({ code }) => code === 'audit:accessed')
    expect(access).toMatchObject({ actor: { kind: 'operator', id: token.id }, sequence: null, ip: null })
    expect(JSON.stringify(seen)).not.toContain('192.0.2.77')
    expect(codesOf(await allEvents(server, other.browser))).not.toContain('audit:accessed')
    // A02: the account's own sequence has no gap for it.
    const own = seen.flatMap(({ sequence }) => (sequence === null ? [] : [sequence]))
    expect(own).toEqual(own.map((_, n) => own.length - n))

    const all = (await ask('/v1/audit/events?code=audit%3Aexported')).body as { items: { actor: { id: string } }[] }
    expect(all.items.filter(({ actor }) => actor.id === token.id)).toHaveLength(2)
    const stream = await sql(server, 'select 1 from read.auditlog where actor::json ->> $1 = $2', ['id', token.id])
    expect(stream).toHaveLength(4)
  })

  it('by a session name its owner', async () => {
    const person = await signUp(server)
    await untilProjected(server)
    expect((await ask(`/v1/audit/events?session=${person.sessionId}`)).status).toBe(200)
    expect(codesOf(await allEvents(server, person.browser))).toContain('audit:accessed')
  })

  it('at once and many leave one event', async () => {
    const token = await makeToken(server, ['audit:read'])
    const replies = await Promise.all(Array.from({ length: 20 }, () => ask('/v1/audit/events?outcome=failure', token)))
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200))
    await untilProjected(server)
    const rows = await sql(server, 'select 1 from read.auditlog where actor::json ->> $1 = $2', ['id', token.id])
    expect(rows).toHaveLength(1)
  })

  it('need their scopes', async () => {
    const reader = await makeToken(server, ['audit:read'])
    expectProblem(await ask('/v1/audit/export', reader), 403, 'insufficient-scope')
    const exporter = await makeToken(server, ['audit:export'])
    expectProblem(await ask('/v1/audit/events', exporter), 403, 'insufficient-scope')
    const { browser } = await signUp(server)
    expectProblem(await browser.get('/v1/audit/events'), 401, 'unauthenticated')
    expectProblem(await browser.get('/v1/audit/export'), 401, 'unauthenticated')
  })
})

describe('A06 the list of all users', () => {
  it('pages without a gap or a repeat while events are appended, and refuses a forged cursor', async () => {
    await signUp(server)
    await untilProjected(server)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Reply = await ask(`/v1/audit/events?limit=5${cursor === null ? '' : `&cursor=${cursor}`}`)
      const body = page.body as { items: readonly { id: string }[]; nextCursor: string | null }
      seen.push(...body.items.map(({ id }) => id))
      cursor = body.nextCursor
      if (seen.length === 10) await signUp(server)
    } while (cursor !== null)
    expect(new Set(seen).size).toBe(seen.length)
    expectProblem(await ask('/v1/audit/events?cursor=abc'), 400, 'invalid-request')
    expectProblem(await ask('/v1/audit/events?nonsense=1'), 400, 'invalid-request')
  })
})

describe('OCSF', () => {
  it('has sign-ins as Authentication and changes as Account Change', async () => {
    const person = await signUp(server)
    await untilProjected(server)
    const user = await idOf(person)
    const events = linesOf(await ask(`/v1/audit/export?schema=ocsf&format=ndjson&user=${user}`)) as unknown as {
      class_uid: number
      activity_id: number
      type_uid: number
      metadata: { event_code: string }
    }[]
    const kinds = events.map(({ class_uid, activity_id, metadata }) => [metadata.event_code, class_uid, activity_id])
    expect(kinds).toContainEqual(['user:registered', 3001, 1])
    expect(kinds).toContainEqual(['user:logged_in', 3002, 1])
    for (const { class_uid, activity_id, type_uid } of events) expect(type_uid).toBe(class_uid * 100 + activity_id)
    const list = (await ask(`/v1/audit/export?schema=ocsf&format=json&user=${user}`)).body as unknown[]
    expect(list.length).toBeGreaterThanOrEqual(events.length)
    expectProblem(await ask('/v1/audit/export?schema=ocsf&format=csv'), 400, 'invalid-request')
  })
})

describe('A14 exports stream', () => {
  const ROWS = 60_000
  let person: Person
  let cookie: { readonly Cookie: string }

  beforeAll(async () => {
    person = await signUp(server)
    await untilProjected(server)
    await fill(server, await idOf(person), ROWS)
    cookie = { Cookie: [...person.browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
  })

  it.each([
    '/v1/me/audit-events/export?format=ndjson',
    ...['csv', 'json', 'ndjson'].map((format) => `/v1/audit/export?format=${format}`),
    ...['json', 'ndjson'].map((format) => `/v1/audit/export?schema=ocsf&format=${format}`),
  ])(
    '%s: the first byte comes before the last row is read, and a reader who waits makes the database wait',
    async (path) => {
      const before = process.memoryUsage().rss
      const slow = await readSlowly(server, path, path.startsWith('/v1/me') ? cookie : auditor.headers)
      expect(slow.status).toBe(200)
      // Rows are still to be read: the statement has not ended, and does not while nobody reads.
      expect(await exportsRunning(server)).toBe(1)
      expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000)
      slow.resume()
      expect(await slow.ended).toBe('whole')
      expect(slow.received()).toBeGreaterThan(ROWS * 300)
      await vi.waitFor(async () => expect(await exportsRunning(server)).toBe(0))
    },
  )

  it('a client that leaves ends the query', async () => {
    const slow = await readSlowly(server, '/v1/me/audit-events/export?format=csv', cookie)
    expect(await exportsRunning(server)).toBe(1)
    slow.leave()
    await vi.waitFor(async () => expect(await exportsRunning(server)).toBe(0), { timeout: 5_000 })
  })

  it('no more than two at once for one session', async () => {
    const open = [
      await readSlowly(server, '/v1/me/audit-events/export', cookie),
      await readSlowly(server, '/v1/me/audit-events/export?format=json', cookie),
    ]
    expectProblem(await person.browser.get('/v1/me/audit-events/export'), 429, 'too-many-requests')
    for (const slow of open) slow.leave()
    await vi.waitFor(async () => expect(await exportsRunning(server)).toBe(0), { timeout: 5_000 })
  })

  it('S07 a download ends with its session, and with its token', async () => {
    const token = await makeToken(server, ['audit:export'])
    const byToken = await readSlowly(server, '/v1/audit/export?format=csv', token.headers)
    await revokeToken(server, token)
    const slow = await readSlowly(server, '/v1/me/audit-events/export?format=ndjson', cookie)
    expect((await person.browser.post('/v1/auth/logout')).status).toBe(204)
    await vi.waitFor(async () => expect(await exportsRunning(server)).toBe(0), { timeout: 12_000, interval: 100 })
    slow.resume()
    byToken.resume()
    expect(await slow.ended).toBe('cut')
    expect(await byToken.ended).toBe('cut')
  }, 20_000)
})

it('A02 a page of my audit log that has accesses in it pages on without a repeat', async () => {
  const person = await signUp(server)
  const user = await idOf(person)
  await ask(`/v1/audit/events?user=${user}`)
  const all = await allEvents(server, person.browser)
  const first = await auditPage(person.browser, 'limit=2')
  const rest = await auditPage(person.browser, `limit=200&cursor=${first.nextCursor}`)
  expect([...first.items, ...rest.items]).toEqual(all)
})
