import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'
import {
  allEvents,
  atOnce,
  changePassword,
  countOf,
  expectProblem,
  inTurn,
  isSignedIn,
  sessionPage,
  signIn,
  signUp,
  statusesOf,
} from './support.ts'

const NEW_PASSWORD = 'eleven copper kettles sing'

let server: TestServer
let strict: TestServer
/** A second node on the database of `server`. */
let neighbour: TestServer

beforeAll(async () => {
  server = await startServer()
  neighbour = await startServer({ database: server.database, env: { ROLES: 'api' } })
  strict = await startServer({ env: { ROLES: 'api', PASSWORD_POLICY: 'pci' } })
})
afterAll(async () => {
  await strict.stop()
  await neighbour.stop()
  await server.stop()
})

/** The two places where a new password is chosen today. */
const refusals = async (target: TestServer, password: string, { email = someEmail(), name = 'Ada' } = {}) => {
  const registered = await target.browser().register(email, password, name)
  await target.browser().register(email, PASSWORD, name)
  const { browser } = await signIn(target, email, PASSWORD)
  return [registered, await changePassword(browser, PASSWORD, password)]
}

describe('Passwords: what is accepted', () => {
  it('P01 by default 11 code points are refused and the minimum is named, 12 pass', async () => {
    for (const reply of await refusals(server, 'brown fox 7')) {
      expectProblem(reply, 422, 'password-too-short')
      expect(reply.body).toMatchObject({ detail: expect.stringContaining('12') })
    }
    expect((await server.browser().register(someEmail(), 'brown fox 78')).status).toBe(201)
  })

  it('P01 under PASSWORD_POLICY=nist 14 are refused and 15 pass', async () => {
    const nist = await startServer({ env: { ROLES: 'api', PASSWORD_POLICY: 'nist' } })
    try {
      expect((await nist.browser().get('/v1/password-policy')).body).toMatchObject({ policy: 'nist', minLength: 15 })
      expect((await nist.browser().register(someEmail(), 'brown fox 7 hat')).status).toBe(201)
      const short = await nist.browser().register(someEmail(), 'brown fox 7 ha')
      expectProblem(short, 422, 'password-too-short')
      expect(short.body).toMatchObject({ detail: expect.stringContaining('15') })
    } finally {
      await nist.stop()
    }
  })

  it('P01 under PASSWORD_POLICY=pci a letter and a digit are asked for', async () => {
    for (const password of ['brown fox hats', '7391 5820 4461']) {
      for (const reply of await refusalsPci(password)) expectProblem(reply, 422, 'password-composition')
    }
    expectProblem(await strict.browser().register(someEmail(), 'brown fox 7'), 422, 'password-too-short')
    expect((await strict.browser().register(someEmail(), 'brown fox 78')).status).toBe(201)
  })

  const refusalsPci = async (password: string) => {
    const email = someEmail()
    const good = 'seven purple lanterns 7'
    const registered = await strict.browser().register(email, password)
    await strict.browser().register(email, good)
    const { browser } = await signIn(strict, email, good)
    return [registered, await changePassword(browser, good, password)]
  }

  it('P02 a 100-character password with spaces and emoji works whole, and no part of it does', async () => {
    const password = `  ${'räuber 🦊 '.repeat(12)}`.padEnd(100, 'x ')
    const characters = [...password]
    expect(characters.length).toBeGreaterThanOrEqual(100)
    const email = someEmail()
    expect((await server.browser().register(email, password)).status).toBe(201)
    const parts = [
      characters.slice(0, 72).join(''),
      Buffer.from(password).subarray(0, 72).toString(),
      password.slice(0, 72),
      characters.slice(0, -1).join(''),
      password.trim(),
      password.toUpperCase(),
    ]
    for (const part of parts) expect((await server.browser().logIn(email, part)).status).toBe(401)
    expect((await server.browser().logIn(email, password)).status).toBe(200)
  })

  it('P03 a 1 MiB password is refused in under 200 ms, at log-in too', async () => {
    const { email, browser } = await signUp(server)
    const huge = 'a'.repeat(1024 * 1024)
    const calls = [
      () => server.browser().register(someEmail(), huge),
      () => server.browser().logIn(email, huge),
      () => changePassword(browser, PASSWORD, huge),
      () => changePassword(browser, huge, NEW_PASSWORD),
    ]
    for (const call of calls) {
      const times = await inTurn(5, async () => {
        const start = performance.now()
        expectProblem(await call(), 413, 'content-too-large')
        return performance.now() - start
      })
      // The fastest of five: this is about our work, not about what else the machine does.
      expect(Math.min(...times)).toBeLessThan(200)
    }
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('P03 so is one that just fits into a body', async () => {
    const { email, browser } = await signUp(server)
    const long = 'é'.repeat(30_000)
    const calls: readonly (readonly [number, () => ReturnType<typeof browser.get>])[] = [
      [400, () => server.browser().register(someEmail(), long)],
      [400, () => changePassword(browser, PASSWORD, long)],
      [401, () => server.browser().logIn(email, long)],
    ]
    for (const [status, call] of calls) {
      const times = await inTurn(3, async () => {
        const start = performance.now()
        expect((await call()).status).toBe(status)
        return performance.now() - start
      })
      expect(Math.min(...times)).toBeLessThan(200)
    }
  })

  it('P04 a password set in NFD signs in with NFC, and the other way round', async () => {
    const text = 'Žluťoučký kůň pěl ódy'
    for (const [set, used] of [
      ['NFD', 'NFC'],
      ['NFC', 'NFD'],
    ] as const) {
      const email = someEmail()
      expect((await server.browser().register(email, text.normalize(set))).status).toBe(201)
      const { browser } = await signIn(server, email, text.normalize(used))
      expectProblem(await changePassword(browser, text.normalize(used), text.normalize(set)), 422, 'password-reused')
    }
  })

  it('P04 length counts code points of the composed form: not UTF-16 units, not bytes, not combining marks', async () => {
    const elevenEmoji = '🦊🐙🌵🚲🎲🧭🪁🛶🧩🔭🥁'
    const elevenWithMarks = 'áčďéěíňóřšť'.normalize('NFD')
    expect(elevenWithMarks.length).toBeGreaterThan(12)
    for (const password of [elevenEmoji, elevenWithMarks]) {
      expectProblem(await server.browser().register(someEmail(), password), 422, 'password-too-short')
      expect((await server.browser().register(someEmail(), `${password}ž`)).status).toBe(201)
    }
  })

  it('P06 common passwords of sufficient length are refused, on registration and on change', async () => {
    const common = [
      '123456789012',
      'qwertyuiop123',
      'password12345',
      '1234567890123456',
      'PASSWORD12345',
      'p4ssw0rd12345',
    ]
    for (const password of common) {
      for (const reply of await refusals(server, password)) expectProblem(reply, 422, 'password-blocklisted')
    }
  })

  it("P07 the own address, its local part and the product's name, padded, are refused, on registration and on change", async () => {
    const local = `marguerite${process.pid}`
    const words = [
      `${local}@example.com`,
      `${local}1234`,
      `!!${local}!!`,
      `${local}${local}`,
      'strongroom2024',
      'Strongroom-123!',
      `${local.toUpperCase()}-99`,
    ]
    for (const [index, password] of words.entries()) {
      const email = index === 0 ? `${local}@example.com` : `${local}@host-${index}.example.com`
      for (const reply of await refusals(server, password, { email })) expectProblem(reply, 422, 'password-context')
    }
  })

  it('P08 the last four passwords are refused, the one before them is free again', async () => {
    const { browser } = await signUp(server)
    const history = [PASSWORD, ...Array.from({ length: 4 }, (_, index) => `number ${index} of some old words`)]
    for (let index = 1; index < history.length; index++) {
      const reply = await changePassword(browser, history[index - 1] ?? '', history[index] ?? '')
      expect(reply.status).toBe(204)
    }
    const current = history.at(-1) ?? ''
    for (const old of history.slice(1)) {
      expectProblem(await changePassword(browser, current, old), 422, 'password-reused')
    }
    expect((await changePassword(browser, current, PASSWORD)).status).toBe(204)
  })
})

describe('Passwords: changing one', () => {
  it('P09 a wrong current password changes nothing, is logged, and is not an oracle for older ones', async () => {
    const { browser, email, sessionId } = await signUp(server)
    expectProblem(await changePassword(browser, 'not my password at all', NEW_PASSWORD), 403, 'invalid-credentials')
    // Equal to the present one, but by someone who does not know it.
    expectProblem(await changePassword(browser, 'not my password at all', PASSWORD), 403, 'invalid-credentials')
    expect((await server.browser().logIn(email, NEW_PASSWORD)).status).toBe(401)
    expect((await server.browser().logIn(email, PASSWORD)).status).toBe(200)
    const failed = (await allEvents(server, browser)).filter(({ code }) => code === 'user.password:change_failed')
    expect(failed).toHaveLength(2)
    expect(failed).toEqual(failed.map(() => expect.objectContaining({ outcome: 'failure', sessionId })))
    expect(await isSignedIn(browser)).toBe(true)
  })

  it('P09 at LOCK_AFTER_FAILURES the session that guesses ends, and only that one', async () => {
    const { browser, email, sessionId } = await signUp(server)
    const other = await signIn(server, email)
    for (let failure = 0; failure < 10; failure++) {
      expectProblem(
        await changePassword(browser, `wrong guess number ${failure}`, NEW_PASSWORD),
        403,
        'invalid-credentials',
      )
    }
    expectProblem(await changePassword(browser, PASSWORD, NEW_PASSWORD), 401, 'session-ended')
    expectProblem(await browser.get('/v1/me'), 401, 'session-ended')
    expect(await isSignedIn(other.browser)).toBe(true)
    // The guesses counted on the session and not on the account: signing in is as open as before.
    expect((await server.browser().logIn(email, PASSWORD)).status).toBe(200)
    const { items } = await sessionPage(other.browser, 'state=ended')
    expect(items).toEqual([expect.objectContaining({ id: sessionId, status: 'ended', endedReason: 'guessing' })])
  })

  it('P09 of fifty parallel guesses in one session at most ten are evaluated', async () => {
    const { browser, email } = await signUp(server)
    const replies = await atOnce(50, (index) => changePassword(browser, `wrong guess number ${index}`, NEW_PASSWORD))
    expect(statusesOf(replies).filter((status) => status === 403)).toHaveLength(10)
    expect(statusesOf(replies).filter((status) => status === 401)).toHaveLength(40)
    const { browser: later } = await signIn(server, email)
    expect(countOf(await allEvents(server, later), 'user.password:change_failed')).toBe(10)
  })

  it("P09 a right one starts the session's count anew", async () => {
    const { browser } = await signUp(server)
    const fail = (index: number) => changePassword(browser, `wrong guess number ${index}`, NEW_PASSWORD)
    expect(statusesOf(await inTurn(9, fail))).toEqual(Array(9).fill(403))
    expect((await changePassword(browser, PASSWORD, NEW_PASSWORD)).status).toBe(204)
    expect(statusesOf(await inTurn(9, (index) => changePassword(browser, `wrong guess ${index}`, PASSWORD)))).toEqual(
      Array(9).fill(403),
    )
    expect(await isSignedIn(browser)).toBe(true)
  })

  it("P09 a stranger who locks the account's log-in cannot lock the owner's live session out", async () => {
    const { browser, email } = await signUp(server)
    await inTurn(10, (index) => server.browser().logIn(email, `wrong guess number ${index}`))
    expectProblem(await server.browser().logIn(email, PASSWORD), 429, 'login-throttled')
    expect(await isSignedIn(browser)).toBe(true)
    expect((await changePassword(browser, PASSWORD, NEW_PASSWORD)).status).toBe(204)
  })

  it('P10 after 204 the old password fails and the new one works at once, on every node', async () => {
    for (let round = 0; round < 5; round++) {
      const { browser, email } = await signUp(server)
      expect((await changePassword(browser, PASSWORD, NEW_PASSWORD)).status).toBe(204)
      const replies = await Promise.all([
        server.browser().logIn(email, PASSWORD),
        neighbour.browser().logIn(email, PASSWORD),
        server.browser().logIn(email, NEW_PASSWORD),
        neighbour.browser().logIn(email, NEW_PASSWORD),
      ])
      expect(statusesOf(replies)).toEqual([401, 401, 200, 200])
    }
  })

  it('P10 and with no projector anywhere', async () => {
    const good = 'seven purple lanterns 7'
    const better = 'eleven copper kettles 11'
    const email = someEmail()
    await strict.browser().register(email, good)
    const { browser } = await signIn(strict, email, good)
    expect((await changePassword(browser, good, better)).status).toBe(204)
    expectProblem(await strict.browser().logIn(email, good), 401, 'invalid-credentials')
    expect((await strict.browser().logIn(email, better)).status).toBe(200)
  })

  it('P10 a log-in with the old password racing the change is never signed in after it', async () => {
    const outcomes = { early: 0, late: 0 }
    for (let round = 0; round < 24; round++) {
      const { browser, email } = await signUp(server)
      const racers = [server, neighbour, server, neighbour].map((node) => node.browser())
      // Shifts of a few milliseconds, so that the log-ins meet the change at every stage of its way.
      const pause = (round % 10) * 2
      const change = delayed(round % 2 === 0 ? pause : 0, () => changePassword(browser, PASSWORD, NEW_PASSWORD))
      const logIns = racers.map((racer, index) =>
        delayed(round % 2 === 0 ? index : pause + index, () => racer.logIn(email, PASSWORD)),
      )
      expect((await change).status).toBe(204)
      for (const [index, reply] of (await Promise.all(logIns)).entries()) {
        expect([200, 401]).toContain(reply.status)
        outcomes[reply.status === 200 ? 'early' : 'late']++
        const racer = racers[index]
        if (racer !== undefined) expect(await isSignedIn(racer)).toBe(false)
      }
      expect((await browser.get('/v1/me/security')).body).toMatchObject({ activeSessions: 1 })
    }
    // Else this would have been no race.
    expect(outcomes.early).toBeGreaterThan(0)
    expect(outcomes.late).toBeGreaterThan(0)
  }, 60_000)

  const delayed = async <T>(ms: number, run: () => Promise<T>): Promise<T> => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return run()
  }

  it('P11 a change ends the other sessions and rotates the own token: the old cookie is dead', async () => {
    const { browser, email, sessionId } = await signUp(server)
    const others = await inTurn(2, () => signIn(server, email))
    const stolen = browser.copy()
    expect(await isSignedIn(stolen)).toBe(true)
    expect((await changePassword(browser, PASSWORD, NEW_PASSWORD)).status).toBe(204)
    expect(browser.cookies.get('__Host-session')).not.toBe(stolen.cookies.get('__Host-session'))

    expectProblem(await stolen.get('/v1/me'), 401, 'unauthenticated')
    for (const other of others) expectProblem(await other.browser.get('/v1/me'), 401, 'session-ended')
    expect((await browser.get('/v1/me')).body).toMatchObject({ session: { id: sessionId } })
    const { items } = await sessionPage(browser, 'state=all')
    expect(items.map(({ id, endedReason }) => [id, endedReason])).toEqual(
      expect.arrayContaining([[sessionId, null], ...others.map((other) => [other.sessionId, 'password_changed'])]),
    )
  })

  it('P11 keepOtherSessions keeps them, and rotates the own token all the same', async () => {
    const { browser, email } = await signUp(server)
    const other = await signIn(server, email)
    const stolen = browser.copy()
    const reply = await browser.put('/v1/me/password', {
      currentPassword: PASSWORD,
      newPassword: NEW_PASSWORD,
      keepOtherSessions: true,
    })
    expect(reply.status).toBe(204)
    expect(await isSignedIn(other.browser)).toBe(true)
    expect(await isSignedIn(browser)).toBe(true)
    expect(await isSignedIn(stolen)).toBe(false)
  })

  it('P13 of ten parallel changes with the right current password one is done, and leaves one event', async () => {
    const { browser, email } = await signUp(server)
    const choices = Array.from({ length: 10 }, (_, index) => `parallel choice ${index} of words`)
    const rivals = choices.map(() => browser.copy())
    const replies = await Promise.all(
      rivals.map((rival, index) => changePassword(rival, PASSWORD, choices[index] ?? '')),
    )
    expect(statusesOf(replies).filter((status) => status === 204)).toHaveLength(1)
    // Not 403: their password was right, their token is what is no longer good, and nothing counts as a guess.
    for (const reply of replies.filter(({ status }) => status !== 204)) expectProblem(reply, 401, 'unauthenticated')

    const won = replies.findIndex(({ status }) => status === 204)
    const alive = await Promise.all(rivals.map(isSignedIn))
    expect(alive.filter(Boolean)).toHaveLength(1)
    expect(alive[won]).toBe(true)
    const { browser: later } = await signIn(server, email, choices[won])
    const events = await allEvents(server, later)
    expect(countOf(events, 'user.password:changed')).toBe(1)
    expect(countOf(events, 'user.password:change_failed')).toBe(0)
  })
})
