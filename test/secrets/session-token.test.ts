import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Secret } from '../../src/account/events.ts'
import {
  formatToken,
  hashTokenSecret,
  isTokenSecret,
  newTokenSecret,
  parseToken,
  type SessionToken,
} from '../../src/secrets/session-token.ts'

const aToken = (more: Partial<SessionToken> = {}): SessionToken => ({
  userId: '0a000000-0000-4000-8000-000000000001',
  sessionId: '5e000000-0000-4000-8000-000000000002',
  generation: 3,
  secret: Buffer.alloc(32, 7),
  ...more,
})

describe('a session token', () => {
  it('says again what was put into it', () => {
    const uuid = fc.uuid({ version: 4 })
    const secret = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(uuid, uuid, fc.integer({ min: 0, max: 2 ** 32 - 1 }), secret, (userId, sessionId, generation, s) => {
        const token = { userId, sessionId, generation, secret: s }
        expect(parseToken(formatToken(token))).toStrictEqual(token)
      }),
    )
  })

  it('fits into a cookie as it is', () => {
    expect(formatToken(aToken())).toMatch(/^[\w-]{91}$/)
  })

  it('is null where it is anything else, and never an error', () => {
    const good = formatToken(aToken())
    const junk = ['', 'null', good.slice(1), `${good}A`, `${good.slice(0, -1)}\n`, `${good} `, `=${good.slice(1)}`]
    for (const text of junk) expect(parseToken(text)).toBeNull()
    fc.assert(fc.property(fc.string(), (text) => parseToken(text) === null))
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', minLength: 91, maxLength: 91 }), (text) => {
        expect(() => parseToken(text)).not.toThrow()
      }),
    )
  })

  it('is null where its ids are none', () => {
    const bytes = Buffer.from(formatToken(aToken()), 'base64url').fill(0xee, 0, 16)
    expect(parseToken(bytes.toString('base64url'))).toBeNull()
  })

  it('has one spelling: the spare bits of its last character are zero', () => {
    const good = formatToken(aToken({ secret: Buffer.alloc(32, 0) }))
    expect(good.endsWith('A')).toBe(true)
    for (const last of ['B', 'C', 'D']) expect(parseToken(good.slice(0, -1) + last)).toBeNull()
  })

  it('never comes twice: S03, 1,000 from the generator, 256 bits each', () => {
    const secrets = Array.from({ length: 1_000 }, newTokenSecret)
    expect(new Set(secrets.map((secret) => formatToken(aToken({ secret })))).size).toBe(1_000)
    for (const secret of secrets) expect(secret).toHaveLength(32)
    // No bit that is always the same: 256 bits of which each is set in some and unset in others.
    const ones = secrets.reduce((sum, secret) => sum.map((byte, i) => byte | secret.readUInt8(i)), new Uint8Array(32))
    const all = secrets.reduce(
      (sum, secret) => sum.map((byte, i) => byte & secret.readUInt8(i)),
      new Uint8Array(32).fill(255),
    )
    expect(ones).toStrictEqual(new Uint8Array(32).fill(255))
    expect(all).toStrictEqual(new Uint8Array(32))
  })
})

describe('the hash of a token secret', () => {
  it('recognises that secret and no other', () => {
    const secret = newTokenSecret()
    const hash = hashTokenSecret(secret)
    expect(isTokenSecret(secret, hash)).toBe(true)
    expect(isTokenSecret(newTokenSecret(), hash)).toBe(false)
    expect(isTokenSecret(randomBytes(32), hash)).toBe(false)
  })

  it('refuses an empty or cut hash without an error', () => {
    const secret = newTokenSecret()
    for (const hash of ['', hashTokenSecret(secret).slice(1), `${hashTokenSecret(secret)}A`]) {
      expect(isTokenSecret(secret, hash as Secret)).toBe(false)
    }
  })

  it('opens nothing itself: the hash of a secret is not accepted as the secret', () => {
    const hash = hashTokenSecret(newTokenSecret())
    expect(isTokenSecret(Buffer.from(hash, 'base64url'), hash)).toBe(false)
  })
})
