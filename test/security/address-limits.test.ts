/** L11, and what else holds for the limit per client address. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'
import { allEvents, atOnce, codesOf, expectProblem, isSignedIn, signUp, statusesOf } from './support.ts'

const LIMIT = 20
const PER_MINUTE = { LOGIN_PER_ADDRESS_PER_MINUTE: String(LIMIT) }
const BEHIND = { TRUSTED_PROXIES: '127.0.0.1/32' }

/** Behind a proxy that says who the client is. */
let server: TestServer
/** A second node on its database. */
let neighbour: TestServer
beforeAll(async () => {
  server = await startServer({ env: { ...PER_MINUTE, ...BEHIND } })
  // Its passwords take their time, and few may wait.
  const slow = { SCRYPT_LOG_N: '15', HASH_QUEUE: '4' }
  neighbour = await startServer({ database: server.database, env: { ...PER_MINUTE, ...BEHIND, ...slow, ROLES: 'api' } })
})
afterAll(async () => {
  await neighbour.stop()
  await server.stop()
})

const from = (address: string, node = server) => node.browser({ 'X-Forwarded-For': address })
/** For another account each, so that no account's lock plays a part. */
const guessFrom = (address: string, node = server) => from(address, node).logIn(someEmail(), 'a wrong password here')
const exhaust = async (address: string): Promise<void> => {
  expect(statusesOf(await atOnce(LIMIT, () => guessFrom(address)))).toEqual(Array(LIMIT).fill(401))
}

let counter = 10
const someIPv4 = (): string => `203.0.113.${counter++}`

describe('Log-in: the limit per client address', () => {
  it('lets a burst up to the limit through at once, then answers 429 with the time to wait, to right and wrong alike', async () => {
    const address = someIPv4()
    const { email, browser } = await signUp(server, { 'X-Forwarded-For': someIPv4() })
    await exhaust(address)
    for (const reply of [await guessFrom(address), await from(address).logIn(email, PASSWORD)]) {
      expectProblem(reply, 429, 'too-many-requests')
      expect(Number(reply.headers.get('retry-after'))).toBeLessThanOrEqual(60)
      expect(reply.headers.getSetCookie()).toEqual([])
    }
    // Nothing of it has reached the account: no event, no failure counted, no harm to who is signed in.
    expect(codesOf(await allEvents(server, browser))).toEqual(['user:logged_in', 'user:registered'])
    expect((await from(someIPv4()).logIn(email, PASSWORD)).status).toBe(200)
  })

  it('counts all nodes together', async () => {
    const address = someIPv4()
    await atOnce(LIMIT / 2, () => guessFrom(address))
    await atOnce(LIMIT / 2, () => guessFrom(address, neighbour))
    for (const node of [server, neighbour]) expectProblem(await guessFrom(address, node), 429, 'too-many-requests')
  })

  it('is not needed to keep one address from filling the queue of hashes: who comes from elsewhere has a place', async () => {
    const address = someIPv4()
    const flood = atOnce(LIMIT, () => guessFrom(address, neighbour))
    const others = atOnce(3, () => guessFrom(someIPv4(), neighbour))
    expect(statusesOf(await others)).toEqual([401, 401, 401])
    expect(statusesOf(await flood)).toContain(503)
  })

  it('L11 1.2.3.4 and ::ffff:1.2.3.4 are one bucket, and their neighbour is another', async () => {
    await atOnce(LIMIT / 2, () => guessFrom('1.2.3.4'))
    await atOnce(LIMIT / 2, () => guessFrom('::ffff:1.2.3.4'))
    for (const same of ['1.2.3.4', '::ffff:1.2.3.4', '::FFFF:1.2.3.4', '0:0:0:0:0:ffff:102:304', '::ffff:102:304']) {
      expectProblem(await guessFrom(same), 429, 'too-many-requests')
    }
    expect((await guessFrom('1.2.3.5')).status).toBe(401)
  })

  it('L11 IPv6 is keyed by /64: another address of it does not help, and the next /64 does not suffer', async () => {
    const replies = await atOnce(LIMIT, (n) => guessFrom(`2001:db8:0:7:${n}:${n + 1}:${n + 2}:${n + 3}`))
    expect(statusesOf(replies)).toEqual(Array(LIMIT).fill(401))
    for (const same of ['2001:db8:0:7::', '2001:DB8:0:7:ffff:ffff:ffff:ffff', '2001:0db8:0000:0007::1']) {
      expectProblem(await guessFrom(same), 429, 'too-many-requests')
    }
    expect((await guessFrom('2001:db8:0:8::1')).status).toBe(401)
  })

  it('is one for all that proves who somebody is, and for nothing else', async () => {
    const address = someIPv4()
    const { browser } = await signUp(server, { 'X-Forwarded-For': someIPv4() })
    await exhaust(address)
    const stranger = from(address)
    for (const [path, body] of [
      ['/v1/auth/login', { email: someEmail(), password: PASSWORD }],
      ['/v1/auth/two-factor', { method: 'totp', code: '123456' }],
      ['/v1/auth/password-resets', { email: someEmail() }],
      ['/v1/auth/password-resets/confirm', { token: 'x', newPassword: 'eleven copper kettles sing' }],
    ] as const) {
      expectProblem(await stranger.post(path, body), 429, 'too-many-requests')
    }
    const cookie = `__Host-session=${browser.cookies.get('__Host-session')}`
    expect((await stranger.get('/v1/me', { headers: { Cookie: cookie } })).status).toBe(200)
    expect((await stranger.get('/v1/password-policy')).status).toBe(200)
  })

  it('cannot be dodged with headers where no proxy is trusted', async () => {
    const open = await startServer({ env: PER_MINUTE })
    try {
      const spoofed = (n: number) =>
        open
          .browser({
            'X-Forwarded-For': `198.51.100.${n}`,
            'X-Real-IP': `198.51.100.${n}`,
            Forwarded: `for=198.51.100.${n}`,
          })
          .logIn(someEmail(), 'a wrong password here')
      const statuses = statusesOf(await atOnce(LIMIT + 10, spoofed))
      expect(statuses.filter((status) => status === 401)).toHaveLength(LIMIT)
      expect(statuses.filter((status) => status === 429)).toHaveLength(10)
    } finally {
      await open.stop()
    }
  })

  it('is generous by default: an office of people behind one address signs in at once', async () => {
    const office = await startServer({ env: { LOGIN_PER_ADDRESS_PER_MINUTE: '' } })
    try {
      const people = await atOnce(20, () => signUp(office))
      const again = await atOnce(20, (n) => office.browser().logIn(people[n]?.email ?? '', PASSWORD))
      expect(statusesOf(again)).toEqual(Array(20).fill(200))
      for (const { browser } of people) expect(await isSignedIn(browser)).toBe(true)
    } finally {
      await office.stop()
    }
  })
})
