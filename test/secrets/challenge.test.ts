import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Challenge, openChallenge, sealChallenge } from '../../src/secrets/challenge.ts'
import { openSealer } from '../../src/secrets/sealed-tokens.ts'

const sealer = openSealer(Buffer.alloc(32, 3))
const uuid = fc.uuid({ version: 4 })
const challenges: fc.Arbitrary<Challenge> = fc.record(
  { userId: uuid, challengeId: uuid, credentialEpoch: fc.nat(), expiresAt: fc.nat(8_640_000_000_000_000) },
  { noNullPrototype: true },
)
const some: Challenge = {
  userId: '0a000000-0000-4000-8000-000000000001',
  challengeId: 'c0000000-0000-4000-8000-000000000002',
  credentialEpoch: 3,
  expiresAt: 1_764_015_600_000,
}

describe('a log-in challenge', () => {
  it('says again what was put into it', () => {
    fc.assert(
      fc.property(challenges, (challenge) => {
        expect(openChallenge(sealer, sealChallenge(sealer, challenge))).toStrictEqual(challenge)
      }),
    )
  })

  it('shows nothing of it, not even by its length, and fits into a cookie as it is', () => {
    const token = sealChallenge(sealer, some)
    expect(token).toMatch(/^[\w-]{100,400}$/)
    expect(sealChallenge(sealer, some)).not.toBe(token)
    expect(sealChallenge(sealer, { ...some, credentialEpoch: 1_000 })).toHaveLength(token.length)
    expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain(some.userId)
  })

  it('is null where anything of it was changed', () => {
    const token = sealChallenge(sealer, some)
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'AZaz09-_'), (place, character) => {
        fc.pre(token.charAt(place) !== character)
        expect(openChallenge(sealer, token.slice(0, place) + character + token.slice(place + 1))).toBeNull()
      }),
    )
  })

  it('is null for junk, for what was sealed for another purpose and under another key', () => {
    const payload = JSON.stringify(some)
    const foreign = [sealer.seal('cursor', payload), sealChallenge(openSealer(Buffer.alloc(32, 4)), some)]
    for (const token of [...foreign, '', 'null', payload, 'x'.repeat(10_000)]) {
      expect(openChallenge(sealer, token)).toBeNull()
    }
  })
})
