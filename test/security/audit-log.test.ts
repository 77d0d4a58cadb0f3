/** The tamper-evident log as an auditor meets it, with nothing but an access token. */
import { Kysely, PostgresDialect } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openCheckpoint } from '../../src/audit/checkpoint.ts'
import { leafContentOf, leafHashOf } from '../../src/audit/leaf.ts'
import { queryableOf, runsIn } from '../../src/audit/log-store.ts'
import { verifyConsistency, verifyInclusion } from '../../src/audit/merkle.ts'
import { parseVerifierKey } from '../../src/audit/note.ts'
import { consistencyProof } from '../../src/audit/proofs.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import type { EventStore } from '../../src/event-store/port.ts'
import type { Database } from '../../src/platform/database.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { openAccessTokens } from '../../src/secrets/access-tokens.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { allEvents, expectProblem, signUp } from './support.ts'

const log = pino({ level: 'silent' })
const UNKNOWN = '0a000000-0000-4000-8000-00000000dead'

let server: TestServer
let pool: ReturnType<typeof openPool>
let db: Kysely<Database>
let store: EventStore
const bearers = new Map<string, string>()

beforeAll(async () => {
  server = await startServer()
  pool = openPool(server.database.connection, { applicationName: 'auditor', max: 3, log })
  db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  const { connection, eventStore } = server.database
  store = await openEventStore({ place: eventStore?.connectionString ?? connection, log })
  for (const scope of ['audit:read', 'events:read'] as const) {
    bearers.set(scope, (await openAccessTokens(db, Date.now).create('a test', [scope])).token)
  }
})
afterAll(async () => {
  await store.close()
  await db.destroy()
  await server.stop()
})

const ask = (path: string, scope = 'audit:read') =>
  server.browser().get(path, { headers: { Authorization: `Bearer ${bearers.get(scope)}` } })

const keyOf = async () => {
  const key = parseVerifierKey((await ask('/v1/audit/log/key')).text.trimEnd())
  if (key === null) throw new Error('the key is none')
  return key
}

const checkpointOf = async (note: string) => {
  const checkpoint = openCheckpoint(note, await keyOf())
  if (checkpoint === null) throw new Error('the checkpoint does not open')
  return checkpoint
}

interface Proof {
  readonly leafIndex: number
  readonly treeSize: number
  readonly leafHash: string
  readonly proof: readonly string[]
  readonly checkpoint: string
}

/** Waits for the checkpoint that has it. */
const proofOf = (eventId: string): Promise<Proof> =>
  vi.waitFor(
    async () => {
      const reply = await ask(`/v1/audit/events/${eventId}/proof`)
      if (reply.status !== 200) expectProblem(reply, 503, 'projection-behind')
      expect(reply.status).toBe(200)
      return reply.body as Proof
    },
    { timeout: 20_000 },
  )

const bytes = (text: string): Buffer => Buffer.from(text, 'base64')

describe('A10 Consistency and inclusion proofs verify', () => {
  it('every event of an account is proven to be in the log, as it lies in the event store', async () => {
    const { browser } = await signUp(server)
    const events = await allEvents(server, browser)
    expect(events.length).toBeGreaterThan(1)
    const { user } = (await browser.get('/v1/me')).body as { user: { id: string } }
    for await (const event of store.read(`user-${user.id}`)) {
      const { leafIndex, treeSize, leafHash, proof, checkpoint } = await proofOf(event.id)
      expect(leafHash).toBe(leafHashOf(leafContentOf(event)).toString('base64'))
      const { size, root } = await checkpointOf(checkpoint)
      expect(size).toBe(treeSize)
      const claim = { leafIndex, treeSize, leafHash: bytes(leafHash), proof: proof.map(bytes), root }
      expect(verifyInclusion(claim)).toBe(true)
      const changed = { ...event, data: { ...event.data, changed: true } }
      expect(verifyInclusion({ ...claim, leafHash: leafHashOf(leafContentOf(changed)) })).toBe(false)
    }
  })

  it('a later checkpoint continues an earlier one', async () => {
    const [first] = await allEvents(server, (await signUp(server)).browser)
    const before = await checkpointOf((await proofOf(first?.id ?? '')).checkpoint)
    const [second] = await allEvents(server, (await signUp(server)).browser)
    const after = await checkpointOf((await proofOf(second?.id ?? '')).checkpoint)
    expect(after.size).toBeGreaterThan(before.size)
    const proof = await consistencyProof(runsIn(queryableOf(pool)), before.size, after.size)
    const claim = { firstSize: before.size, firstRoot: before.root, secondSize: after.size, secondRoot: after.root }
    expect(verifyConsistency({ ...claim, proof })).toBe(true)
    expect(verifyConsistency({ ...claim, firstRoot: after.root, proof })).toBe(false)
  })
})

describe('the log over HTTP', () => {
  it('is plain text, as the standards have it', async () => {
    const note = await ask('/v1/audit/log/checkpoint')
    expect(note.status).toBe(200)
    expect(note.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(note.headers.get('cache-control')).toContain('no-store')
    const { origin } = await checkpointOf(note.text)
    expect(origin).toMatch(/^localhost:3000\/strongroom-log\/[0-9a-f]{16}$/)
    expect((await ask('/v1/audit/log/key')).text).toMatch(
      /^localhost:3000\/strongroom-log\/[0-9a-f]{16}\+[0-9a-f]{8}\+\S{44}\n$/,
    )
  })

  it('has no proof of what never was', async () => {
    expectProblem(await ask(`/v1/audit/events/${UNKNOWN}/proof`), 404, 'not-found')
    for (const id of ['1', 'x'.repeat(5_000), "'", '%00']) {
      expectProblem(await ask(`/v1/audit/events/${id}/proof`), 404, 'not-found')
    }
  })

  it('is for holders of a token with the scope audit:read, and for nobody else', async () => {
    const { browser } = await signUp(server)
    for (const path of ['/v1/audit/log/checkpoint', '/v1/audit/log/key', `/v1/audit/events/${UNKNOWN}/proof`]) {
      expectProblem(await browser.get(path), 401, 'unauthenticated')
      expectProblem(await ask(path, 'events:read'), 403, 'insufficient-scope')
    }
  })

  it('is served by a node that holds no key and grows no log', async () => {
    const env = { ROLES: 'api', LOG_SIGNING_KEY_FILE: '' }
    const other = await startServer({ database: server.database, env })
    try {
      const headers = { Authorization: `Bearer ${bearers.get('audit:read')}` }
      const reply = await other.browser().get('/v1/audit/log/checkpoint', { headers })
      expect((await checkpointOf(reply.text)).size).toBeGreaterThan(0)
    } finally {
      await other.stop()
    }
  })
})
