import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { commandIdOf, hashBody, type IdentifiedRequest } from '../../src/commands/request-hash.ts'
import type { Services } from '../../src/commands/services.ts'

const derived: string[] = []
const servicesWith = (key: number): Services =>
  ({
    vault: { key: () => Buffer.alloc(32, key) },
    hasher: {
      derive: async (text: string, salt: string) => {
        derived.push(text)
        return createHash('sha256')
          .update(JSON.stringify([text, salt]))
          .digest('base64')
      },
    },
  }) as unknown as Services
const services = servicesWith(1)

const request = (more: Partial<IdentifiedRequest> = {}): IdentifiedRequest => ({
  actorId: '0a000000-0000-4000-8000-000000000001',
  method: 'PUT',
  path: '/v1/me/password',
  key: 'key-1',
  body: { currentPassword: 'old', newPassword: 'new', keepOtherSessions: false },
  secretFields: ['currentPassword', 'newPassword'],
  ...more,
})

describe('the id of a command under an Idempotency-Key', () => {
  it('is the same for the same person, place and key, and a UUID', () => {
    expect(commandIdOf(request())).toBe(commandIdOf(request({ body: {} })))
    expect(commandIdOf(request())).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('differs by each of them, also where they run into one another', () => {
    const ids = [
      request(),
      request({ actorId: '0a000000-0000-4000-8000-000000000002' }),
      request({ method: 'POST' }),
      request({ path: '/v1/me/passwor', key: 'dkey-1' }),
      request({ key: 'key-2' }),
    ].map(commandIdOf)
    expect(new Set(ids).size).toBe(5)
  })
})

describe('the hash of a body', () => {
  it('is the same for the same content in any order of its fields', async () => {
    const reordered = { keepOtherSessions: false, newPassword: 'new', currentPassword: 'old' }
    expect(await hashBody(services, request({ body: reordered }))).toBe(await hashBody(services, request()))
  })

  it('differs by any field, secret or not, and by where a secret stands', async () => {
    const body = { currentPassword: 'old', newPassword: 'new', keepOtherSessions: false }
    const bodies = [
      body,
      { ...body, keepOtherSessions: true },
      { ...body, newPassword: 'new!' },
      { ...body, currentPassword: 'old!' },
      { ...body, currentPassword: 'new', newPassword: 'old' },
      { currentPassword: 'old', newPassword: 'new' },
      { currentPassword: 'old', keepOtherSessions: false },
    ]
    const hashes = await Promise.all(bodies.map((each) => hashBody(services, request({ body: each }))))
    expect(new Set(hashes).size).toBe(bodies.length)
  })

  it('gives secrets to the slow hash, so that it cannot be used to guess a password', async () => {
    derived.length = 0
    await hashBody(services, request())
    expect(derived).toStrictEqual(['["old","new"]'])
    await hashBody(services, request({ secretFields: [], body: { sessionId: 'x' } }))
    expect(derived).toHaveLength(1)
  })

  it('salts secrets by the request: the same password under another key gives another hash', async () => {
    expect(await hashBody(services, request({ key: 'key-2' }))).not.toBe(await hashBody(services, request()))
  })

  it('is keyed by the installation', async () => {
    expect(await hashBody(servicesWith(2), request())).not.toBe(await hashBody(services, request()))
  })
})
