/** Somebody who is to be erased, all that can be known of them, and the proofs of their events. */

import { pino } from 'pino'
import { expect, vi } from 'vitest'
import { openCheckpoint } from '../../src/audit/checkpoint.ts'
import { leafContentOf, leafHashOf } from '../../src/audit/leaf.ts'
import { verifyInclusion } from '../../src/audit/merkle.ts'
import { parseVerifierKey } from '../../src/audit/note.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { PASSWORD, someEmail, type TestServer } from '../support/server.ts'
import { mailTo } from './mail-folder.ts'
import { type Clock, protect } from './second-factor-support.ts'
import { allEvents, signIn } from './support.ts'
import type { TestToken } from './tokens.ts'

export const IP = '131.130.7.77'
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Zwergenbrowser/129.0.7 Chrome/129.0.0.0 Safari/537.36'
export const FROM = { 'X-Forwarded-For': IP, 'User-Agent': AGENT }
export const NAME = 'Ottilie Žwergenštein'
export const PHONE = '+4366012345987'
export const WEBSITE = 'https://ottilie.example/about-me'
export const TIME_ZONE = 'Pacific/Chatham'

/** Events; src/accounts/accounts.ts takes a snapshot behind a hundred. */
const LONG = 105

/** Somebody who has left traces wherever there can be some. */
export const liveLong = async (server: TestServer, clock: Clock, mailFolder: string) => {
  const email = `ottilie.${someEmail()}`
  const newEmail = `new.${email}`
  expect((await server.browser(FROM).register(email, PASSWORD, NAME)).status).toBe(201)
  const { browser } = await signIn(server, email, PASSWORD, FROM)
  const id = ((await browser.get('/v1/me')).body as { user: { id: string } }).user.id
  await protect(browser, clock)
  const change = async (path: string, json: unknown, key = '') => {
    const etag = (await browser.get(path)).headers.get('etag') ?? ''
    const headers = { 'If-Match': etag, 'Idempotency-Key': `change-${path.slice(8)}-${key}-${email}` }
    expect((await browser.send('PATCH', path, { json, headers })).status).toBe(200)
  }
  await change('/v1/me/profile', { phone: PHONE, website: WEBSITE })
  await change('/v1/me/preferences', { timeZone: TIME_ZONE })
  // So long that there is a snapshot of the account.
  for (let n = 0; n < LONG; n++) await change('/v1/me/preferences', { precision: n % 2 }, `${n}`)
  const asked = await browser.post('/v1/me/email', { newEmail, password: PASSWORD })
  expect(asked.status).toBe(202)
  await server.browser(FROM).logIn(email, 'a wrong password')
  await server.browser(FROM).post('/v1/auth/password-resets', { email })
  await mailTo(mailFolder, email, /reset/i)
  await mailTo(mailFolder, newEmail, /./)
  const events = await allEvents(server, browser)
  const { city, region } = events.find(({ location }) => location !== null)?.location ?? {}
  expect([typeof city, typeof region]).toEqual(['string', 'string'])
  return { id, email, newEmail, browser, events, city: String(city) }
}

/** The person's events as they are stored. */
export const storedEvents = async (server: TestServer, id: string): Promise<readonly RecordedEvent[]> => {
  const { eventStore, connection } = server.database
  const store = await openEventStore({
    place: eventStore?.connectionString ?? connection,
    log: pino({ level: 'silent' }),
  })
  try {
    const events: RecordedEvent[] = []
    for await (const event of store.read(`user-${id}`)) events.push(event)
    return events
  } finally {
    await store.close()
  }
}

/** As GET /v1/audit/events/{id}/proof answers. */
export interface Proof {
  readonly leafIndex: number
  readonly treeSize: number
  readonly leafHash: string
  readonly proof: readonly string[]
  readonly checkpoint: string
}

/** Once a checkpoint has the event. */
export const proofOf = (server: TestServer, auditor: TestToken, eventId: string): Promise<Proof> =>
  vi.waitFor(
    async () => {
      const reply = await server.browser().get(`/v1/audit/events/${eventId}/proof`, { headers: auditor.headers })
      expect(reply.status).toBe(200)
      return reply.body as Proof
    },
    { timeout: 20_000, interval: 100 },
  )

/** Whether the event, as it is stored, has this place in the log. */
export const isProven = async (
  server: TestServer,
  auditor: TestToken,
  event: RecordedEvent,
  { leafIndex, treeSize, proof, checkpoint }: Proof,
): Promise<boolean> => {
  const line = (await server.browser().get('/v1/audit/log/key', { headers: auditor.headers })).text.trim()
  const key = parseVerifierKey(line)
  const signed = key === null ? null : openCheckpoint(checkpoint, key)
  if (signed === null) throw new Error('the checkpoint is not signed with the key of the log')
  const leafHash = leafHashOf(leafContentOf(event))
  const path = proof.map((hash) => Buffer.from(hash, 'base64'))
  return signed.size === treeSize && verifyInclusion({ leafIndex, treeSize, leafHash, proof: path, root: signed.root })
}
