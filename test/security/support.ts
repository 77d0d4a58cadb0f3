/** What the requirement tests share: people, what they see, and what every refusal must look like. */
import pg from 'pg'
import { expect, vi } from 'vitest'
import type { AuditEventBody, SessionBody } from '../../src/http/resources/schemas.ts'
import type { Browser, Reply } from '../support/browser.ts'
import { PASSWORD, someEmail, type TestServer } from '../support/server.ts'

export interface Person {
  readonly email: string
  readonly browser: Browser
  readonly sessionId: string
}

/** A new account, signed in. */
export const signUp = async (server: TestServer, headers?: Readonly<Record<string, string>>): Promise<Person> => {
  const email = someEmail()
  expect((await server.browser().register(email, PASSWORD)).status).toBe(201)
  return { email, ...(await signIn(server, email, PASSWORD, headers)) }
}

export const signIn = async (
  server: TestServer,
  email: string,
  password: string = PASSWORD,
  headers?: Readonly<Record<string, string>>,
): Promise<Omit<Person, 'email'>> => {
  const browser = server.browser(headers)
  const reply = await browser.logIn(email, password)
  expect(reply.status).toBe(200)
  return { browser, sessionId: (reply.body as { session: { id: string } }).session.id }
}

export const changePassword = (browser: Browser, currentPassword: string, newPassword: string) =>
  browser.put('/v1/me/password', { currentPassword, newPassword })

export const isSignedIn = async (browser: Browser): Promise<boolean> => (await browser.get('/v1/me')).status === 200

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor: string | null
}

export const auditPage = async (browser: Browser, query = 'limit=200'): Promise<Page<AuditEventBody>> => {
  const reply = await browser.get(`/v1/me/audit-events?${query}`)
  expect(reply.status).toBe(200)
  return reply.body as Page<AuditEventBody>
}

export const sessionPage = async (browser: Browser, query = ''): Promise<Page<SessionBody>> => {
  const reply = await browser.get(`/v1/me/sessions?${query}`)
  expect(reply.status).toBe(200)
  return reply.body as Page<SessionBody>
}

/** My events, newest first, once the read models have got to the end of the log. */
export const allEvents = async (server: TestServer, browser: Browser): Promise<readonly AuditEventBody[]> => {
  await untilProjected(server)
  return (await auditPage(browser)).items
}

export const codesOf = (events: readonly AuditEventBody[]): readonly string[] => events.map(({ code }) => code)

export const countOf = (events: readonly AuditEventBody[], code: string): number =>
  events.filter((event) => event.code === code).length

/** Waits until every projection has handled the last event there is now: others' failures bring me no token. */
export const untilProjected = async (server: TestServer): Promise<void> => {
  const head = await lastPosition(server)
  const behind = 'select name from read.projections where live and coalesce(position, 0) < $1::bigint'
  await vi.waitFor(async () => expect(await sql(server, behind, [head])).toEqual([]), {
    timeout: 10_000,
    interval: 10,
  })
}

const lastPosition = async (server: TestServer): Promise<unknown> => {
  const { eventStore } = server.database
  if (eventStore !== undefined) return String(eventStore.log.all.at(-1)?.position ?? 0n)
  const [head] = await sql(server, 'select coalesce(max(position), 0)::text as position from store.events')
  return head?.position
}

export const sql = async (
  { database }: Pick<TestServer, 'database'>,
  statement: string,
  parameters: readonly unknown[] = [],
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const client = new pg.Client(database.connection)
  await client.connect()
  try {
    return (await client.query(statement, [...parameters])).rows
  } finally {
    await client.end()
  }
}

/** Runs the same thing `times` times at once. */
export const atOnce = <T>(times: number, run: (index: number) => Promise<T>): Promise<readonly T[]> =>
  Promise.all(Array.from({ length: times }, (_, index) => run(index)))

/** One after another. */
export const inTurn = async <T>(times: number, run: (index: number) => Promise<T>): Promise<readonly T[]> => {
  const results: T[] = []
  for (let index = 0; index < times; index++) results.push(await run(index))
  return results
}

export const statusesOf = (replies: readonly Reply[]): readonly number[] => replies.map(({ status }) => status)

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Words of our inside that no client should read: a stack, a path, a statement, a driver's or the database's name. */
const INSIDES =
  /\bat [^"]+:\d+|node_modules|\.[tj]s\b|node:|select |insert |update .+ set |relation "|postgres|sqlstate|\bpg\b|zod/i

/** The refusal is a problem as RFC 9457 and the contract have it, and tells nothing of our inside. */
export const expectProblem = (reply: Reply, status: number, code: string): void => {
  expect({ status: reply.status, body: reply.body }).toMatchObject({ status, body: { status, code } })
  expect(reply.headers.get('content-type')).toBe('application/problem+json')
  const { errors, ...members } = reply.body as Record<string, unknown>
  expect(Object.keys(members)).toEqual(['type', 'title', 'status', 'detail', 'code', 'requestId'])
  expect(members).toMatchObject({ type: `/problems/${code}`, title: expect.any(String), detail: expect.any(String) })
  expect(members.requestId).toMatch(UUID)
  expect(reply.headers.get('x-request-id')).toBe(members.requestId)
  if (code === 'invalid-request') expect(errors).toBeInstanceOf(Array)
  for (const error of (errors ?? []) as readonly Record<string, unknown>[]) {
    expect(Object.keys(error).sort()).toEqual(['code', 'detail', 'pointer'])
    expect(error.pointer).toMatch(/^#/)
  }
  expect(reply.text).not.toMatch(INSIDES)
  if (status === 429 || status === 503) expect(reply.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  expect(reply.headers.getSetCookie().filter((line) => line.startsWith('__Host-session=') && !/=;/.test(line))).toEqual(
    [],
  )
}
