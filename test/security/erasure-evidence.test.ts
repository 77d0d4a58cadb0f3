/** What auditors hold, and what they get, when a person in it is erased. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openCheckpoint } from '../../src/audit/checkpoint.ts'
import { verifyConsistency } from '../../src/audit/merkle.ts'
import { parseVerifierKey } from '../../src/audit/note.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { findIn } from '../support/dump.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { IP, isProven, liveLong, NAME, PHONE, type Proof, proofOf, storedEvents, WEBSITE } from './erasure-support.ts'
import {
  type Bundle,
  downloadBundle,
  makeBundle,
  storedConsistencyProof,
  untilSigned,
  verifyBundle,
} from './evidence-support.ts'
import { openClock } from './second-factor-support.ts'
import { signUp, sql } from './support.ts'
import { makeToken, type TestToken } from './tokens.ts'

let server: TestServer
let auditor: TestToken
let folder = ''
let mailFolder = ''
let needles: readonly string[] = []
let olderFile = ''
let olderNote = ''
let events: readonly RecordedEvent[]
let proofs: readonly Proof[]
let before: { readonly whole: Bundle; readonly ofUser: Bundle; readonly redacted: Bundle }
let after: typeof before

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strongroom-erased-evidence-'))
  mailFolder = join(folder, 'data')
  const clock = openClock()
  server = await startServer({ now: clock.now, env: { TRUSTED_PROXIES: '127.0.0.1/32', DATA_DIR: mailFolder } })
  auditor = await makeToken(server, ['audit:read', 'audit:export'])
  await signUp(server)
  const { id, email, newEmail, city } = await liveLong(server, clock, mailFolder)
  needles = [NAME, 'Ottilie', email, newEmail, IP, 'Zwergenbrowser', city, PHONE, WEBSITE]
  await untilSigned(server)

  const bundles = async () => ({
    whole: await downloadBundle(server, auditor, ''),
    ofUser: await downloadBundle(server, auditor, `&user=${id}`),
    redacted: await makeBundle(server, { filter: {}, redact: ['personal'] }),
  })
  events = await storedEvents(server, id)
  olderNote = (await server.browser().get('/v1/audit/log/checkpoint', { headers: auditor.headers })).text
  olderFile = join(folder, 'older')
  await writeFile(olderFile, olderNote)
  before = await bundles()
  proofs = await Promise.all(events.map((event) => proofOf(server, auditor, event.id)))

  const operator = await makeToken(server, ['admin:users'])
  const erased = await server.browser().post(`/v1/admin/users/${id}/erase`, undefined, { headers: operator.headers })
  expect(erased.status).toBe(202)
  await vi.waitFor(
    async () => expect(await sql(server, 'select 1 from vault.users where user_id = $1', [id])).toEqual([]),
    { timeout: 20_000 },
  )
  await signUp(server)
  await untilSigned(server)
  after = await bundles()
}, 120_000)
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const partsOf = (bundle: Bundle) => [...bundle].map(([name, text]) => ({ name, text }))

const found = (bundle: Bundle): readonly string[] => [
  ...new Set(findIn(partsOf(bundle), needles).map(({ needle }) => needle)),
]

const linesOf = (bundle: Bundle): readonly string[] => (bundle.get('rows.ndjson') ?? '').trimEnd().split('\n')

describe('A12 old bundles and proofs still verify after an erasure', () => {
  it("bundles made before it, in an auditor's hands: they hold the person, and verify as they did", async () => {
    // So that the search below is one that finds. Phone and website are boxed values; all were shown.
    expect(found(before.ofUser)).toEqual(needles)
    expect(found(before.redacted)).toEqual([])
    for (const bundle of [before.whole, before.ofUser, before.redacted]) {
      const { code, out } = await verifyBundle(folder, bundle, '--checkpoint', olderFile)
      expect(out).not.toContain('was erased')
      expect(code).toBe(0)
    }
  })

  it('bundles made after it hold nothing of the person, and prove that they continue the checkpoint from before', async () => {
    for (const [name, bundle] of Object.entries(after)) {
      expect(found(bundle)).toEqual([])
      const { code, out } = await verifyBundle(folder, bundle, '--checkpoint', olderFile)
      expect(out).toMatch(/all \d+ leaves of the older checkpoint are in this log, unchanged/)
      if (name !== 'redacted')
        expect(out).toContain(`the personal data of ${events.length} rows, which is not shown, was erased`)
      expect(code).toBe(0)
    }
  })

  it('every row is the leaf that it was: what was hidden afterwards is the one difference', () => {
    const hidden = (line: string) => ({ ...JSON.parse(line), personal: null, salt: null, hidden: null })
    const old = linesOf(before.whole).map(hidden)
    expect(linesOf(after.whole).map(hidden).slice(0, old.length)).toEqual(old)
    const ofUser = linesOf(before.ofUser).map(hidden)
    const now = linesOf(after.ofUser).map(hidden)
    expect(now.slice(0, -1)).toEqual(ofUser)
    expect(now.at(-1)).toMatchObject({ event: { type: 'user:erased' } })
  })

  it('proofs of inclusion from before it hold for the events as they are now, and so do new ones', async () => {
    const now = await storedEvents(server, events[0]?.stream.slice('user-'.length) ?? '')
    for (const [n, proof] of proofs.entries()) {
      const event = now[n] as RecordedEvent
      expect(await isProven(server, auditor, event, proof)).toBe(true)
      expect(await isProven(server, auditor, event, await proofOf(server, auditor, event.id))).toBe(true)
    }
  })

  it('the tree after it is shown to continue the tree before it', async () => {
    const line = (await server.browser().get('/v1/audit/log/key', { headers: auditor.headers })).text.trim()
    const newerNote = (await server.browser().get('/v1/audit/log/checkpoint', { headers: auditor.headers })).text
    const key = parseVerifierKey(line)
    const [older, newer] = [olderNote, newerNote].map((note) => (key === null ? null : openCheckpoint(note, key)))
    if (!older || !newer) throw new Error('a checkpoint is not signed with the key of the log')
    expect(newer.size).toBeGreaterThan(older.size)
    const proof = await storedConsistencyProof(server, older.size, newer.size)
    const claim = {
      firstSize: older.size,
      firstRoot: older.root,
      secondSize: newer.size,
      secondRoot: newer.root,
      proof,
    }
    expect(verifyConsistency(claim)).toBe(true)
    expect(verifyConsistency({ ...claim, firstRoot: newer.root })).toBe(false)
  })
})
