/** An event in the log that cannot be projected, and what the real read models do: one parks a person, the other halts. */
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { streamOf } from '../../src/accounts/accounts.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import type { EventStore, JsonObject, RecordedEvent } from '../../src/event-store/port.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { expectProblem, type Person, signIn, signUp, sql, untilProjected } from './support.ts'
import { makeToken, type TestToken } from './tokens.ts'

const PATIENT = { timeout: 15_000, interval: 20 }

let api: TestServer
let projector: TestServer
let reader: TestToken
let store: EventStore
/** Whose events stay as they were. */
let other: Person

beforeAll(async () => {
  api = await startServer({ env: { ROLES: 'api', CONSISTENCY_WAIT_MS: '15000' } })
  projector = await startServer({ env: { ROLES: 'projector' }, database: api.database })
  reader = await makeToken(api, ['events:read'])
  const { connection, eventStore } = api.database
  store = await openEventStore({ place: eventStore?.connectionString ?? connection, log: pino({ level: 'silent' }) })
  other = await signUp(api)
})
afterAll(async () => {
  await store.close()
  await projector.stop()
  await api.stop()
})

interface Damaged extends Person {
  readonly stream: string
}

const somebody = async (): Promise<Damaged> => {
  const person = await signUp(api)
  const { body } = await person.browser.get('/v1/me')
  return { ...person, stream: streamOf((body as { user: { id: string } }).user.id) }
}

/** Appends what `change` makes of the person's sign-in, as whoever writes into the store could. */
const appendDamaged = async (
  stream: string,
  change: (logIn: RecordedEvent) => { readonly data: JsonObject; readonly metadata: JsonObject },
): Promise<void> => {
  const events: RecordedEvent[] = []
  for await (const event of store.read(stream)) events.push(event)
  const [logIn, last] = [events.find(({ type }) => type === 'user:logged_in'), events.at(-1)]
  if (!logIn || !last) throw new Error('nobody has signed in')
  await store.append(stream, [{ id: randomUUID(), type: logIn.type, ...change(logIn) }], last.revision)
}

/** Readable, but for the personal box: that of another event opens in no other place. */
const withForeignBox = ({ data, metadata }: RecordedEvent) => ({ data: { ...data, sessionId: randomUUID() }, metadata })

const views = async (): Promise<Readonly<Record<string, unknown>>> => {
  const { body } = await api.browser().get('/v1/projections', { headers: reader.headers })
  return Object.fromEntries((body as { items: { name: string }[] }).items.map((view) => [view.name, view]))
}

const figure = async (server: TestServer, line: string): Promise<number | undefined> => {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const found = text.split('\n').find((each) => each.startsWith(`${line} `))
  return found === undefined ? undefined : Number(found.slice(line.length))
}

/** The one whose sign-in is not as its schema says, and the one whose personal box does not open. */
let unreadable: Damaged
let shut: Damaged
beforeAll(async () => {
  unreadable = await somebody()
  shut = await somebody()
  await untilProjected(api)
  expect((await projector.browser().get('/readyz')).status).toBe(200)
  await appendDamaged(unreadable.stream, ({ metadata }) => ({ data: {}, metadata }))
  await appendDamaged(shut.stream, withForeignBox)
})

describe('a sign-in that cannot be projected', () => {
  it('parks the person in the sessions, and halts the audit log', async () => {
    await expect.poll(views, PATIENT).toMatchObject({
      sessions: { state: 'live', parked: 2 },
      auditlog: { state: 'halted', parked: 0 },
    })
    expect(await sql(api, 'select name, stream, type, fault from read.parked order by position')).toMatchObject([
      { name: 'sessions', stream: unreadable.stream, type: 'user:logged_in', fault: { error: 'UnreadableEvent' } },
      { name: 'sessions', stream: shut.stream, type: 'user:logged_in', fault: { error: 'CannotOpen' } },
    ])
    expect(await sql(api, "select halted from read.projections where name = 'auditlog'")).toMatchObject([
      { halted: { stream: unreadable.stream, type: 'user:logged_in', fault: { error: 'UnreadableEvent' } } },
    ])
  })

  it('is an alert in the figures of every process, and of the one that projects', async () => {
    await expect.poll(() => figure(api, 'strongroom_projection_halted{name="auditlog"}'), PATIENT).toBe(1)
    await expect.poll(() => figure(api, 'strongroom_projection_parked{name="sessions"}'), PATIENT).toBe(2)
    expect(await figure(api, 'strongroom_projection_halted{name="sessions"}')).toBe(0)
    expect(await figure(projector, 'strongroom_projection_halted{name="auditlog"}')).toBe(1)
    const state = (name: string, is: string) =>
      figure(projector, `strongroom_worker_state{kind="projection",name="${name}",state="${is}"}`)
    await expect.poll(() => state('auditlog', 'halted'), PATIENT).toBe(1)
    expect(await state('sessions', 'running')).toBe(1)
  })

  it('makes the process that projects unready, and not the one that answers', async () => {
    await expect
      .poll(async () => (await projector.browser().get('/readyz')).text, PATIENT)
      .toContain('projection auditlog')
    const reply = await projector.browser().get('/readyz')
    expectProblem(reply, 503, 'projection-halted')
    expect(reply.text).not.toContain('projection sessions')
    expect((await api.browser().get('/readyz')).status).toBe(200)
  })

  it('has the list of that person refused, and nobody else notices', async () => {
    const listOf = (person: Pick<Person, 'browser'>) => person.browser.get('/v1/me/sessions')
    await expect.poll(async () => (await listOf(shut)).status, PATIENT).toBe(503)
    expectProblem(await listOf(shut), 503, 'projection-halted')
    // The truth needs no read model.
    expect((await shut.browser.get('/v1/me')).status).toBe(200)
    const { browser } = await signIn(api, other.email)
    expect(await listOf({ browser })).toMatchObject({
      status: 200,
      body: { items: expect.arrayContaining([expect.objectContaining({ current: true })]) },
    })
    // The audit log shows what it had until then, and not to whoever has just done something.
    expectProblem(await browser.get('/v1/me/audit-events'), 503, 'projection-halted')
  })

  it('lets nobody act on a history that cannot be read at all', async () => {
    for (const path of ['/v1/me', '/v1/me/sessions']) {
      expectProblem(await unreadable.browser.get(path), 503, 'store-unavailable')
    }
  })
})
