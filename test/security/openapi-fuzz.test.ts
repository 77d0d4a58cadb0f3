/** Every operation of the OpenAPI document, called as it says and as it does not. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scopes } from '../../src/secrets/access-tokens.ts'
import type { Browser, Reply } from '../support/browser.ts'
import { type Operation, operationsOf, requestFor } from '../support/openapi-arbitrary.ts'
import { PASSWORD, someEmail, startServer, type TestServer } from '../support/server.ts'
import { makeToken, type TestToken } from './tokens.ts'

const RUNS_PER_OPERATION = 25

let server: TestServer
let operations: readonly Operation[]
let token: TestToken
const log: string[] = []

beforeAll(async () => {
  server = await startServer()
  token = await makeToken(server, scopes)
  operations = operationsOf((await server.browser().get('/openapi.json')).body as Parameters<typeof operationsOf>[0])
})
afterAll(() => server.stop())

/** A browser signed in with an account of its own, and what it knows: the requests end sessions, so it is asked anew. */
const person = () => {
  const email = someEmail()
  let browser: Browser | undefined
  return {
    email,
    async browser(): Promise<Browser> {
      if (browser !== undefined && (await browser.get('/v1/me', { headers: { 'X-Background': '1' } })).status === 200)
        return browser
      browser = server.browser()
      if ((await browser.logIn(email, PASSWORD)).status !== 200) {
        expect((await browser.register(email, PASSWORD)).status).toBe(201)
        await browser.logIn(email, PASSWORD)
      }
      return browser
    },
  }
}

describe('Every operation of the OpenAPI document', () => {
  it('is answered as the document says, and never with a 5xx, whatever is sent', { timeout: 240_000 }, async () => {
    expect(operations.length).toBeGreaterThan(15)
    for (const operation of operations) {
      const somebody = person()
      const { sessionId, userId, eventId } = await idsOf(await somebody.browser())
      const known = [
        somebody.email,
        PASSWORD,
        sessionId,
        userId,
        eventId,
        'eleven copper kettles sing',
        '123456',
        '"x"',
        '*',
        'user:logged_in',
        `user-${userId}`,
      ]
      const request = requestFor(operation, known)
      await fc.assert(
        fc.asyncProperty(request, async ({ path, headers, body }) => {
          const browser = operation.security.includes('session') ? await somebody.browser() : server.browser()
          const reply = await browser.send(operation.method, path, {
            headers: operation.security.includes('token') ? { ...headers, ...token.headers } : headers,
            unread: true,
            ...(body === undefined ? {} : { json: body }),
          })
          log.push(`${operation.method} ${path} ${reply.status}`)
          if (isBehind(reply)) return
          expect(reply.status, `${operation.method} ${path}: ${reply.text}`).toBeLessThan(500)
        }),
        { numRuns: RUNS_PER_OPERATION },
      )
    }
  })

  it('the calls above got somewhere: each kind of answer was among them', () => {
    for (const status of [200, 201, 204, 400, 401, 404])
      expect(log.some((line) => line.endsWith(` ${status}`))).toBe(true)
  })
})

/** The only 5xx that a whole server has for a right question: the newest events are not in the log's tree yet. */
const isBehind = ({ status, body }: Reply): boolean =>
  status === 503 && (body as { readonly code?: string }).code === 'projection-behind'

const idsOf = async (browser: Browser) => {
  const me = (await browser.get('/v1/me')).body as { user: { id: string }; session: { id: string } }
  const events = (await browser.get('/v1/me/audit-events')).body as { items: readonly { id: string }[] }
  return { userId: me.user.id, sessionId: me.session.id, eventId: events.items[0]?.id ?? me.user.id }
}
