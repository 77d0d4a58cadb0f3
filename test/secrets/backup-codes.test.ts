import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Secret } from '../../src/account/events.ts'
import { hashBackupCodes, matchingBackupCode, newBackupCodes } from '../../src/secrets/backup-codes.ts'

/** Also text that is ill-formed. */
const anyText = fc.array(fc.nat(0xffff), { maxLength: 80 }).map((units) => String.fromCharCode(...units))
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

describe('a list of backup codes', () => {
  it('has ten different codes of 80 bits, in groups, without letters that look like digits', () => {
    for (let n = 0; n < 50; n++) {
      const codes = newBackupCodes()
      expect(codes).toHaveLength(10)
      expect(new Set(codes).size).toBe(10)
      for (const code of codes) expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$/)
    }
  })

  it('uses every character in every place about equally often', () => {
    const codes = Array.from({ length: 400 }, newBackupCodes).flat()
    const mean = codes.length / ALPHABET.length
    for (let place = 0; place < 16; place++) {
      const counts = new Map<string, number>()
      for (const code of codes) {
        const character = code.replaceAll('-', '').charAt(place)
        counts.set(character, (counts.get(character) ?? 0) + 1)
      }
      // Mean 125, standard deviation 11: six of them.
      for (const character of ALPHABET) expect(Math.abs((counts.get(character) ?? 0) - mean)).toBeLessThan(66)
    }
  })
})

describe('the hashes of a list', () => {
  const codes = newBackupCodes()
  const hashes = hashBackupCodes(codes)

  it('know each code by its place', () => {
    expect(codes.map((code) => matchingBackupCode(hashes, code))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('hold no code, and differ for the same codes from time to time', () => {
    for (const code of codes) {
      expect(hashes).not.toContain(code)
      expect(hashes).not.toContain(code.replaceAll('-', ''))
    }
    const [one, other] = [hashBackupCodes(codes), hashBackupCodes(codes)].map((text) => JSON.parse(text))
    expect(one.salt).not.toBe(other.salt)
    for (const hash of one.hashes) expect(other.hashes).not.toContain(hash)
  })

  it('know a code in whatever case and with whatever spaces and hyphens', () => {
    const separator = fc.constantFrom('', '', '', '-', ' ', '\t', '--', ' - ')
    fc.assert(
      fc.property(
        fc.nat(9),
        fc.array(fc.tuple(fc.boolean(), separator), { minLength: 16, maxLength: 16 }),
        (index, spelling) => {
          const plain = [...(codes[index] ?? '').replaceAll('-', '')]
          const typed = plain
            .map((c, n) => (spelling[n]?.[0] ? c.toUpperCase() : c) + (spelling[n]?.[1] ?? ''))
            .join('')
          fc.pre(typed.length <= 64)
          expect(matchingBackupCode(hashes, typed)).toBe(index)
        },
      ),
    )
  })

  it('know a code whose digits were read as letters', () => {
    const misread = (code: string) => code.replaceAll('0', 'O').replace(/1/g, (_, at) => (at % 2 === 0 ? 'l' : 'I'))
    expect(codes.map((code) => matchingBackupCode(hashes, misread(code)))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('know no code of another list', () => {
    for (const code of newBackupCodes()) expect(matchingBackupCode(hashes, code)).toBeNull()
  })

  it('know no code that differs in one character', () => {
    fc.assert(
      fc.property(fc.nat(9), fc.nat(15), fc.constantFrom(...ALPHABET), (index, place, character) => {
        const plain = (codes[index] ?? '').replaceAll('-', '')
        fc.pre(plain.charAt(place) !== character)
        expect(matchingBackupCode(hashes, plain.slice(0, place) + character + plain.slice(place + 1))).toBeNull()
      }),
    )
  })

  it('are null for junk, and never an error', () => {
    const [good = ''] = codes
    const wide = good.replace(/\w/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0))
    const junk = ['', '-', ' ', wide, good.slice(1), `${good}0`, `${good}\u0000`, good + ' '.repeat(60), '123456', '[]']
    for (const code of [...junk, '\ud800'.repeat(16), 'x'.repeat(1_000_000)]) {
      expect(matchingBackupCode(hashes, code)).toBeNull()
    }
    fc.assert(
      fc.property(anyText, (code) => {
        expect(matchingBackupCode(hashes, code)).toBeNull()
      }),
    )
  })

  it('know no code in letters that only fold to its own', () => {
    const some = hashBackupCodes(['kkkk-kkkk-kkkk-kkkk'])
    expect(matchingBackupCode(some, 'K'.repeat(16))).toBe(0)
    expect(matchingBackupCode(some, '\u212a'.repeat(16))).toBeNull()
  })

  it('that are not of our making are an error, not a refusal', () => {
    for (const text of ['', '[]', '{"v":2,"salt":"","hashes":[]}']) {
      expect(() => matchingBackupCode(text as Secret, codes[0] ?? '')).toThrow()
    }
    expect(() => hashBackupCodes(['hunter2'])).toThrow(RangeError)
  })
})
