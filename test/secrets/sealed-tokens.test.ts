import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openSealer } from '../../src/secrets/sealed-tokens.ts'

const key = randomBytes(32)
const sealer = openSealer(key)
const wellFormed = fc.string({ unit: 'grapheme' })

test('what was sealed for a purpose opens for that purpose only', () => {
  fc.assert(
    fc.property(wellFormed, wellFormed, wellFormed, (purpose, other, payload) => {
      const token = sealer.seal(purpose, payload)
      expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(sealer.open(purpose, token)).toBe(payload)
      if (other !== purpose) expect(sealer.open(other, token)).toBeNull()
    }),
  )
})

test('a token tells nothing of what it holds: not its bytes, not its length, not that two hold the same', () => {
  const positions = ['1', '42', '9223372036854775807']
  const tokens = positions.map((position) => sealer.seal('consistency', position))
  expect(new Set(tokens.map(({ length }) => length)).size).toBe(1)
  expect(sealer.seal('consistency', '42')).not.toBe(sealer.seal('consistency', '42'))
  for (const [index, token] of tokens.entries()) {
    const bytes = Buffer.from(token, 'base64url')
    expect(bytes.includes(Buffer.from(`${positions[index]}\u0001`))).toBe(false)
  }
})

test('one changed, added or missing character and it does not open', () => {
  const token = sealer.seal('page', 'position 42')
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom(...'ABCxyz019-_'), (at, character) => {
      fc.pre(token[at] !== character)
      expect(sealer.open('page', token.slice(0, at) + character + token.slice(at + 1))).toBeNull()
    }),
  )
  for (const other of [`${token}A`, `${token}=`, `${token} `, `${token}!`, token.slice(1), token.slice(0, -1), '']) {
    expect(sealer.open('page', other)).toBeNull()
  }
})

test('junk and tokens of another key do not open, nor throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (junk) => sealer.open('page', junk) === null))
  expect(sealer.open('page', openSealer(randomBytes(32)).seal('page', 'x'))).toBeNull()
  expect(sealer.open('page', 'A'.repeat(1_000_000))).toBeNull()
})

test('a short key is refused', () => {
  expect(() => openSealer(randomBytes(31))).toThrow(RangeError)
})
