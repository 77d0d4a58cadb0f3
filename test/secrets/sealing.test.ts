import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CannotOpen, open, seal } from '../../src/secrets/sealing.ts'

const key = Buffer.alloc(32, 1)
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))

/** The sealed text with one bit of its bytes the other way round. */
const withFlippedBit = (sealed: string, bit: number): string => {
  const raw = Buffer.from(sealed.slice(3), 'base64url')
  const index = Math.floor(bit / 8) % raw.length
  raw.writeUInt8(raw.readUInt8(index) ^ (1 << (bit % 8)), index)
  return `v1.${raw.toString('base64url')}`
}

describe('what is sealed', () => {
  it('opens with the key and the place it was sealed with', () => {
    fc.assert(
      fc.property(bytes, fc.string(), (plain, place) => {
        expect(open(key, seal(key, plain, place), place)).toStrictEqual(plain)
      }),
    )
  })

  it('looks different each time', () => {
    const sealed = new Set(Array.from({ length: 100 }, () => seal(key, Buffer.from('the same'), 'place')))
    expect(sealed.size).toBe(100)
  })

  it('shows nothing of what is in it', () => {
    const plain = Buffer.from('a very recognisable text')
    const sealed = seal(key, plain, 'place')
    expect(Buffer.from(sealed.slice(3), 'base64url').includes(plain)).toBe(false)
    expect(sealed).toMatch(/^v1\.[\w-]+$/)
  })

  it('opens in no other place', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (place, other) => {
        fc.pre(Buffer.compare(Buffer.from(place), Buffer.from(other)) !== 0)
        expect(() => open(key, seal(key, Buffer.from('plain'), place), other)).toThrow(CannotOpen)
      }),
    )
  })

  it('opens with no other key', () => {
    expect(() => open(randomBytes(32), seal(key, Buffer.from('plain'), 'place'), 'place')).toThrow(CannotOpen)
  })

  it('does not open with any one bit flipped: of nonce, content or tag', () => {
    const sealed = seal(key, Buffer.from('plain text'), 'place')
    const bits = Buffer.from(sealed.slice(3), 'base64url').length * 8
    for (let bit = 0; bit < bits; bit++) {
      expect(() => open(key, withFlippedBit(sealed, bit), 'place')).toThrow(CannotOpen)
    }
  })

  it('does not open cut short, be it at the front, at the end or to nothing', () => {
    const raw = Buffer.from(seal(key, Buffer.from('plain text'), 'place').slice(3), 'base64url')
    for (let length = 0; length < raw.length; length++) {
      expect(() => open(key, `v1.${raw.subarray(0, length).toString('base64url')}`, 'place')).toThrow(CannotOpen)
    }
    expect(() => open(key, `v1.${raw.subarray(1).toString('base64url')}`, 'place')).toThrow(CannotOpen)
  })

  it('is told from junk and from versions to come by CannotOpen, never by another error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `v1.${text}`),
        ),
        (junk) => {
          expect(() => open(key, junk, 'place')).toThrow(CannotOpen)
        },
      ),
    )
    expect(() => open(key, seal(key, Buffer.from('plain'), 'place').replace('v1.', 'v2.'), 'place')).toThrow(
      'unknown version',
    )
  })

  it('has one spelling: one that decodes to the same bytes does not open', () => {
    const sealed = seal(key, Buffer.from('a'), 'place')
    for (const other of [`${sealed}=`, `${sealed}\n`, `v1. ${sealed.slice(3)}`]) {
      expect(() => open(key, other, 'place')).toThrow(CannotOpen)
    }
  })

  it('does not say in the message whether key, place or content was wrong', () => {
    const sealed = seal(key, Buffer.from('plain'), 'here')
    const messageOf = (opening: () => Buffer): string => {
      try {
        return opening().toString()
      } catch (error) {
        return (error as Error).message
      }
    }
    const wrongKey = messageOf(() => open(randomBytes(32), sealed, 'here'))
    const wrongContent = messageOf(() => open(key, withFlippedBit(sealed, 100), 'here'))
    const wrongPlace = messageOf(() => open(key, seal(key, Buffer.from('plain'), 'there'), 'here'))
    expect(new Set([wrongKey, wrongContent, wrongPlace]).size).toBe(1)
  })
})
