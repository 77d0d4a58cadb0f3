/** S04 and S05 where nobody comes back: the sweeper records what no request has met. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../support/server.ts'
import { allEvents, expectProblem, isSignedIn, sessionPage, signIn, signUp, sql } from './support.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Holds the database while the others come and go. */
let first: TestServer
beforeAll(async () => {
  first = await startServer()
})
afterAll(() => first.stop())

/** A node that starts later: its sweeper goes round at once. */
const startLater = (ms: number): Promise<TestServer> =>
  startServer({ database: first.database, now: () => Date.now() + ms })

const unswept = async (): Promise<readonly unknown[]> =>
  sql(first, 'select session_id from vault.activity where not over')

describe('Sessions: what nobody comes back to', { timeout: 90_000 }, () => {
  it('S04 is expired by the sweeper, used or not, once each, and listed with its cause', async () => {
    const { email, browser, sessionId } = await signUp(first)
    const unused = await signIn(first, email)
    expect(await isSignedIn(browser)).toBe(true)
    const nodes = [await startLater(17 * MINUTE), await startLater(17 * MINUTE)] as const
    try {
      await expect
        .poll(async () => sql(first, "select 1 from read.sessions where ended_reason = 'expired'"), { timeout: 30_000 })
        .toHaveLength(2)
      const later = await signIn(nodes[0], email)
      const events = await allEvents(nodes[0], later.browser)
      const expirations = events.filter(({ code }) => code === 'user.session:expired')
      expect(expirations.map((event) => event.data)).toEqual(
        expect.arrayContaining([
          { sessionId, limit: 'idle' },
          { sessionId: unused.sessionId, limit: 'idle' },
        ]),
      )
      expect(expirations).toHaveLength(2)
      expect(expirations[0]).toMatchObject({ actor: { kind: 'system', id: null }, ip: null, outcome: 'success' })
      const { items } = await sessionPage(later.browser, 'state=ended')
      expect(items.map(({ id, endedReason }) => [id, endedReason])).toEqual(
        expect.arrayContaining([
          [sessionId, 'expired'],
          [unused.sessionId, 'expired'],
        ]),
      )
      expectProblem(await browser.get('/v1/me'), 401, 'session-expired')
    } finally {
      for (const node of nodes) await node.stop()
    }
    expect(await unswept()).not.toContainEqual({ session_id: sessionId })
  })

  it('S04 is left alone while it may still be in use', async () => {
    const { browser } = await signUp(first)
    expect(await isSignedIn(browser)).toBe(true)
    // Chores come after the sessions: once this row is gone, the sweep has passed them.
    await sql(first, "insert into vault.throttles values ('swept', 1, now() - interval '1 day', null)")
    const early = await startLater(14 * MINUTE)
    try {
      const isSwept = async () => sql(first, "select 1 from vault.throttles where lookup = 'swept'")
      await expect.poll(isSwept, { timeout: 30_000 }).toEqual([])
    } finally {
      await early.stop()
    }
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('S05 names the greatest age as the cause where that was reached', async () => {
    const { email, sessionId } = await signUp(first)
    const node = await startLater(12 * HOUR + MINUTE)
    try {
      await expect
        .poll(async () => sql(first, 'select ended_reason from read.sessions where id = $1', [sessionId]), {
          timeout: 30_000,
        })
        .toEqual([{ ended_reason: 'expired' }])
      const later = await signIn(node, email)
      const events = await allEvents(node, later.browser)
      expect(events.find(({ code }) => code === 'user.session:expired')?.data).toEqual({ sessionId, limit: 'absolute' })
    } finally {
      await node.stop()
    }
  })
})
