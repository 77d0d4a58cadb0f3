/** Reading what is stored: old and new shapes side by side, and everything that cannot be read. */
import { describe, expect, it, vi } from 'vitest'
import { type EventType, eventTypes } from '../../src/account/events.ts'
import {
  readAccountEvent,
  type StoredEvent,
  UnreadableEvent,
  type Upcasters,
  upcasters,
} from '../../src/account/upcast.ts'
import { commandId, eventId, iso, START, sessionId } from './given.ts'

/** For a chain of upcasters `user:locked` is given a past here: what the catalogue calls its version 1 is taken for 3. */
vi.mock('../../src/account/events.ts', async (importOriginal) => {
  const events = await importOriginal<typeof import('../../src/account/events.ts')>()
  return { ...events, currentVersion: (type: EventType) => (type === 'user:locked' ? 3 : events.currentVersion(type)) }
})

const metadata = {
  schemaVersion: 1,
  commandId: commandId(1),
  correlationId: commandId(2),
  causationId: null,
  occurredAt: iso(START),
  actor: { kind: 'user', id: sessionId(50) },
  sessionId: sessionId(1),
  sessionHash: 'hash',
  client: null,
}
const envelope = { commit: 'a commitment', boxes: { personal: 'personal box', credential: null } }

const stored = (type: EventType | (string & {}), data: unknown, more: object = {}): StoredEvent => ({
  id: eventId(1),
  type,
  revision: 4n,
  data,
  metadata: { ...metadata, ...envelope, ...more },
})

const whyUnreadable = (event: StoredEvent, steps?: Upcasters): UnreadableEvent => {
  try {
    readAccountEvent(event, steps)
  } catch (error) {
    if (error instanceof UnreadableEvent) return error
    throw error
  }
  throw new Error('it was read')
}

describe('reading an event of the current version', () => {
  it('gives what the domain works with: data, metadata, closed boxes', () => {
    const data = { sessionId: sessionId(1), by: 'owner' }
    expect(readAccountEvent(stored('user.session:revoked', data))).toStrictEqual({
      id: eventId(1),
      type: 'user.session:revoked',
      revision: 4n,
      data,
      metadata,
      personal: 'personal box',
      credential: null,
    })
  })

  it('takes an event without boxes as one that never had any', () => {
    const { personal, credential } = readAccountEvent({
      ...stored('user:registered', {}),
      metadata,
    })
    expect([personal, credential]).toStrictEqual([null, null])
  })
})

describe('reading an event of an older version', () => {
  const until = iso(START)
  const locked = (schemaVersion: number, data: object) => stored('user:locked', data, { schemaVersion })

  const steps: Upcasters = {
    'user:locked': {
      // 1 counted in a string; 2 called it attempts; 3 calls it failures.
      1: ({ attempts, ...rest }) => ({ ...rest, attempts: Number(attempts) }),
      2: ({ attempts, ...rest }) => ({ ...rest, failures: attempts }),
    },
  }

  it.each([
    { version: 1, old: { attempts: '10', until }, now: { failures: 10, until } },
    { version: 2, old: { attempts: 10, until }, now: { failures: 10, until } },
    { version: 3, old: { failures: 10, until }, now: { failures: 10, until } },
  ])('brings version $version to the shape of today', ({ version, old, now }) => {
    expect(readAccountEvent(locked(version, old), steps).data).toStrictEqual(now)
  })

  it('keeps what version it was stored in', () => {
    const event = readAccountEvent(locked(1, { attempts: '10', until }), steps)
    expect(event.metadata.schemaVersion).toBe(1)
  })

  it('leaves what was stored as it was', () => {
    const event = locked(1, Object.freeze({ attempts: '10', until }))
    readAccountEvent(event, steps)
    expect(event.data).toStrictEqual({ attempts: '10', until })
  })

  it('does not pass a shape on that its upcaster left wrong', () => {
    const careless: Upcasters = { 'user:locked': { 2: (data) => data } }
    expect(whyUnreadable(locked(2, { attempts: 10, until }), careless).reason).toBe('invalid')
  })

  it('is not guessed at where a step is missing, be it the first or one in between', () => {
    const { 'user:locked': chain } = steps
    const withoutFirst: Upcasters = { 'user:locked': { 2: chain?.[2] ?? ((data) => data) } }
    const withoutSecond: Upcasters = { 'user:locked': { 1: chain?.[1] ?? ((data) => data) } }
    for (const table of [withoutFirst, withoutSecond, {}]) {
      const error = whyUnreadable(locked(1, { attempts: '10', until }), table)
      expect(error.reason).toBe('unknown-version')
      expect(error.message).toMatch(/no upcaster from version [12]$/)
    }
  })

  it('is not possible below version 1', () => {
    expect(whyUnreadable(locked(0, {}), steps).reason).toBe('invalid')
  })
})

describe('a sign-in from before there was a second factor', () => {
  it('had no challenge and no code, and nobody had looked whether the device was known', () => {
    const data = { sessionId: sessionId(1), method: 'password' }
    expect(readAccountEvent(stored('user:logged_in', data, { schemaVersion: 1 })).data).toStrictEqual({
      sessionId: sessionId(1),
      method: 'password',
      challengeId: null,
      step: null,
      unfamiliar: [],
    })
  })

  it('is not told from one of today by what it lacks, but by its version', () => {
    const data = { sessionId: sessionId(1), method: 'password' }
    expect(whyUnreadable(stored('user:logged_in', data, { schemaVersion: 2 })).reason).toBe('invalid')
    const today = { ...data, challengeId: sessionId(7), step: 5, unfamiliar: ['device'] }
    expect(readAccountEvent(stored('user:logged_in', today, { schemaVersion: 2 })).data).toStrictEqual(today)
  })
})

describe('an event that cannot be read', () => {
  it('is of a type that the catalogue does not have', () => {
    const error = whyUnreadable(stored('user:teleported', {}))
    expect(error.reason).toBe('unknown-type')
    expect(error.message).toBe(`event ${eventId(1)} has the unknown type user:teleported`)
  })

  it.each(['toString', '__proto__', 'constructor'])('is of the type %s, which only every object has', (type) => {
    expect(whyUnreadable(stored(type, {})).reason).toBe('unknown-type')
  })

  it('is of a version from the future', () => {
    const error = whyUnreadable(stored('user:registered', {}, { schemaVersion: 2 }))
    expect(error.reason).toBe('unknown-version')
    expect(error.message).toContain('has version 2; this program knows up to 1')
  })

  it('has data that its schema refuses: a field missing, a field too many, a value of another kind', () => {
    for (const data of [
      { sessionId: sessionId(1) },
      { sessionId: sessionId(1), method: 'password', ip: '192.0.2.1' },
      { sessionId: sessionId(1), method: 'telepathy' },
      { sessionId: 'not a uuid', method: 'password' },
      [],
      null,
    ]) {
      expect(whyUnreadable(stored('user:logged_in', data)).reason).toBe('invalid')
    }
  })

  it('has metadata that its schema refuses', () => {
    const event = stored('user:registered', {})
    for (const broken of [
      null,
      {},
      { ...metadata, surprise: 1 },
      { ...metadata, occurredAt: '2026-03-01T12:00:00Z' },
      { ...metadata, actor: { kind: 'robot', id: null } },
    ]) {
      expect(whyUnreadable({ ...event, metadata: broken }).reason).toBe('invalid')
    }
  })

  it('is told of without a value of it in the message, which goes to the log', () => {
    const error = whyUnreadable(stored('user:logged_in', { sessionId: 'ada@example.com', method: 'password' }))
    expect(error.message).not.toContain('ada@example.com')
  })
})

describe('the upcasters of the catalogue', () => {
  it('lead from every version that was ever written to the next one', async () => {
    const { catalogue } =
      await vi.importActual<typeof import('../../src/account/events.ts')>('../../src/account/events.ts')
    for (const type of eventTypes) {
      const versions = Object.keys(catalogue[type].versions).map(Number)
      expect(versions).toStrictEqual(versions.map((_, index) => index + 1))
      expect(Object.keys(upcasters[type] ?? {}).map(Number)).toStrictEqual(versions.slice(0, -1))
    }
  })
})
