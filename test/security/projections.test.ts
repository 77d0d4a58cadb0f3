/** The read models over HTTP: how far they are, a rebuild from the request to the flip, and the figures of the work. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProjectionView } from '../../src/projector/overview.ts'
import type { Reply } from '../support/browser.ts'
import { holdBuilds } from '../support/hold-builds.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { expectProblem, inTurn, type Person, signIn, signUp, sql, untilProjected } from './support.ts'
import { makeToken, type TestToken } from './tokens.ts'

const PATIENT = { timeout: 15_000, interval: 20 }
const REBUILD = '/v1/projections/sessions/rebuild'

/** Beside it projectors come and go, so that what only lasts a moment can be looked at for as long as a test likes. */
let api: TestServer
let reader: TestToken
let builder: TestToken
let owner: Person

beforeAll(async () => {
  api = await startServer({ env: { ROLES: 'api' } })
  reader = await makeToken(api, ['events:read'])
  builder = await makeToken(api, ['projections:write'])
  owner = await signUp(api)
  const others = await inTurn(2, () => signIn(api, owner.email))
  await owner.browser.delete(`/v1/me/sessions/${others[0]?.sessionId}`)
})
afterAll(() => api.stop())

const list = async (): Promise<readonly ProjectionView[]> => {
  const reply = await api.browser().get('/v1/projections', { headers: reader.headers })
  expect(reply).toMatchObject({ status: 200 })
  return (reply.body as { items: readonly ProjectionView[] }).items
}
const viewOf = async (name: string): Promise<ProjectionView | undefined> =>
  (await list()).find((view) => view.name === name)

const rebuild = (path = REBUILD, { headers }: TestToken = builder): Promise<Reply> =>
  api.browser().post(path, undefined, { headers })

const withProjector = async (work: (projector: TestServer) => Promise<void>): Promise<void> => {
  const projector = await startServer({ env: { ROLES: 'projector' }, database: api.database })
  try {
    await work(projector)
  } finally {
    await projector.stop()
  }
}

/** Of both read models, every row as text. */
const rows = async (): Promise<readonly (readonly unknown[])[]> => [
  await sql(api, 'select t::text as row from read.sessions t order by id'),
  await sql(api, 'select t::text as row from read.auditlog t order by id'),
]

const builds = async () =>
  (
    await sql(api, "select version, build, stage from read.projections where name = 'sessions' order by version, build")
  ).map(({ version, build, stage }) => `${version}.${build} ${stage}`)

const figure = async (server: TestServer, line: string): Promise<number | undefined> => {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const found = text.split('\n').find((each) => each.startsWith(`${line} `))
  return found === undefined ? undefined : Number(found.slice(line.length))
}

describe('who may', () => {
  it('A03 look: events:read alone', async () => {
    expectProblem(await api.browser().get('/v1/projections'), 401, 'unauthenticated')
    expectProblem(await owner.browser.get('/v1/projections'), 401, 'unauthenticated')
    const refused = await api.browser().get('/v1/projections', { headers: builder.headers })
    expectProblem(refused, 403, 'insufficient-scope')
  })

  it('A03 ask for a rebuild: projections:write alone, and who may not has asked for none', async () => {
    expectProblem(await api.browser().post(REBUILD), 401, 'unauthenticated')
    expectProblem(await owner.browser.post(REBUILD), 401, 'unauthenticated')
    expectProblem(await rebuild(REBUILD, reader), 403, 'insufficient-scope')
    // Whoever may not learns no names either.
    expectProblem(await rebuild('/v1/projections/nothing/rebuild', reader), 403, 'insufficient-scope')
    expect(await viewOf('sessions')).toMatchObject({ state: 'live', rebuild: null })
  })

  it('an unknown name is 404, a name that cannot be one too or 400, and another method 405', async () => {
    expectProblem(await rebuild('/v1/projections/nothing/rebuild'), 404, 'not-found')
    for (const name of ['Sessions', 'sessions_v1;drop', '%00', `a${'b'.repeat(60)}`]) {
      const { status, body } = await rebuild(`/v1/projections/${name}/rebuild`)
      expect([400, 404]).toContain(status)
      expect(body).toMatchObject({ status })
    }
    expectProblem(await api.browser().get(REBUILD, { headers: builder.headers }), 405, 'method-not-allowed')
  })
})

describe('from the first event to the flip of a rebuild', () => {
  it('before any projector has run, nothing is handled and nothing is known of the lag', async () => {
    const nothing = { state: 'live', position: null, lagSeconds: null, parked: 0, rebuild: null }
    expect(await list()).toEqual([
      { name: 'sessions', version: expect.any(Number), ...nothing },
      { name: 'auditlog', version: expect.any(Number), ...nothing },
    ])
  })

  it('a projector handles every event once, is at the last position, and its figures say so', async () => {
    await withProjector(async (projector) => {
      await untilProjected(api)
      const events = (await sql(api, 'select count(*)::int as n from read.auditlog'))[0]?.n
      expect(events).toBe(5)
      const items = (await api.browser().get('/v1/events?limit=200', { headers: reader.headers })).body as {
        items: readonly { position: string }[]
      }
      const head = items.items.at(-1)?.position
      await expect.poll(list, PATIENT).toMatchObject([
        { name: 'sessions', state: 'live', position: head, lagSeconds: 0, rebuild: null },
        { name: 'auditlog', state: 'live', position: head, lagSeconds: 0, rebuild: null },
      ])
      for (const name of ['sessions', 'auditlog']) {
        const worker = `{kind="projection",name="${name}"}`
        expect(await figure(projector, `strongroom_projection_batch_events_sum{name="${name}"}`)).toBe(events)
        expect(await figure(projector, `strongroom_worker_position${worker}`)).toBe(Number(head))
        expect(await figure(projector, `strongroom_worker_lag_seconds${worker}`)).toBe(0)
        expect(await figure(projector, `strongroom_worker_epoch${worker}`)).toBe(1)
        expect(await figure(projector, `strongroom_worker_retries_total${worker}`)).toBe(0)
        expect(await figure(projector, `strongroom_projection_halted{name="${name}"}`)).toBe(0)
        expect(await figure(projector, `strongroom_projection_rebuilding{name="${name}"}`)).toBe(0)
      }
      expect(await figure(projector, 'strongroom_hash_queue_length')).toBe(0)
      expect(await figure(api, 'strongroom_projection_parked{name="sessions"}')).toBe(0)
      // The api process runs none of them, and says nothing of work that it does not do; the database knows how far they are.
      expect(await figure(api, 'strongroom_worker_position{kind="projection",name="sessions"}')).toBeUndefined()
      expect(await figure(api, 'strongroom_projection_lag_seconds{name="sessions"}')).toBe(0)
    })
  })

  it('an idle projector that has stopped leaves the position, and a lag that grows', async () => {
    const first = await viewOf('auditlog')
    expect(first).toMatchObject({ state: 'live', position: expect.stringMatching(/^\d+$/) })
    await expect
      .poll(async () => (await viewOf('auditlog'))?.lagSeconds, PATIENT)
      .toBeGreaterThan(first?.lagSeconds ?? 0)
    // Also an alert learns of it, from a process that has never projected anything.
    const lag = () => figure(api, 'strongroom_projection_lag_seconds{name="auditlog"}')
    const before = await lag()
    expect(before).toBeGreaterThan(0)
    await expect.poll(lag, PATIENT).toBeGreaterThan(before ?? 0)
  })

  it('202 says what was asked for, a second one is 409 while it waits, and the flip leaves the same rows', async () => {
    const before = await rows()
    const asked = await rebuild()
    expect(asked.status).toBe(202)
    const waiting = { version: 1, build: 2, state: 'waiting', position: null, eventsDone: 0, startedAt: null }
    expect(asked.body).toMatchObject({
      items: [{ name: 'sessions', state: 'rebuilding', position: expect.any(String), rebuild: waiting }],
    })
    expectProblem(await rebuild(), 409, 'conflict')
    expect(await viewOf('sessions')).toMatchObject({ state: 'rebuilding', rebuild: waiting })
    // Of its own, whatever the other one is at.
    expect(await viewOf('auditlog')).toMatchObject({ state: 'live', rebuild: null })
    expect(await figure(api, 'strongroom_projection_rebuilding{name="sessions"}')).toBe(1)
    expect(await builds()).toEqual(['1.1 live', '1.2 building'])
    expect(await rows()).toEqual(before)

    await withProjector(async () => {
      await expect.poll(() => viewOf('sessions'), PATIENT).toMatchObject({ state: 'live', rebuild: null })
      expect(await builds()).toEqual(['1.1 kept', '1.2 live'])
      expect(await rows()).toEqual(before)
      expect(await viewOf('sessions')).toMatchObject({ version: 1, position: expect.any(String) })
      await expect.poll(async () => (await viewOf('sessions'))?.lagSeconds, PATIENT).toBe(0)
      // The new one is followed from here on, and another one may be asked for.
      await signIn(api, owner.email)
      await untilProjected(api)
      expect(await sql(api, 'select count(*)::int as n from read.sessions')).toEqual([{ n: 4 }])
      expect((await rebuild()).status).toBe(202)
      await expect.poll(builds, PATIENT).toEqual(['1.2 kept', '1.3 live'])
    })
  })

  it('while it is being built the list tells how far it is, and so do the figures', async () => {
    await withProjector(async (projector) => {
      await expect.poll(builds, PATIENT).toEqual(['1.2 kept', '1.3 live'])
      await untilProjected(api)
      const events = (await sql(api, 'select count(*)::int as n from read.auditlog'))[0]?.n
      const worker = (name: string) => figure(projector, `strongroom_worker_${name}{kind="build",name="sessions"}`)
      const release = await holdBuilds(api)
      try {
        expect((await rebuild()).status).toBe(202)
        const done = { position: expect.any(String), eventsDone: events, eventsTotal: events, etaSeconds: 0 }
        await expect
          .poll(() => viewOf('sessions'), PATIENT)
          .toMatchObject({
            ...{ state: 'rebuilding', position: expect.any(String) },
            rebuild: { ...{ version: 1, build: 4, state: 'building', startedAt: expect.any(String) }, ...done },
          })
        expect((await viewOf('sessions'))?.rebuild?.eventsPerSecond).toBeGreaterThan(0)
        expectProblem(await rebuild(), 409, 'conflict')
        expect(await figure(api, 'strongroom_projection_rebuild_events{name="sessions"}')).toBe(events)
        expect(await figure(api, 'strongroom_projection_rebuild_state{name="sessions",state="building"}')).toBe(1)
        await expect.poll(() => worker('position'), PATIENT).toBeGreaterThan(0)
        // What holds it up is a disturbance, after which it tries again.
        await expect.poll(() => worker('retries_total'), PATIENT).toBeGreaterThan(1)
      } finally {
        await release()
      }
      await expect.poll(() => viewOf('sessions'), PATIENT).toMatchObject({ state: 'live', rebuild: null })
      await expect.poll(() => worker('retries_total'), PATIENT).toBeUndefined()
      expect(await figure(api, 'strongroom_projection_rebuild_state{name="sessions",state="building"}')).toBeUndefined()
    })
  })

  it('a build whose rows differ is shown as refused, beside the live one, until the next one', async () => {
    const setIp = (ip: unknown) => sql(api, 'update read.sessions set ip = $1 where id = $2', [ip, owner.sessionId])
    const [row] = await sql(api, 'select ip from read.sessions where id = $1', [owner.sessionId])
    await withProjector(async () => {
      await setIp('203.0.113.9')
      expect((await rebuild()).status).toBe(202)
      await expect
        .poll(() => viewOf('sessions'), PATIENT)
        .toMatchObject({ state: 'live', rebuild: { build: 5, state: 'refused', position: expect.any(String) } })
      expect(await figure(api, 'strongroom_projection_rebuild_state{name="sessions",state="refused"}')).toBe(1)
      expect(await builds()).toEqual(['1.4 live', '1.5 refused'])
      await setIp(row?.ip)
      expect((await rebuild()).status).toBe(202)
      await expect.poll(builds, PATIENT).toEqual(['1.4 kept', '1.6 live'])
      expect(await viewOf('sessions')).toMatchObject({ state: 'live', rebuild: null })
    })
  })

  it('of twenty that ask at once one is accepted', async () => {
    const statuses = (await Promise.all(Array.from({ length: 20 }, () => rebuild()))).map(({ status }) => status)
    expect(statuses.filter((status) => status === 202)).toHaveLength(1)
    expect(statuses.filter((status) => status === 409)).toHaveLength(19)
  })
})

describe('after the schema of the read models was dropped', () => {
  it('503 until the history has been projected again, never a part of it; then everything as before', async () => {
    await withProjector(async () => untilProjected(api))
    const before = await rows()
    await sql(api, 'drop schema read cascade')
    // Nobody projects yet; who starts says how far the history goes.
    const next = await startServer({ env: { ROLES: 'api' }, database: api.database })
    try {
      const token = await makeToken(api, ['audit:read'])
      const person = owner.browser.copy()
      person.cookies.delete('__Host-consistency')
      for (const path of ['/v1/me/sessions', '/v1/me/audit-events', '/v1/me/audit-events/export?format=csv']) {
        expectProblem(await person.get(path), 503, 'projection-behind')
      }
      const audit = () => next.browser().get('/v1/audit/events', { headers: token.headers })
      expectProblem(await audit(), 503, 'projection-behind')
      // The truth needs no read model.
      expect((await person.get('/v1/me')).status).toBe(200)

      await withProjector(async () => {
        await expect.poll(async () => (await person.get('/v1/me/sessions')).status, PATIENT).toBe(200)
        await expect.poll(async () => (await audit()).status, PATIENT).toBe(200)
        await untilProjected(api)
        const [sessionsThen, auditThen] = before
        const [sessions, audits] = await rows()
        expect(sessions).toEqual(sessionsThen)
        // And that an auditor has looked.
        expect(audits).toEqual(expect.arrayContaining([...(auditThen ?? [])]))
        expect(audits).toHaveLength((auditThen?.length ?? 0) + 1)
      })
      // And so it stays where nobody projects what comes then.
      await signIn(api, owner.email)
      expect((await person.get('/v1/me/sessions')).status).toBe(200)
    } finally {
      await next.stop()
    }
  })
})
