import { randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type LinkClaim, type LinkPurpose, makeToken, openToken } from '../../src/mailer/link-tokens.ts'

const key = randomBytes(32)
const purposes: readonly LinkPurpose[] = ['reset', 'not-me', 'email-old', 'email-new']
const claim = (): LinkClaim => ({ userId: randomUUID(), eventId: randomUUID(), at: Date.UTC(2026, 10, 24, 20, 15, 7) })

describe('a token', () => {
  test('opens for its purpose, and gives back user, event and time to the second', () => {
    const made = { ...claim(), at: 1_800_000_000_999 }
    for (const purpose of purposes) {
      expect(openToken(key, purpose, makeToken(key, purpose, made))).toEqual({ ...made, at: 1_800_000_000_000 })
    }
  })

  test('opens for no other purpose and under no other key', () => {
    for (const purpose of purposes) {
      const token = makeToken(key, purpose, claim())
      expect(openToken(randomBytes(32), purpose, token)).toBeNull()
      for (const other of purposes.filter((name) => name !== purpose)) expect(openToken(key, other, token)).toBeNull()
    }
  })

  test('is safe in a URL as it stands', () => {
    expect(makeToken(key, 'reset', claim())).toMatch(/^[A-Za-z0-9_-]{94}$/)
  })

  test('with any character changed, added or left out opens nothing', () => {
    const token = makeToken(key, 'reset', claim())
    for (let index = 0; index < token.length; index += 1) {
      const other = token[index] === 'A' ? 'B' : 'A'
      expect(openToken(key, 'reset', token.slice(0, index) + other + token.slice(index + 1)), `at ${index}`).toBeNull()
    }
    for (const wrong of [`${token}A`, `${token}=`, token.slice(1), ` ${token}`, `${token.slice(0, -1)} `]) {
      expect(openToken(key, 'reset', wrong)).toBeNull()
    }
  })
})

test('junk is no token, and no error', () => {
  const anything = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary', minLength: 94, maxLength: 94 }),
    fc.uint8Array({ minLength: 70, maxLength: 70 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  )
  fc.assert(
    fc.property(anything, fc.constantFrom(...purposes), (text, purpose) => openToken(key, purpose, text) === null),
  )
})
