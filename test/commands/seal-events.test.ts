import { describe, expect, it } from 'vitest'
import type { Box, NewAccountEvent } from '../../src/account/events.ts'
import { readAccountEvent } from '../../src/account/upcast.ts'
import { type Sealing, sealEvents } from '../../src/commands/seal-events.ts'
import { commitTo, openCredential, openPersonal } from '../../src/secrets/boxes.ts'
import { CannotOpen } from '../../src/secrets/sealing.ts'
import { commandId, iso, START, sessionId } from '../account/given.ts'
import { aSecret } from '../account/stories.ts'

const USER = '0a000000-0000-4000-8000-000000000001'
const sealing: Sealing = {
  userId: USER,
  dataKey: Buffer.alloc(32, 4),
  sessionHash: (id) => `hash of ${id}`,
  context: {
    actor: { kind: 'user', id: USER },
    correlationId: commandId(2),
    client: {
      ip: '192.0.2.7',
      userAgent: 'Mozilla/5.0',
      location: { country: 'PT', region: '13', city: 'Porto' },
      device: { type: 'mobile' },
      browser: { name: 'Firefox', version: '140' },
      os: { name: 'Android', version: '16' },
      geoVersion: 'g1',
      uaVersion: 'u1',
    },
    sessionId: sessionId(1),
  },
  commandId: commandId(1),
  now: START,
  idempotency: null,
}
const withContext = (more: Partial<Sealing['context']>): Sealing => ({
  ...sealing,
  context: { ...sealing.context, ...more },
})

const registration: NewAccountEvent = {
  type: 'user:registered',
  data: {},
  personal: { email: 'ada@example.com', name: 'Ada' },
  credential: { passwordHash: aSecret('hash') },
}
const revocation: NewAccountEvent = {
  type: 'user.session:revoked',
  data: { sessionId: sessionId(2), by: 'owner' },
}
const expiry: NewAccountEvent = { type: 'user.session:expired', data: { sessionId: sessionId(2), limit: 'idle' } }
const failure: NewAccountEvent = { type: 'user:login_failed', data: { method: 'password', failures: 1 } }

const sealOne = (event: NewAccountEvent, with_: Sealing = sealing) => {
  const [sealed] = sealEvents([event], with_)
  if (sealed === undefined) throw new Error('one event gives one event')
  const { boxes, ...metadata } = sealed.metadata as {
    readonly boxes: { readonly personal: Box | null; readonly credential: Box | null }
    readonly commit: string | null
  }
  const place = { stream: `user-${USER}`, type: event.type, eventId: sealed.id }
  return { sealed, boxes, metadata, place }
}

describe('a sealed event', () => {
  it('keeps who and where in the personal box, beside what the event itself knows of the person', () => {
    const { boxes, metadata, place } = sealOne(registration)
    const personal = openPersonal(sealing.dataKey, place, boxes.personal as Box)
    expect(personal).toStrictEqual({
      ip: '192.0.2.7',
      userAgent: 'Mozilla/5.0',
      region: '13',
      city: 'Porto',
      email: 'ada@example.com',
      name: 'Ada',
    })
    expect(metadata.commit).toMatch(/^[0-9a-f]{64}$/)
    expect(metadata.commit).not.toBe(commitTo(Buffer.alloc(16), personal))
  })

  it('keeps secrets in the credential box', () => {
    const { boxes, place } = sealOne(registration)
    expect(openCredential(sealing.dataKey, place, boxes.credential as Box)).toStrictEqual({ passwordHash: 'hash' })
  })

  it('has the coarse client and the request open, so that they outlive an erasure', () => {
    const { metadata } = sealOne(revocation)
    const { commit: _, ...rest } = metadata
    expect(rest).toStrictEqual({
      schemaVersion: 1,
      commandId: commandId(1),
      correlationId: commandId(2),
      causationId: null,
      occurredAt: iso(START),
      actor: { kind: 'user', id: USER },
      sessionId: sessionId(1),
      sessionHash: `hash of ${sessionId(1)}`,
      client: {
        country: 'PT',
        deviceType: 'mobile',
        browser: { name: 'Firefox', version: '140' },
        os: { name: 'Android', version: '16' },
        geoVersion: 'g1',
        uaVersion: 'u1',
      },
    })
  })

  it('has no box and no commitment where there is nothing to hide', () => {
    const { boxes, metadata } = sealOne(expiry, withContext({ client: null, sessionId: null }))
    expect(boxes).toStrictEqual({ personal: null, credential: null })
    expect(metadata.commit).toBeNull()
  })

  it('says so where the place is not known', () => {
    const { client } = sealing.context
    const nowhere = withContext({ client: client === null ? null : { ...client, location: null } })
    const { boxes, metadata, place } = sealOne(revocation, nowhere)
    expect(openPersonal(sealing.dataKey, place, boxes.personal as Box)).toMatchObject({ region: null, city: null })
    expect(metadata).toMatchObject({ client: { country: null } })
  })

  it('cannot pass its boxes on to its neighbour', () => {
    const [first, second] = sealEvents([registration, registration], sealing)
    if (first === undefined) throw new Error('two events give two events')
    const { credential } = first.metadata.boxes as { readonly credential: Box }
    const place = { stream: `user-${USER}`, type: 'user:registered', eventId: second?.id ?? '' }
    expect(() => openCredential(sealing.dataKey, place, credential)).toThrow(CannotOpen)
  })

  it('is read again as what it is', () => {
    const { sealed, boxes } = sealOne(revocation)
    const event = readAccountEvent({ ...sealed, revision: 3n })
    expect(event).toMatchObject({ id: sealed.id, type: revocation.type, data: revocation.data, ...boxes })
  })
})

describe('the session of an event', () => {
  it('is the one that acted, whichever it is about', () => {
    expect(sealOne(revocation).metadata).toMatchObject({ sessionId: sessionId(1) })
  })

  it('is the one it is about where none acted', () => {
    const { metadata } = sealOne(expiry, withContext({ sessionId: null }))
    expect(metadata).toMatchObject({ sessionId: sessionId(2), sessionHash: `hash of ${sessionId(2)}` })
  })

  it('is none where there is none', () => {
    const { metadata } = sealOne(failure, withContext({ sessionId: null }))
    expect(metadata).toMatchObject({ sessionId: null, sessionHash: null })
  })
})

describe('the actor of an event', () => {
  it('is nobody where a sign-in failed: whoever it was has proved nothing', () => {
    const locked: NewAccountEvent = { type: 'user:locked', data: { failures: 10, until: iso(START) } }
    for (const event of [failure, locked]) {
      expect(sealOne(event).metadata).toMatchObject({ actor: { kind: 'anonymous', id: null } })
    }
  })
})

describe('events of one command', () => {
  it('have ids of their own and everything else of the request in common; the first carries the answer', () => {
    const idempotency = { bodyHash: 'hash', status: 204, body: null, secret: false }
    const sealed = sealEvents([revocation, expiry, failure], { ...sealing, idempotency })
    expect(new Set(sealed.map(({ id }) => id)).size).toBe(3)
    expect(new Set(sealed.map(({ metadata }) => metadata.commandId)).size).toBe(1)
    expect(sealed.map(({ metadata }) => metadata.idempotency)).toStrictEqual([idempotency, undefined, undefined])
  })
})
