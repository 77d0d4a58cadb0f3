/** What an auditor is shown, whose rows they are, and that no row is shown before the look itself is on record. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditEventBody } from '../../src/http/resources/schemas.ts'
import { type EventStoreDbFixture, startEventStoreDbFixture } from '../event-store/eventstoredb/server.ts'
import type { Reply } from '../support/browser.ts'
import { parseCsv } from '../support/csv.ts'
import { createDatabase } from '../support/postgres.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { untilSigned } from './evidence-support.ts'
import { openClock } from './second-factor-support.ts'
import { allEvents, expectProblem, type Person, signIn, signUp, sql, untilProjected } from './support.ts'
import { makeToken, type TestToken } from './tokens.ts'

const HOUR_MS = 3_600_000

const clock = openClock()
let server: TestServer
let ada: Someone
let grace: Someone

interface Someone extends Person {
  readonly id: string
}

const someone = async (of: TestServer): Promise<Someone> => {
  const person = await signUp(of)
  return { ...person, id: ((await person.browser.get('/v1/me')).body as { user: { id: string } }).user.id }
}

/** Of the history of both: two events of each are before it, and one is at it. */
let middle: string

beforeAll(async () => {
  server = await startServer({ now: clock.now })
  ada = await someone(server)
  grace = await someone(server)
  clock.forward(60_000)
  middle = new Date(clock.now()).toISOString()
  for (const { email } of [ada, grace]) await signIn(server, email)
  await untilProjected(server)
}, 60_000)
afterAll(() => server.stop())

const ask = (path: string, { headers }: TestToken, of = server): Promise<Reply> => of.browser().get(path, { headers })

type Row = AuditEventBody & { readonly userId: string | null }

/** What is compared of a row here, for every format has it. */
type Told = Pick<Row, 'id' | 'userId' | 'code' | 'occurredAt'>

const told = ({ id, userId, code, occurredAt }: Told): Told => ({ id, userId, code, occurredAt })

/** The rows of an export by its format. */
const readers: Readonly<Record<string, (text: string) => readonly Told[]>> = {
  ndjson: (text) => text.split('\n').flatMap((line) => (line === '' ? [] : [told(JSON.parse(line))])),
  json: (text) => (JSON.parse(text) as readonly Told[]).map(told),
  csv(text) {
    const [names = [], ...rows] = parseCsv(text)
    const cell = (row: readonly string[], name: string) => row[names.indexOf(name)] ?? ''
    return rows.map((row) => ({
      id: cell(row, 'id'),
      userId: cell(row, 'userId'),
      code: cell(row, 'code') as Row['code'],
      occurredAt: cell(row, 'occurredAt'),
    }))
  },
}

/** Accesses of auditors are left out: each of these exports adds one. */
const exported = async (format: string, filter = ''): Promise<readonly Told[]> => {
  const reply = await ask(`/v1/audit/export?format=${format}${filter}`, await makeToken(server, ['audit:export']))
  expect(reply.status).toBe(200)
  return (readers[format]?.(reply.text) ?? []).filter(({ code }) => !code.startsWith('audit:'))
}

/** What the people themselves see, oldest first, as the rows of an export tell it. */
const histories = async (people: readonly Someone[]) => {
  const rows: Told[] = []
  for (const { browser, id } of people) {
    const own = await allEvents(server, browser)
    rows.push(...own.filter(({ sequence }) => sequence !== null).map((event) => told({ ...event, userId: id })))
  }
  return rows
}

const sorted = (rows: readonly Told[]) => rows.map(told).sort((a, b) => (a.id < b.id ? -1 : 1))

describe.each(['ndjson', 'json', 'csv'])('A06 an export of everybody as %s', (format) => {
  it('has the rows of each person, oldest first, and says whose each is', async () => {
    const rows = await exported(format)
    expect(sorted(rows)).toEqual(sorted(await histories([ada, grace])))
    const times = rows.map(({ occurredAt }) => Date.parse(occurredAt))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(rows.slice(0, 2)).toMatchObject([
      { userId: ada.id, code: 'user:registered' },
      { userId: ada.id, code: 'user:logged_in' },
    ])
  })

  it('has what lies in the time that is asked for: from with its beginning, to without its end', async () => {
    const later = (await histories([ada, grace])).filter(({ occurredAt }) => occurredAt >= middle)
    expect(later).toHaveLength(2)
    expect(sorted(await exported(format, `&from=${middle}`))).toEqual(sorted(later))
    const earlier = (await histories([ada, grace])).filter(({ occurredAt }) => occurredAt < middle)
    expect(earlier).toHaveLength(4)
    expect(sorted(await exported(format, `&to=${middle}`))).toEqual(sorted(earlier))
    expect(await exported(format, `&from=${middle}&to=${middle}`)).toEqual([])
  })

  it('has the codes that are asked for, of everybody or of one', async () => {
    const registered = (await histories([ada, grace])).filter(({ code }) => code === 'user:registered')
    expect(sorted(await exported(format, '&code=user%3Aregistered'))).toEqual(sorted(registered))
    const both = await exported(format, `&code=user%3Aregistered&code=user%3Alogged_in&user=${grace.id}`)
    expect(sorted(both)).toEqual(sorted(await histories([grace])))
  })
})

it('A06 the list with a user has the rows of that user, and accesses that name them, and no others', async () => {
  const token = await makeToken(server, ['audit:read'])
  const { body } = await ask(`/v1/audit/events?user=${grace.id}`, token)
  const { items } = body as { readonly items: readonly Row[] }
  expect(items.map(({ userId }) => userId)).toEqual(items.map(() => grace.id))
  const own = items.filter(({ sequence }) => sequence !== null)
  expect(sorted(own)).toEqual(sorted(await histories([grace])))
  const all = (await ask('/v1/audit/events?limit=200', token)).body as { readonly items: readonly Row[] }
  expect(new Set(all.items.map(({ userId }) => userId))).toEqual(new Set([ada.id, grace.id, null]))
})

/** Of that token, oldest first. */
const recorded = async ({ id }: TestToken): Promise<readonly { code: string; data: Record<string, unknown> }[]> => {
  await untilProjected(server)
  const rows = await sql(
    server,
    'select code, data from read.auditlog where actor::json ->> $1 = $2 order by position',
    ['id', id],
  )
  return rows.map(({ code, data }) => ({ code: String(code), data: JSON.parse(String(data)) }))
}

describe('A05 a look is on record', () => {
  it.each([
    ['csv', 'native'],
    ['json', 'native'],
    ['ndjson', 'native'],
    ['bundle', 'native'],
    ['json', 'ocsf'],
    ['ndjson', 'ocsf'],
  ])('an export as %s, %s: as what it was, and shown to whom it names', async (format, schema) => {
    const token = await makeToken(server, ['audit:export'])
    await untilSigned(server)
    const response = await fetch(
      `${server.url}/v1/audit/export?format=${format}&schema=${schema}&user=${ada.id}&code=user%3Alogged_in`,
      { headers: token.headers },
    )
    expect(response.status).toBe(200)
    await response.arrayBuffer()
    const filter = { user: ada.id, codes: ['user:logged_in'] }
    expect(await recorded(token)).toEqual([{ code: 'audit:exported', data: { filter, format, schema } }])
    const seen = await allEvents(server, ada.browser)
    expect(seen.filter(({ actor }) => actor.id === token.id).map(({ code }) => code)).toEqual(['audit:exported'])
  })

  it('a list that is read again is on record again in the next hour, and not before', async () => {
    const token = await makeToken(server, ['audit:read'])
    const look = async () => expect((await ask('/v1/audit/events?outcome=failure', token)).status).toBe(200)
    const hours = async () => (await recorded(token)).map(({ data }) => data.hour)
    const hour = (n: number) => new Date(Math.floor(clock.now() / HOUR_MS) * HOUR_MS + n * HOUR_MS).toISOString()
    const [first, second] = [hour(0), hour(1)]
    await look()
    clock.forward(HOUR_MS - 1 - (clock.now() % HOUR_MS))
    await look()
    expect(await hours()).toEqual([first])
    clock.forward(1)
    await look()
    await look()
    expect(await hours()).toEqual([first, second])
  })
})

describe('A05 where the record cannot be appended', () => {
  let fixture: EventStoreDbFixture
  let away: TestServer
  let token: TestToken
  let person: Someone

  beforeAll(async () => {
    fixture = await startEventStoreDbFixture()
    away = await startServer({ database: { ...(await createDatabase()), eventStore: fixture } })
    token = await makeToken(away, ['audit:read', 'audit:export'])
    person = await someone(away)
    await untilSigned(away)
    // All that is shown lies in the database, which is there.
    for (const path of paths) {
      const response = await fetch(away.url + path, { headers: token.headers })
      expect(response.status).toBe(200)
      expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(0)
    }
    await untilSigned(away)
    await fixture.wire.goAway()
  }, 60_000)
  afterAll(async () => {
    const { database } = away
    await away.stop()
    await database.drop()
    await fixture.stop()
  })

  const paths = [
    '/v1/audit/events',
    ...['csv', 'json', 'ndjson', 'bundle'].map((format) => `/v1/audit/export?format=${format}`),
    '/v1/audit/export?format=json&schema=ocsf',
  ]

  it.each(paths)(
    '%s is 503, and no row leaves',
    async (path) => {
      const appends = fixture.log.all.length
      // Another filter than before: that one is on record already.
      const reply = await ask(`${path}${path.includes('?') ? '&' : '?'}code=user%3Aregistered`, token, away)
      expectProblem(reply, 503, 'store-unavailable')
      expect(reply.headers.get('content-disposition')).toBeNull()
      expect(reply.text).not.toContain(person.id)
      expect(fixture.log.all).toHaveLength(appends)
    },
    30_000,
  )
})
