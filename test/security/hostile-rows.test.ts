/** A07, A08: whatever lies in the tables that exports are made from, a cell is a cell and a line is a line. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCsv } from '../support/csv.ts'
import { BREAKS_LINES, hostileJson, hostileText } from '../support/hostile.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { type Person, signUp, sql, untilProjected } from './support.ts'
import { makeToken, type TestToken } from './tokens.ts'

/** Each column of free text in the table (the others hold words of ours), and where its value stands in a line of JSON. */
const texts = {
  ip: ['ip'],
  country: ['location', 'country'],
  region: ['location', 'region'],
  city: ['location', 'city'],
  browser_name: ['browser', 'name'],
  browser_version: ['browser', 'version'],
  os_name: ['os', 'name'],
  os_version: ['os', 'version'],
  user_agent: ['userAgent'],
  // Ours is a keyed hash. Of who else writes into the store, any text.
  session_hash: ['sessionHash'],
} as const
const columns = Object.keys(texts) as (keyof typeof texts)[]

interface Hostile {
  readonly texts: readonly (string | null)[]
  readonly data: Record<string, unknown>
  readonly actorId: string
}

const withTexts = (text: (column: keyof typeof texts) => string | null): Hostile => ({
  texts: columns.map(text),
  data: {},
  actorId: 'somebody',
})
const hostile: readonly Hostile[] = [
  ...fc.sample(
    fc.record({
      texts: fc.array(hostileText, { minLength: columns.length, maxLength: columns.length }),
      data: hostileJson,
      actorId: hostileText,
    }),
    { numRuns: 60, seed: 20_261_125 },
  ),
  // Rows without anything to escape are written in another way: one such column makes the difference, whichever it is.
  withTexts(() => 'plain'),
  withTexts((column) => (column === 'country' ? 'DE' : null)),
  ...['"', '\\', '\n'].flatMap((piece) =>
    columns.map((hostileOne) => withTexts((column) => (column === hostileOne ? `a${piece}b` : 'plain'))),
  ),
]
const ROWS = hostile.length

let server: TestServer
let auditor: TestToken
let person: Person
let userId = ''

beforeAll(async () => {
  server = await startServer()
  auditor = await makeToken(server, ['audit:export'])
  person = await signUp(server)
  userId = ((await person.browser.get('/v1/me')).body as { user: { id: string } }).user.id
  await untilProjected(server)
  await sql(server, 'delete from read.auditlog where user_id = $1', [userId])
  for (const [n, { texts: values, data, actorId }] of hostile.entries()) {
    const json = [{ kind: 'user', id: actorId }, data].map((value) => JSON.stringify(value))
    await sql(
      server,
      `insert into read.auditlog (id, user_id, sequence, position, occurred_at, code, message, outcome, device_type, actor, data, ${columns.join(', ')})
       values (gen_random_uuid(), $1, $2, $2, now(), 'user:logged_in', 'Logged in', 'success', 'desktop', $3, $4, ${columns.map((_, c) => `$${c + 5}`).join(', ')})`,
      [userId, n + 1, ...json, ...values],
    )
  }
}, 60_000)
afterAll(() => server.stop())

const asUser = async (format: string): Promise<string> =>
  (await person.browser.get(`/v1/me/audit-events/export?format=${format}`)).text
const asAuditor = async (format: string, more = ''): Promise<string> => {
  const path = `/v1/audit/export?format=${format}&user=${userId}${more}`
  return (await fetch(server.url + path, { headers: auditor.headers })).text()
}
/** Exports of auditors are in the log of whom they name, too; so those of others are left out by their sequence. */
const ours = (rows: readonly Record<string, unknown>[]) => rows.filter(({ sequence }) => sequence !== null)

const expectAll = (rows: readonly Record<string, unknown>[]): void => {
  expect(ours(rows)).toHaveLength(ROWS)
  for (const [n, row] of ours(rows).entries()) {
    const { texts: values, data, actorId } = hostile[n] as Hostile
    const found = columns.map((column) =>
      (texts[column] as readonly string[]).reduce(
        (part: unknown, name) => (part as Record<string, unknown>)[name],
        row,
      ),
    )
    expect(found).toEqual(values)
    expect(row).toMatchObject({ sequence: n + 1, actor: { kind: 'user', id: actorId } })
    expect(row.data).toEqual(JSON.parse(JSON.stringify(data)))
  }
}

const linesOf = (text: string): readonly Record<string, unknown>[] => {
  expect(text).not.toMatch(BREAKS_LINES)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe.each([
  ['a user', asUser],
  ['an auditor', asAuditor],
])('A07, A08 the export of %s', (_, get) => {
  it('as NDJSON has a line a row, whatever reads it, and the values as they are', async () => {
    expectAll(linesOf(await get('ndjson')))
  })

  it('as JSON is a list of the rows, a line each', async () => {
    const text = await get('json')
    expect(text).not.toMatch(BREAKS_LINES)
    expectAll(JSON.parse(text))
  })

  it('as CSV has a line a row, and no cell that is a formula', async () => {
    const [names = [], ...rows] = parseCsv(await get('csv'))
    const of = rows.filter((row) => row[names.indexOf('sequence')] !== '')
    expect(of).toHaveLength(ROWS)
    for (const [n, row] of of.entries()) {
      expect(row).toHaveLength(names.length)
      for (const cell of row) expect(cell).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/)
      const agent = hostile[n]?.texts[columns.indexOf('user_agent')] ?? ''
      expect([agent, `'${agent}`]).toContain(row[names.indexOf('userAgent')])
    }
  })
})

it('A08 events of OCSF are a line each, and hold the values as they are', async () => {
  const events = linesOf(await asAuditor('ndjson', '&schema=ocsf'))
  const found = JSON.parse(await asAuditor('json', '&schema=ocsf')) as unknown[]
  expect(found.length).toBeGreaterThan(events.length)
  const agents = hostile.flatMap((row) => row.texts[columns.indexOf('user_agent')] ?? [])
  const shown = new Set(
    events.map((event) => (event as { http_request?: { user_agent?: string } }).http_request?.user_agent),
  )
  for (const agent of agents) expect(shown).toContain(agent)
})
