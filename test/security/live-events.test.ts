/** GET /v1/me/events: what happens to an account, as it happens, for as long as the session lives. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditEventBody } from '../../src/http/resources/schemas.ts'
import { cookieOf, type EventSource, openEventSource, type ReceivedEvent } from '../support/event-source.ts'
import { PASSWORD, startServer, type TestServer } from '../support/server.ts'
import { openClock } from './second-factor-support.ts'
import { allEvents, changePassword, expectProblem, inTurn, type Person, signIn, signUp } from './support.ts'
import { makeToken } from './tokens.ts'

let server: TestServer
/** Another node on the same stores, which runs no projector. */
let other: TestServer

beforeAll(async () => {
  server = await startServer()
  other = await startServer({ database: server.database, env: { ROLES: 'api' } })
})
afterAll(async () => {
  await other.stop()
  await server.stop()
})

const listen = (
  { browser }: Pick<Person, 'browser'>,
  { at = server, lastEventId }: { at?: TestServer; lastEventId?: string } = {},
): Promise<EventSource> =>
  openEventSource(`${at.url}/v1/me/events`, {
    Cookie: cookieOf(browser),
    ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
  })

const linesOf = (events: readonly ReceivedEvent[]): readonly AuditEventBody[] =>
  events.filter(({ event }) => event === 'audit-event').map(({ data }) => data as AuditEventBody)

describe('A13 the stream of my events', () => {
  it('A13 resumes with each event once, in order, after every cut', async () => {
    const owner = await signUp(server)
    const received: ReceivedEvent[] = []
    let lastEventId = '0'
    await inTurn(6, async (round) => {
      const at = round % 2 === 0 ? server : other
      const source = await listen(owner, { at, lastEventId })
      await signIn(at, owner.email)
      await source.until(1 + (round === 0 ? 3 : 1))
      // Cut at once, with whatever has arrived by then.
      source.leave()
      await signIn(server, owner.email)
      received.push(...source.events)
      lastEventId = source.events.filter(({ id }) => id !== null).at(-1)?.id ?? lastEventId
    })
    const rest = await listen(owner, { lastEventId })
    const all = [...(await allEvents(server, owner.browser))].reverse()
    await rest.until(2 * (all.length - Number(lastEventId)))
    rest.leave()
    received.push(...rest.events)
    const lines = linesOf(received)
    expect(lines.map(({ sequence }) => sequence)).toEqual(all.map(({ sequence }) => sequence))
    // To the letter what the audit log says of it.
    expect(lines).toEqual(all)
    expect(received.flatMap(({ id }) => id ?? [])).toEqual(all.map(({ sequence }) => String(sequence)))
  })

  it('begins with what happens from now on, and tells of sessions that start and end', async () => {
    const owner = await signUp(server)
    const source = await listen(owner, { at: other })
    const { sessionId } = await signIn(server, owner.email)
    await source.until(2)
    await owner.browser.delete(`/v1/me/sessions/${sessionId}`)
    const events = await source.until(4)
    expect(events.map(({ event, id }) => [event, id])).toEqual([
      ['session-started', null],
      ['audit-event', '3'],
      ['session-ended', null],
      ['audit-event', '4'],
    ])
    expect(events[0]?.data).toMatchObject({ id: sessionId, status: 'active', ip: '127.0.0.1', current: false })
    const { hash } = (events[0]?.data ?? {}) as { hash?: string }
    expect(events[2]?.data).toEqual({
      id: sessionId,
      hash,
      endedReason: 'revoked',
      endedAt: linesOf(events)[1]?.occurredAt,
    })
    source.leave()
  })

  it('shows nothing of anybody else', async () => {
    const [owner, stranger] = [await signUp(server), await signUp(server)]
    const source = await listen(owner)
    await signIn(server, stranger.email)
    await signIn(server, owner.email)
    const events = await source.until(2)
    expect(linesOf(events).map(({ sequence }) => sequence)).toEqual([3])
    source.leave()
  })

  it('an id from the future is none of this stream: nothing that happens is left out', async () => {
    const owner = await signUp(server)
    const source = await listen(owner, { lastEventId: '900' })
    await signIn(server, owner.email)
    await source.until(2)
    source.leave()
    expectProblem(
      await owner.browser.get('/v1/me/events', { headers: { 'Last-Event-ID': 'x' } }),
      400,
      'invalid-request',
    )
  })

  it('needs a session, and lets it have ten streams', async () => {
    expectProblem(await server.browser().get('/v1/me/events'), 401, 'unauthenticated')
    const owner = await signUp(server)
    const sources = await Promise.all(Array.from({ length: 10 }, () => listen(owner)))
    expect(sources.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expectProblem(await owner.browser.get('/v1/me/events'), 429, 'too-many-requests')
    for (const source of sources) source.leave()
  })
})

describe('S07 a stream ends with its session, on every node', () => {
  const endings: readonly (readonly [string, (owner: Person, watched: Omit<Person, 'email'>) => Promise<unknown>])[] = [
    ['a revoke', ({ browser }, { sessionId }) => browser.delete(`/v1/me/sessions/${sessionId}`)],
    ['revoking all others', ({ browser }) => browser.post('/v1/me/sessions/revoke-others')],
    ['its own log-out', (_, { browser }) => browser.post('/v1/auth/logout')],
    ['a change of the password', ({ browser }) => changePassword(browser, PASSWORD, 'eleven copper kettles sing')],
  ]

  it.each(endings)('%s', async (_, end) => {
    const owner = await signUp(server)
    const watched = await signIn(server, owner.email)
    const sources = [await listen(watched), await listen(watched, { at: other })]
    const stale = watched.browser.copy()
    await end(owner, watched)
    for (const source of sources) {
      await source.untilEnded()
      expect(
        source.events.some(({ event, data }) => {
          return event === 'session-ended' && (data as { id: string }).id === watched.sessionId
        }),
      ).toBe(true)
    }
    expectProblem(await stale.get('/v1/me/events'), 401, 'session-ended')
  })

  it('the session that changed the password goes on listening', async () => {
    const owner = await signUp(server)
    const source = await listen(owner)
    await changePassword(owner.browser, PASSWORD, 'eleven copper kettles sing')
    await source.until(1)
    await signIn(server, owner.email, 'eleven copper kettles sing')
    await source.until(3)
    expect(source.state()).toBe('open')
    source.leave()
  })
})

describe('a stream does not outlive the limits of its session, or the person', { timeout: 90_000 }, () => {
  const clock = openClock()
  let node: TestServer
  /** Sessions of its own never idle out. */
  let restless: TestServer
  beforeAll(async () => {
    node = await startServer({ now: clock.now })
    restless = await startServer({ now: clock.now, env: { SESSION_IDLE_SECONDS: '31536000' } })
  })
  afterAll(async () => {
    await node.stop()
    await restless.stop()
  })
  const endingOf = ({ events }: EventSource): unknown => events.find(({ event }) => event === 'session-ended')?.data

  it('S04 S05 it ends when the session is met past a limit, and with a heartbeat where nobody meets it', async () => {
    const [idle, unmet, old] = [await signUp(node), await signUp(node), await signUp(restless)]
    const [idleStream, unmetStream] = [await listen(idle, { at: node }), await listen(unmet, { at: node })]
    const oldStream = await listen(old, { at: restless })
    clock.forward(14 * 60_000)
    // It does not keep the session alive, whatever goes through it.
    await signIn(node, unmet.email)
    await unmetStream.until(2)
    clock.forward(2 * 60_000)
    expectProblem(await idle.browser.get('/v1/me'), 401, 'session-expired')
    await idleStream.untilEnded()
    expect(endingOf(idleStream)).toMatchObject({ id: idle.sessionId, endedReason: 'expired' })
    expect(oldStream.state()).toBe('open')
    clock.forward(12 * 3_600_000)
    for (const source of [unmetStream, oldStream]) {
      await expect.poll(() => source.state(), { timeout: 60_000, interval: 50 }).toBe('ended')
    }
    expectProblem(await old.browser.get('/v1/me/events'), 401, 'session-expired')
  })

  it('A12 it ends with the erasure of the person, on every node', async () => {
    const operator = await makeToken(server, ['admin:users'])
    const owner = await signUp(server)
    const { body } = await owner.browser.get('/v1/me')
    const sources = [await listen(owner), await listen(owner, { at: other })]
    const { id } = (body as { user: { id: string } }).user
    const erased = await other.browser().post(`/v1/admin/users/${id}/erase`, undefined, { headers: operator.headers })
    expect(erased.status).toBe(202)
    for (const source of sources) {
      await source.untilEnded()
      expect(JSON.stringify(source.events)).not.toContain(owner.email)
    }
    const { status } = await owner.browser.get('/v1/me/events')
    expect(status).toBe(401)
  })
})

describe('the end of the process', () => {
  it('ends streams as a whole, and does not wait for them', async () => {
    const node = await startServer({ database: server.database, env: { ROLES: 'api' } })
    const owner = await signUp(node)
    const source = await listen(owner, { at: node })
    const begun = performance.now()
    await node.stop()
    expect(performance.now() - begun).toBeLessThan(4_000)
    await source.untilEnded()
  })
})
