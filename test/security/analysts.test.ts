/** The analysts' side: the history in pages, as lines, live, and what was true at a moment of the past. */
import { readFile } from 'node:fs/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { accessCatalogue, auditCodes } from '../../src/account/access-events.ts'
import { catalogue } from '../../src/account/events.ts'
import { HEARTBEAT_MS } from '../../src/http/resources/event-streams.ts'
import type { SessionBody } from '../../src/http/resources/schemas.ts'
import { scopes } from '../../src/secrets/access-tokens.ts'
import { fixtureNames, readFixture } from '../account/golden.ts'
import type { Reply } from '../support/browser.ts'
import { openEventSource } from '../support/event-source.ts'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'
import { challenged, code, complete, disable, openClock, protect } from './second-factor-support.ts'
import { expectProblem, inTurn, type Person, sessionPage, signIn, signUp, statusesOf } from './support.ts'
import { makeToken, revokeToken, type TestToken } from './tokens.ts'

const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
const NOBODY = '0a000000-0000-4000-8000-00000000dead'
const NDJSON = { Accept: 'application/x-ndjson' }

interface Item {
  readonly position: string
  readonly id: string
  readonly stream: string
  readonly revision: number
  readonly type: string
  readonly occurredAt: string
  readonly data: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<Record<string, unknown>>
  readonly personal: Readonly<Record<string, unknown>> | null
}
interface TypeItem {
  readonly code: string
  readonly message: string
  readonly outcome: string
  readonly versions: readonly { readonly version: number; readonly schema: Readonly<Record<string, unknown>> }[]
}
interface EventPage {
  readonly items: readonly Item[]
  readonly nextAfter: string
}

let server: TestServer
let reader: TestToken
let confidant: TestToken

beforeAll(async () => {
  server = await startServer()
  reader = await makeToken(server, ['events:read'])
  confidant = await makeToken(server, ['events:read', 'events:pii'])
})
afterAll(() => server.stop())

const get = (path: string, { headers }: TestToken = reader, more = {}): Promise<Reply> =>
  server.browser().get(path, { headers: { ...headers, ...more } })

const page = async (path: string, token?: TestToken): Promise<EventPage> => {
  const reply = await get(path, token)
  expect(reply).toMatchObject({ status: 200 })
  return reply.body as EventPage
}

const idOf = async ({ browser }: Pick<Person, 'browser'>): Promise<string> =>
  ((await browser.get('/v1/me')).body as { user: { id: string } }).user.id

const streamPage = async (userId: string, token?: TestToken) =>
  page(`/v1/streams/user-${userId}/events?limit=200`, token)

const everything = async (query: string, limit: number): Promise<readonly Item[]> => {
  const all: Item[] = []
  for (let after = '0'; ; ) {
    const { items, nextAfter } = await page(`/v1/events?after=${after}&limit=${limit}${query}`)
    if (items.length === 0) return all
    all.push(...items)
    after = nextAfter
  }
}

describe('A03 scopes', () => {
  const CALLS = [
    '/v1/events',
    '/v1/events/stream',
    `/v1/streams/user-${NOBODY}/events`,
    '/v1/event-types',
    `/v1/users/${NOBODY}/sessions`,
    `/v1/users/${NOBODY}/two-factor`,
  ]

  it.each(CALLS)('%s takes no cookie, no other scope and no revoked or unknown token', async (path) => {
    const { browser } = await signUp(server)
    expectProblem(await browser.get(path), 401, 'unauthenticated')
    const others = await makeToken(
      server,
      scopes.filter((scope) => scope !== 'events:read'),
    )
    expectProblem(await get(path, others), 403, 'insufficient-scope')
    const revoked = await makeToken(server, ['events:read'])
    await revokeToken(server, revoked)
    expectProblem(await get(path, revoked), 401, 'unauthenticated')
    const session = browser.cookies.get('__Host-session') ?? ''
    for (const word of ['strongroom_junk', session]) {
      expectProblem(
        await server.browser().get(path, { headers: { Authorization: `Bearer ${word}` } }),
        401,
        'unauthenticated',
      )
    }
  })

  it('who and where is shown only with events:pii, and no credential with any scope', async () => {
    const person = await signUp(server, { 'User-Agent': AGENT })
    const userId = await idOf(person)
    const [open, closed] = [await streamPage(userId, confidant), await streamPage(userId)]
    expect(open.items.map(({ personal }) => personal)).toEqual([
      expect.objectContaining({ email: person.email, ip: '127.0.0.1' }),
      expect.objectContaining({ userAgent: AGENT, ip: '127.0.0.1' }),
    ])
    expect(closed.items.map(({ personal }) => personal)).toEqual([null, null])
    expect(closed.items.map(({ personal: _, ...rest }) => rest)).toEqual(
      open.items.map(({ personal: _, ...rest }) => rest),
    )
    for (const path of ['/v1/events?limit=200', `/v1/streams/user-${userId}/events`]) {
      const { text } = await get(path)
      for (const secret of [person.email, AGENT, '127.0.0.1', PASSWORD]) expect(text).not.toContain(secret)
    }
    const lines = await get('/v1/events', confidant, NDJSON)
    for (const word of ['credential', 'boxes', 'passwordHash', 'tokenHash', 'idempotency', PASSWORD]) {
      expect(lines.text).not.toContain(word)
    }
    const sessions = (token: TestToken) => get(`/v1/users/${userId}/sessions`, token)
    expect((await sessions(reader)).body).toMatchObject({ items: [{ id: person.sessionId, ip: null }] })
    expect((await sessions(confidant)).body).toMatchObject({ items: [{ id: person.sessionId, ip: '127.0.0.1' }] })
  })
})

describe('GET /v1/events', () => {
  it('gives every event once and in order, whatever the size of the pages, also while more are appended', async () => {
    await Promise.all(Array.from({ length: 5 }, () => signUp(server)))
    const writing = Promise.all(Array.from({ length: 10 }, () => signUp(server)))
    const small = await everything('', 3)
    await writing
    const large = await everything('', 200)
    expect(large.slice(0, small.length)).toEqual(small)
    const positions = large.map(({ position }) => BigInt(position))
    expect(positions).toEqual([...positions].sort((a, b) => (a < b ? -1 : 1)))
    expect(new Set(positions).size).toBe(positions.length)
    const lines = (await get('/v1/events', reader, NDJSON)).text.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(large)
  })

  it('a page without items is the end, and what comes later is behind its nextAfter', async () => {
    const last = (await everything('', 200)).at(-1)
    const end = await page(`/v1/events?after=${last?.position}`)
    expect(end).toEqual({ items: [], nextAfter: last?.position })
    const person = await signUp(server)
    const { items } = await page(`/v1/events?after=${end.nextAfter}`)
    expect(items.map(({ type, stream }) => [type, stream])).toEqual([
      ['user:registered', `user-${await idOf(person)}`],
      ['user:logged_in', `user-${await idOf(person)}`],
    ])
  })

  it('gives events of the wanted types only, in pages and in lines', async () => {
    const person = await signUp(server)
    await person.browser.post('/v1/auth/logout')
    const all = await everything('', 200)
    const wanted = all.filter(({ type }) => ['user:registered', 'user:logged_out'].includes(type))
    expect(await everything('&types=user:registered,user:logged_out', 2)).toEqual(wanted)
    expect(await everything('&types=user:registered&types=user:logged_out', 200)).toEqual(wanted)
    const lines = (await get('/v1/events?types=user:logged_out&limit=1', reader, NDJSON)).text
    expect(JSON.parse(lines)).toMatchObject({ type: 'user:logged_out' })
    expect((await get('/v1/events?types=user.session:expired', reader, NDJSON)).text).toBe('')
  })

  it('an event says what the contract has it say', async () => {
    const person = await signUp(server, { 'User-Agent': AGENT })
    const userId = await idOf(person)
    const { items } = await streamPage(userId, confidant)
    expect(items[1]).toEqual({
      position: expect.stringMatching(/^\d+$/),
      id: expect.any(String),
      stream: `user-${userId}`,
      revision: 1,
      type: 'user:logged_in',
      occurredAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      data: { sessionId: person.sessionId, method: 'password', challengeId: null, step: null, unfamiliar: [] },
      metadata: expect.objectContaining({
        schemaVersion: 2,
        actor: { kind: 'user', id: userId },
        sessionId: person.sessionId,
        client: expect.objectContaining({ browser: { name: 'Firefox', version: expect.any(String) } }),
      }),
      personal: { ip: '127.0.0.1', userAgent: AGENT, region: null, city: null },
    })
  })

  it.each([
    'after=-1',
    'after=1.5',
    'after=x',
    'after=99999999999999999999',
    'limit=0',
    'limit=201',
    'types=',
    'types=user:nothing',
    'types=user:logged_in,',
    'kind=x',
  ])('refuses %s', async (query) => {
    expectProblem(await get(`/v1/events?${query}`), 400, 'invalid-request')
  })
})

describe('GET /v1/streams/{stream}/events', () => {
  it('pages through one stream by positions, and knows which streams there are', async () => {
    const person = await signUp(server)
    await inTurn(4, () => person.browser.post('/v1/auth/reauthenticate', { password: PASSWORD }))
    const stream = `user-${await idOf(person)}`
    const { items } = await page(`/v1/streams/${stream}/events`)
    expect(items.map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4, 5])
    for (const { revision, position } of items) {
      const behind = await page(`/v1/streams/${stream}/events?after=${position}&limit=2`)
      expect(behind.items).toEqual(items.slice(revision + 1, revision + 3))
      const between = await page(`/v1/streams/${stream}/events?after=${BigInt(position) - 1n}&limit=1`)
      expect(between.items).toEqual([items[revision]])
    }
    expectProblem(await get(`/v1/streams/user-${NOBODY}/events`), 404, 'not-found')
    expectProblem(await get('/v1/streams/access-nothing/events'), 404, 'not-found')
  })
})

describe('GET /v1/event-types', () => {
  const types = async () => ((await get('/v1/event-types')).body as { readonly items: readonly TypeItem[] }).items

  /** By type, then by version; the newest one last. */
  const validators = async () => {
    // Formats are told beside a pattern, which is checked; `ajv` alone knows none of them.
    const ajv = new Ajv2020({ validateFormats: false })
    return new Map(
      (await types()).map(({ code, versions }) => [
        code,
        new Map(versions.map(({ version, schema }) => [version, ajv.compile(schema)])),
      ]),
    )
  }

  it('has each type with a schema of every version', async () => {
    const items = await types()
    expect(items.map(({ code }) => code)).toEqual(auditCodes)
    for (const { code, message, outcome, versions } of items) {
      const { versions: known, ...rest } = { ...catalogue, ...accessCatalogue }[code as (typeof auditCodes)[number]]
      expect({ message, outcome }).toEqual(rest)
      expect(versions.map(({ version }) => version)).toEqual(Object.keys(known).map(Number))
    }
    const signIn = items.find(({ code }) => code === 'user:logged_in')?.versions.at(-1)
    expect(signIn).toMatchObject({
      version: 2,
      schema: { type: 'object', properties: { sessionId: { type: 'string', format: 'uuid' } } },
    })
  })

  it('every golden fixture fits the schema of its version, and what it is shown as the newest one', async () => {
    const known = await validators()
    for (const name of fixtureNames()) {
      const { stored, event } = readFixture(name)
      const ofType = known.get(stored.type)
      const own = ofType?.get(Number(stored.metadata.schemaVersion))
      expect(own?.(stored.data), `${name}: ${JSON.stringify(own?.errors)}`).toBe(true)
      expect(own?.({ ...stored.data, more: 1 }), `${name} with one more field`).toBe(false)
      const newest = [...(ofType?.values() ?? [])].at(-1)
      expect(newest?.(event.data), `${name}: ${JSON.stringify(newest?.errors)}`).toBe(true)
    }
  })

  it('every item of /v1/events fits the newest schema of its type', async () => {
    const auditor = await makeToken(server, ['audit:read', 'audit:export'])
    expect((await get('/v1/audit/events?limit=1', auditor)).status).toBe(200)
    expect((await get('/v1/audit/export?format=ndjson', auditor)).status).toBe(200)
    const known = await validators()
    const items = await everything('', 200)
    expect(items.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['user:registered', 'user:logged_in', 'audit:accessed', 'audit:exported']),
    )
    for (const { type, position, data } of items) {
      const newest = [...(known.get(type)?.values() ?? [])].at(-1)
      expect(newest?.(data), `${type} at ${position}: ${JSON.stringify(newest?.errors)}`).toBe(true)
    }
  })
})

describe('GET /v1/events/stream', () => {
  it('goes on where Last-Event-ID says, with each event once and in order, then live', async () => {
    const before = await everything('', 200)
    const first = await openEventSource(`${server.url}/v1/events/stream`, reader.headers)
    expect(first.headers.get('content-type')).toBe('text/event-stream')
    await first.until(before.length)
    await signUp(server)
    await first.until(before.length + 2)
    first.leave()
    const half = first.events[Math.floor(before.length / 2)]
    await signUp(server)
    const second = await openEventSource(`${server.url}/v1/events/stream?after=end`, {
      ...reader.headers,
      'Last-Event-ID': half?.id ?? '',
    })
    const all = await everything('', 200)
    await second.until(all.length - Math.floor(before.length / 2) - 1)
    expect(second.events.map(({ data }) => data)).toEqual(all.slice(Math.floor(before.length / 2) + 1))
    expect(second.events.map(({ id }) => id)).toEqual(second.events.map(({ data }) => (data as Item).position))
    second.leave()
  })

  it('after=end begins with what comes next, and types chooses', async () => {
    const source = await openEventSource(
      `${server.url}/v1/events/stream?after=end&types=user:logged_in`,
      reader.headers,
    )
    const person = await signUp(server)
    const [only] = await source.until(1)
    expect(only?.data).toMatchObject({ type: 'user:logged_in', data: { sessionId: person.sessionId } })
    source.leave()
  })

  it('a token may have ten streams open, and one more once one of them is closed', async () => {
    const token = await makeToken(server, ['events:read'])
    const open = () => openEventSource(`${server.url}/v1/events/stream?after=end`, token.headers)
    const sources = await Promise.all(Array.from({ length: 10 }, open))
    expect(sources.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expectProblem(await get('/v1/events/stream', token), 429, 'too-many-requests')
    sources[0]?.leave()
    await vi.waitFor(async () => {
      const again = await open()
      sources.push(again)
      expect(again.status).toBe(200)
    })
    for (const source of sources) source.leave()
  })

  it('ends with a heartbeat once its token is revoked, and the stream of another token goes on', async () => {
    const token = await makeToken(server, ['events:read'])
    const [theirs, ours] = await Promise.all(
      [token, reader].map(({ headers }) => openEventSource(`${server.url}/v1/events/stream?after=end`, headers)),
    )
    if (!theirs || !ours) throw new Error('two streams were opened')
    await signUp(server)
    await Promise.all([theirs.until(2), ours.until(2)])
    await revokeToken(server, token)
    await expect.poll(() => theirs.state(), { timeout: 4 * HEARTBEAT_MS, interval: 50 }).toBe('ended')
    await signUp(server)
    await ours.until(4)
    expect(theirs.events).toHaveLength(2)
    expect(ours.state()).toBe('open')
    ours.leave()
  }, 90_000)
})

describe('docs/analysts.md', () => {
  it('every call it shows is answered', async () => {
    const person = await signUp(server)
    const userId = await idOf(person)
    const text = await readFile(new URL('../../docs/analysts.md', import.meta.url), 'utf8')
    const paths = [...text.matchAll(/"\$URL(\/[^"]+)"/g)].map(([, path = '']) => path.replace('$ID', userId))
    expect(paths.length).toBeGreaterThan(8)
    for (const path of paths) {
      const reply = await server.browser().get(path, { headers: confidant.headers, unread: true })
      expect(reply.status, path).toBe(200)
    }
  })
})

describe('A16 as of', () => {
  const comparable = (items: readonly SessionBody[]) =>
    items.map(({ lastAccessedAt: _, current: __, ...rest }) => rest).sort((a, b) => a.id.localeCompare(b.id))

  const asOf = async (userId: string, moment: string, state: string): Promise<readonly SessionBody[]> => {
    const reply = await get(`/v1/users/${userId}/sessions?asOf=${encodeURIComponent(moment)}&state=${state}`, confidant)
    expect(reply).toMatchObject({ status: 200 })
    return (reply.body as { items: readonly SessionBody[] }).items
  }

  it("A16 asOf a position equals what a query with that position's token answered", async () => {
    const owner = await signUp(server, { 'User-Agent': AGENT })
    const userId = await idOf(owner)
    const told: { position: string; active: readonly SessionBody[]; ended: readonly SessionBody[] }[] = []
    const note = async (browser: Person['browser'], token: string | null) => {
      // By the header, for the command may have been another browser's.
      const query = async (state: string) => {
        const reply = await browser.get(`/v1/me/sessions?state=${state}`, {
          headers: token === null ? {} : { 'Consistency-Token': token },
        })
        expect(reply.status).toBe(200)
        return (reply.body as { items: readonly SessionBody[] }).items
      }
      const { items } = await streamPage(userId)
      const position = items.at(-1)?.position ?? ''
      told.push({ position, active: await query('active'), ended: await query('ended') })
    }
    await note(owner.browser, null)
    const others = await inTurn(3, async () => {
      const other = await signIn(server, owner.email)
      await note(other.browser, null)
      return other
    })
    const revoked = await owner.browser.delete(`/v1/me/sessions/${others[0]?.sessionId}`)
    await note(owner.browser, revoked.headers.get('consistency-token'))
    const out = await others[1]?.browser.post('/v1/auth/logout')
    await note(owner.browser, out?.headers.get('consistency-token') ?? null)
    const changed = await owner.browser.put('/v1/me/password', {
      currentPassword: PASSWORD,
      newPassword: 'eleven copper kettles sing',
    })
    expect(changed.status).toBe(204)
    await note(owner.browser, changed.headers.get('consistency-token'))

    expect(told.map(({ active }) => active.length)).toEqual([1, 2, 3, 4, 3, 2, 1])
    for (const { position, active, ended } of told) {
      expect(comparable(await asOf(userId, position, 'active'))).toEqual(comparable(active))
      const then = await asOf(userId, position, 'ended')
      expect(comparable(then)).toEqual(comparable(ended))
      expect(then.map(({ id }) => id)).toEqual(ended.map(({ id }) => id))
      expect((await asOf(userId, position, 'all')).length).toBe(active.length + ended.length)
    }
    expect(comparable(await asOf(userId, new Date().toISOString(), 'active'))).toEqual(
      comparable((await sessionPage(owner.browser)).items),
    )
  })

  it('a time is the last event recorded by then; before the first there was nothing', async () => {
    const owner = await signUp(server)
    const userId = await idOf(owner)
    expect(await asOf(userId, '2001-01-01T00:00:00Z', 'all')).toEqual([])
    expect(await asOf(userId, '0', 'all')).toEqual([])
    expect(await asOf(userId, '2101-01-01T00:00:00.123+02:00', 'all')).toHaveLength(1)
    for (const wrong of ['yesterday', '2001-01-01', '2001-13-01T00:00:00Z', '-1']) {
      expectProblem(await get(`/v1/users/${userId}/sessions?asOf=${wrong}`), 400, 'invalid-request')
      expectProblem(await get(`/v1/users/${userId}/two-factor?asOf=${wrong}`), 400, 'invalid-request')
    }
  })

  it('nobody is 404', async () => {
    expect(
      statusesOf([await get(`/v1/users/${NOBODY}/sessions`), await get(`/v1/users/${NOBODY}/two-factor`)]),
    ).toEqual([404, 404])
  })

  it('the second factor as it was', async () => {
    const email = someEmail()
    expect((await server.browser().register(email, PASSWORD)).status).toBe(201)
    const owner = await signIn(server, email)
    const { body } = await get(`/v1/users/${await idOf(owner)}/two-factor?asOf=2101-01-01T00:00:00Z`)
    expect(body).toEqual((await owner.browser.get('/v1/me/two-factor')).body)
  })

  it('A16 the second factor at each moment of its life: off, on, a code used, new codes, off again', async () => {
    const clock = openClock()
    const guarded = await startServer({ database: server.database, now: clock.now, env: { ROLES: 'api' } })
    try {
      const owner = await signUp(guarded)
      const userId = await idOf(owner)
      const told: { readonly position: string; readonly state: unknown }[] = []
      const note = async (browser = owner.browser): Promise<void> => {
        const { items } = await streamPage(userId)
        told.push({ position: items.at(-1)?.position ?? '', state: (await browser.get('/v1/me/two-factor')).body })
      }
      await note()
      const { secret, backupCodes } = await protect(owner.browser, clock)
      await note()
      const device = await challenged(guarded, owner)
      expect((await complete(device, backupCodes[3], 'backup_code')).status).toBe(200)
      await note(device)
      expect((await owner.browser.post('/v1/me/two-factor/backup-codes')).status).toBe(201)
      await note()
      expect((await disable(owner.browser, code(clock, secret))).status).toBe(204)
      await note()
      expect(told.map(({ state }) => state)).toMatchObject([
        { enabled: false },
        { enabled: true, backupCodes: { total: 10, remaining: 10 } },
        { enabled: true, backupCodes: { remaining: 9 } },
        { enabled: true, backupCodes: { remaining: 10 } },
        { enabled: false },
      ])
      for (const { position, state } of told) {
        const then = await get(`/v1/users/${userId}/two-factor?asOf=${position}`)
        expect(then.body).toEqual(state)
        for (const hidden of [secret, ...backupCodes]) expect(then.text).not.toContain(hidden)
      }
    } finally {
      await guarded.stop()
    }
  })
})
