import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isWholeCode, tidyCode } from '../../web/src/password/code.ts'
import { type GuidanceContext, guide } from '../../web/src/password/guidance.ts'
import { manualParameters } from '../../web/src/password/otpauth.ts'

const context: GuidanceContext = {
  policy: { minLength: 12, maxLength: 128, composition: [] },
  email: 'ada.lovelace@example.com',
  current: null,
}
const unmet = (password: string, changes: Partial<GuidanceContext> = {}) =>
  guide(password, { ...context, ...changes })
    .rules.filter(({ met }) => !met)
    .map(({ rule }) => rule)

describe('what a new password lacks', () => {
  test('counts code points of the composed form, as the server does', () => {
    expect(unmet('😀'.repeat(11))).toEqual(['length'])
    expect(unmet('😀'.repeat(12))).toEqual([])
    expect(unmet('e\u0301'.repeat(11))).toEqual(['length'])
  })

  test('names a letter and a digit only where the policy asks for them', () => {
    const policy = { ...context.policy, composition: ['letter', 'digit'] as ('letter' | 'digit')[] }
    expect(unmet('!!!!????----', { policy })).toEqual(['letter', 'digit'])
    expect(unmet('!!!!????--ä7', { policy })).toEqual([])
  })

  test('names the own address, in whatever case, and not a short local part', () => {
    expect(unmet('xx ADA.Lovelace xx')).toEqual(['ownAddress'])
    expect(unmet('a bad moon rises', { email: 'bad@example.com' })).toEqual([])
  })

  test('names the current password', () => {
    expect(unmet('seven purple lanterns', { current: 'seven purple lanterns' })).toEqual(['different'])
    expect(unmet('seven purple lanterns', { current: '' })).toEqual([])
  })

  test('names what is too long', () => {
    expect(unmet('ab '.repeat(50))).toEqual(['tooLong'])
  })
})

describe('the strength', () => {
  test.for([
    ['', 0],
    ['short', 1],
    ['aaaaaaaaaaaa', 2],
    ['abcdefghijkl', 2],
    ['seven purple lanterns hum', 4],
  ] as const)('of "%s" is %d', ([password, strength]) => {
    expect(guide(password, context).strength).toBe(strength)
  })

  test('is never more than too weak for what the rules refuse', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (password) => {
        const { acceptable, strength } = guide(password, context)
        expect(strength >= 2).toBe(acceptable)
      }),
    )
  })
})

test('codes are sent without blanks, and only when they are whole', () => {
  expect(tidyCode(' 123\u00a0456 ')).toBe('123456')
  expect(isWholeCode('totp', '123 456')).toBe(true)
  expect(isWholeCode('totp', '12345')).toBe(false)
  expect(isWholeCode('totp', '１２３４５６')).toBe(false)
  expect(isWholeCode('backup_code', '7g4k-2xqm-v0ra-9d3e')).toBe(true)
  expect(isWholeCode('backup_code', '   ')).toBe(false)
})

test('what is typed instead of scanned is what the QR code says', () => {
  const uri =
    'otpauth://totp/Strong%20room:ada%40example.com?secret=ABC&issuer=Strong%20room&algorithm=SHA256&digits=8&period=60'
  expect(manualParameters(uri)).toEqual({
    account: 'ada@example.com',
    issuer: 'Strong room',
    algorithm: 'SHA256',
    digits: '8',
    period: '60',
  })
  expect(manualParameters('otpauth://totp/ada?secret=ABC')).toEqual({
    account: 'ada',
    issuer: '',
    algorithm: 'SHA1',
    digits: '6',
    period: '30',
  })
})
