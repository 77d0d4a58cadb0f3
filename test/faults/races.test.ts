import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Browser } from '../support/browser.ts'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'

describe('commands racing each other on two nodes of one database', () => {
  let here: TestServer
  let there: TestServer

  beforeAll(async () => {
    here = await startServer()
    there = await startServer({ database: here.database })
  })
  afterAll(async () => {
    await there.stop()
    await here.stop()
  })

  interface Person {
    readonly email: string
    readonly owner: Browser
    readonly thief: Browser
    readonly thiefId: string
  }

  const person = async (): Promise<Person> => {
    const email = someEmail()
    const [owner, thief] = [here.browser(), there.browser()]
    await owner.register(email, PASSWORD)
    await owner.logIn(email, PASSWORD)
    const { body } = await thief.logIn(email, PASSWORD)
    return { email, owner, thief, thiefId: (body as { session: { id: string } }).session.id }
  }

  const codesOf = async (browser: Browser): Promise<readonly { code: string; sessionId: string | null }[]> => {
    const { body } = await browser.get('/v1/me/audit-events?limit=200')
    return (body as { items: { code: string; sessionId: string | null }[] }).items
  }

  it('a command under way in a session that is revoked meanwhile appends nothing after the revoke', async () => {
    for (let round = 0; round < 15; round++) {
      const { owner, thief, thiefId } = await person()
      const newPassword = `thieves choose number ${round} words`
      const [revoke, change] = await Promise.all([
        owner.delete(`/v1/me/sessions/${thiefId}`),
        thief.put('/v1/me/password', { currentPassword: PASSWORD, newPassword }),
      ])
      // Whoever came first ended the other: never do both succeed.
      expect([
        [204, 401],
        [401, 204],
      ]).toContainEqual([revoke.status, change.status])
      const winner = revoke.status === 204 ? owner : thief
      const events = await codesOf(winner)
      const changed = events.filter(({ code }) => code === 'user.password:changed')
      expect(changed).toHaveLength(change.status === 204 ? 1 : 0)
      expect((await (revoke.status === 204 ? thief : owner).get('/v1/me')).status).toBe(401)
    }
  })

  it('two password changes from two sessions at once: one happens, and the loser is signed out', async () => {
    for (let round = 0; round < 10; round++) {
      const { email, owner, thief } = await person()
      const passwords = [`the first choice of words ${round}`, `a second choice of words ${round}`]
      const replies = await Promise.all(
        [owner, thief].map((browser, index) =>
          browser.put('/v1/me/password', { currentPassword: PASSWORD, newPassword: passwords[index] }),
        ),
      )
      const winners = replies.filter(({ status }) => status === 204)
      expect(winners).toHaveLength(1)
      const won = replies.findIndex(({ status }) => status === 204)
      expect((await here.browser().logIn(email, passwords[won] ?? '')).status).toBe(200)
      expect((await there.browser().logIn(email, passwords[1 - won] ?? '')).status).toBe(401)
    }
  })

  it('revoke-others races log-ins: whoever is signed in afterwards signed in after it', async () => {
    const { email, owner } = await person()
    const newcomers = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? here : there).browser())
    const [revoke] = await Promise.all([
      owner.post('/v1/me/sessions/revoke-others'),
      ...newcomers.map((browser) => browser.logIn(email, PASSWORD)),
    ])
    expect(revoke.status).toBe(200)
    const { revoked } = revoke.body as { revoked: number }
    const alive = (await Promise.all(newcomers.map((browser) => browser.get('/v1/me')))).filter(
      ({ status }) => status === 200,
    )
    // One of the nine others was there before; each of the rest was either revoked or is alive.
    expect(revoked + alive.length).toBe(9)
    const events = await codesOf(owner)
    expect(events.filter(({ code }) => code === 'user.session:revoked')).toHaveLength(revoked)
  })
})
