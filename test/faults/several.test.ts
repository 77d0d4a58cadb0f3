/** Two processes that answer and two that project, on one store: what one did the other knows, and one may die. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditlog } from '../../projections/auditlog.ts'
import { LEASE_SECONDS } from '../../src/projector/worker.ts'
import { startEventStoreDbFixture } from '../event-store/eventstoredb/server.ts'
import { makeToken } from '../security/tokens.ts'
import type { Browser } from '../support/browser.ts'
import { cookieOf, openEventSource } from '../support/event-source.ts'
import { createDatabase } from '../support/postgres.ts'
import { compareWithReplay, type EventsPlace, historyOf } from '../support/replay.ts'
import { PASSWORD, someEmail, type TestDatabase, urlOf } from '../support/server.ts'
import { type ServerProcess, spawnServer } from '../support/server-process.ts'

const PATIENT = { timeout: 60_000, interval: 50 }
/** A silent owner keeps its place for the lease time; as much again is for a machine that is busy with other tests. */
const TAKEN_OVER = { timeout: 2 * LEASE_SECONDS * 1_000, interval: 50 }

let database: TestDatabase
let events: EventsPlace
let env: Readonly<Record<string, string>>
let apis: readonly [ServerProcess, ServerProcess]
/** By the id of the process, as the leases name their owners. */
const projectors = new Map<number, ServerProcess>()
let db: pg.Pool

beforeAll(async () => {
  const own = await createDatabase()
  const eventStore = process.env.STRONGROOM_TEST_STORE === 'eventstoredb' ? await startEventStoreDbFixture() : undefined
  database = {
    connection: own.connection,
    drop: async () => {
      await eventStore?.stop()
      await own.drop()
    },
  }
  events = eventStore?.connectionString ?? own.connection
  env = {
    DATABASE_URL: urlOf(own.connection),
    CONSISTENCY_WAIT_MS: '15000',
    ...(eventStore === undefined ? {} : { EVENT_STORE_URL: eventStore.connectionString }),
  }
  db = new pg.Pool({ ...own.connection, max: 3 })
  const [first, second] = await Promise.all([spawnApi(), spawnApi(), spawnProjector(), spawnProjector()])
  apis = [first, second]
}, 120_000)
afterAll(async () => {
  await Promise.all([...apis, ...projectors.values()].map((one) => one.end('SIGKILL')))
  await db.end()
  await database.drop()
})

const spawnApi = () => spawnServer({ ...env, ROLES: 'api' })

const spawnProjector = async (): Promise<void> => {
  const projector = await spawnServer({ ...env, ROLES: 'projector' })
  projectors.set(projector.pid, projector)
}

interface Row {
  readonly version: number
  readonly build: number
  readonly stage: string
  readonly owner: string | null
  readonly epoch: string
  readonly position: string | null
  readonly bulk: string
  readonly events: number
  readonly started_at: Date | null
  readonly report: unknown
}

const rowsOf = async (name: string): Promise<readonly Row[]> =>
  (await db.query<Row>('select *, events::int as events from read.projections where name = $1 order by build', [name]))
    .rows

/** A table that is dropped and made again has another one. */
const oidOf = async (table: string): Promise<unknown> =>
  (await db.query('select $1::regclass::oid as oid', [table])).rows[0].oid

/** The process that holds the lease; undefined where none does. */
const ownerOf = async (name: string, stage: string): Promise<ServerProcess | undefined> => {
  const row = (await rowsOf(name)).find((one) => one.stage === stage)
  return projectors.get(Number(/:(\d+)\//.exec(row?.owner ?? '')?.[1]))
}

const kill = async (projector: ServerProcess): Promise<void> => {
  projectors.delete(projector.pid)
  await projector.end('SIGKILL')
}

/** The same client at another process. */
const at = (api: ServerProcess, { cookies }: Browser): Browser => {
  const browser = api.browser()
  for (const [name, value] of cookies) browser.cookies.set(name, value)
  return browser
}

const signUpAt = async (api: ServerProcess): Promise<{ email: string; browser: Browser }> => {
  const email = someEmail()
  const browser = api.browser()
  expect((await browser.register(email, PASSWORD)).status).toBe(201)
  expect((await browser.logIn(email, PASSWORD)).status).toBe(200)
  return { email, browser }
}

/** Nobody else reads or writes it until the returned function is called, or this process ends. */
const holdTable = async (table: string): Promise<() => Promise<void>> => {
  const client = new pg.Client(database.connection)
  client.on('error', () => {})
  await client.connect()
  await client.query(`begin; lock table ${table} in access exclusive mode`)
  return () => client.end()
}

interface Load {
  readonly logIns: ReadonlySet<string>
  readonly revokes: ReadonlySet<string>
  /** Waits until so many more commands have been answered. */
  more(count: number): Promise<void>
  stop(): Promise<void>
}

/** People at both processes: each signs in at one, again at the other, and ends the first session from the second. */
const putLoad = (): Load => {
  const logIns = new Set<string>()
  const revokes = new Set<string>()
  let stopped = false
  const use = async (here: ServerProcess, there: ServerProcess): Promise<void> => {
    const email = someEmail()
    expect((await here.browser().register(email, PASSWORD)).status).toBe(201)
    while (!stopped) {
      const [first, second] = [here.browser(), there.browser()]
      const ids = []
      for (const device of [first, second]) {
        const { status, body } = await device.logIn(email, PASSWORD)
        expect(status).toBe(200)
        const { id } = (body as { session: { id: string } }).session
        logIns.add(id)
        ids.push(id)
      }
      expect((await second.delete(`/v1/me/sessions/${ids[0]}`)).status).toBe(204)
      revokes.add(ids[0] ?? '')
      expect((await first.get('/v1/me')).status).toBe(401)
    }
  }
  const [one, two] = apis
  const users = [use(one, two), use(two, one)]
  // Looked at in `stop`; until then a failure must not end the process.
  for (const user of users) user.catch(() => {})
  return {
    logIns,
    revokes,
    more: async (count) => {
      const target = logIns.size + revokes.size + count
      await Promise.race([
        Promise.all(users),
        expect.poll(() => logIns.size + revokes.size, PATIENT).toBeGreaterThan(target),
      ])
    },
    stop: async () => {
      stopped = true
      await Promise.all(users)
    },
  }
}

/** Every acknowledged command is there once, nothing is there twice, and the read models are what a full replay gives. */
const expectWhole = async ({ logIns, revokes }: Load): Promise<void> => {
  const history = await historyOf(events)
  const idsOf = (type: string) =>
    history.filter((event) => event.type === type).map((event) => String(event.data.sessionId))
  for (const [acknowledged, stored] of [
    [logIns, idsOf('user:logged_in')],
    [revokes, idsOf('user.session:revoked')],
  ] as const) {
    expect(new Set(stored).size).toBe(stored.length)
    expect([...acknowledged].filter((id) => !stored.includes(id))).toEqual([])
  }
  const head = String(history.at(-1)?.position)
  for (const name of ['sessions', 'auditlog']) {
    await expect
      .poll(async () => (await rowsOf(name)).find(({ stage }) => stage === 'live')?.position, PATIENT)
      .toBe(head)
  }
  const { live, replayed } = await compareWithReplay(database.connection, events)
  expect(live.sessions).toEqual(replayed.sessions)
  expect(live.auditlog).toEqual(replayed.auditlog)
  expect(live.auditlog).toHaveLength(history.length)
}

describe('two processes that answer', () => {
  it('take commands of one person in turn, honour the token of the other, and list the same', async () => {
    const [one, two] = apis
    const { email, browser } = await signUpAt(one)
    for (let round = 0; round < 4; round++) {
      const [here, there] = round % 2 === 0 ? [one, two] : [two, one]
      const device = there.browser()
      const { body, headers } = await device.logIn(email, PASSWORD)
      const { id } = (body as { session: { id: string } }).session
      const asked = at(here, browser)
      asked.cookies.delete('__Host-consistency')
      const token = { 'Consistency-Token': headers.get('consistency-token') ?? '' }
      const lists = await Promise.all(
        [asked, at(there, browser)].map(async (client) => client.get('/v1/me/sessions', { headers: token })),
      )
      for (const list of lists) {
        expect(list.status).toBe(200)
        expect((list.body as { items: { id: string }[] }).items.map((item) => item.id)).toContain(id)
      }
      const idsIn = ({ body }: (typeof lists)[number]) =>
        (body as { items: { id: string }[] }).items.map((one) => one.id)
      expect(lists.map(idsIn)[0]).toEqual(lists.map(idsIn)[1])
    }
    const audits = await Promise.all(apis.map(async (api) => (await at(api, browser).get('/v1/me/audit-events')).body))
    expect(audits[0]).toEqual(audits[1])
    expect((audits[0] as { items: unknown[] }).items).toHaveLength(6)
  })

  it('decide one after the other what only one may have: of two that end a session, one event', async () => {
    const { email, browser } = await signUpAt(apis[0])
    const { body } = await apis[1].browser().logIn(email, PASSWORD)
    const { id } = (body as { session: { id: string } }).session
    const replies = await Promise.all(apis.map((api) => at(api, browser).delete(`/v1/me/sessions/${id}`)))
    expect(replies.map(({ status }) => status)).toEqual([204, 204])
    const history = await historyOf(events)
    expect(history.filter(({ type, data }) => type === 'user.session:revoked' && data.sessionId === id)).toHaveLength(1)
  })

  it('S07 a session revoked at one is refused at the other at once, and its stream there ends', async () => {
    const [one, two] = apis
    const { email, browser } = await signUpAt(one)
    const phone = two.browser()
    const { body } = await phone.logIn(email, PASSWORD)
    const { id } = (body as { session: { id: string } }).session
    const stream = await openEventSource(`${two.url}/v1/me/events`, { Cookie: cookieOf(phone) })
    expect(stream.status).toBe(200)
    expect((await browser.delete(`/v1/me/sessions/${id}`)).status).toBe(204)
    for (const api of [two, one]) {
      expect((await at(api, phone).get('/v1/me')).body).toMatchObject({ status: 401, code: 'session-ended' })
    }
    await stream.untilEnded()
    expect(stream.events.filter(({ event }) => event === 'session-ended')).toMatchObject([{ data: { id } }])
  })
})

describe('two processes that project', () => {
  it('of which the owner dies in mid-work: the other goes on, nothing is projected twice and nothing lost', async () => {
    const load = putLoad()
    await load.more(12)
    const owner = await ownerOf('auditlog', 'live')
    if (owner === undefined) throw new Error('nobody owns the audit log')
    const [before] = await rowsOf('auditlog')
    await kill(owner)
    const [heir] = projectors.values()
    // Both at once, as both leases run out by themselves.
    await Promise.all(
      ['auditlog', 'sessions'].map((name) => expect.poll(() => ownerOf(name, 'live'), TAKEN_OVER).toBe(heir)),
    )
    const [after] = await rowsOf('auditlog')
    expect(BigInt(after?.epoch ?? 0)).toBe(BigInt(before?.epoch ?? 0) + 1n)
    await load.more(12)
    await load.stop()
    await expectWhole(load)
  }, 120_000)

  it('of which the one that builds dies before its flip: the other goes on with that build, and flips', async () => {
    await spawnProjector()
    const token = await makeToken({ database }, ['projections:write', 'events:read'])
    const load = putLoad()
    // The comparison, the last step before the flip, waits for the live rows.
    const free = await holdTable(`read.auditlog_v${auditlog.version}`)
    const asked = await apis[0]
      .browser()
      .post('/v1/projections/auditlog/rebuild', undefined, { headers: token.headers })
    expect(asked.status).toBe(202)
    const built = async () => (await rowsOf('auditlog')).find(({ build }) => build === 2)
    await expect.poll(built, PATIENT).toMatchObject({ bulk: 'done', stage: 'building' })
    const builder = await ownerOf('auditlog', 'building')
    if (builder === undefined) throw new Error('nobody owns the build')
    await kill(builder)
    const left = await built()
    const tableLeft = await oidOf(`read.auditlog_v${auditlog.version}b2`)
    await free()

    const counts = [left?.events ?? 0]
    const counting = async () => {
      const build = await built()
      counts.push(build?.events ?? 0)
      return build
    }
    await expect.poll(counting, PATIENT).toMatchObject({ stage: 'live', report: { equal: true } })
    const flipped = await built()
    // Gone on with, not begun again: in the same table, which whoever begins makes anew.
    expect(counts[0]).toBeGreaterThan(0)
    expect(counts).toEqual([...counts].sort((a, b) => a - b))
    expect(await oidOf(`read.auditlog_v${auditlog.version}b2`)).toBe(tableLeft)
    expect(flipped?.started_at).toEqual(left?.started_at)
    expect(BigInt(flipped?.epoch ?? 0)).toBeGreaterThan(BigInt(left?.epoch ?? 0))
    await load.more(6)
    await load.stop()
    await expectWhole(load)
    const { body } = await apis[1].browser().get('/v1/projections', { headers: token.headers })
    expect(body).toMatchObject({
      items: [
        { name: 'sessions', rebuild: null },
        { name: 'auditlog', rebuild: null },
      ],
    })
  }, 120_000)
})
