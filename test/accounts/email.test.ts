import { describe, expect, it } from 'vitest'
import { emailSchema } from '../../src/accounts/email.ts'

describe('an e-mail address', () => {
  it('has one spelling: ASCII letters are small', () => {
    expect(emailSchema.parse('Ada.LOVELACE+x@Example.COM')).toBe('ada.lovelace+x@example.com')
  })

  it('reaches nobody else by look-alike or foreign letters: R11', () => {
    const lookAlikes = [
      'аda@example.com', // Cyrillic а
      'ada@examp\u217Ee.com', // Roman numeral ⅼ
      'ad\u0131@example.com', // dotless ı
      '\u212Aim@example.com', // Kelvin sign K, which toLowerCase makes a plain k
      'ada\uFF20example.com', // full-width @
      'ada@\u00E9xample.com',
      'a\u0301da@example.com',
    ]
    for (const address of lookAlikes) expect(emailSchema.safeParse(address).success).toBe(false)
  })

  it('is refused where it is none, with advice and without repeating it', () => {
    for (const junk of [
      '',
      'ada',
      'ada@',
      '@example.com',
      'a b@example.com',
      'ada@example.com\n',
      'ada@ex\0ample.com',
    ]) {
      const result = emailSchema.safeParse(junk)
      expect(result.success).toBe(false)
      expect(result.error?.issues[0]?.message).toBe('must be an e-mail address in ASCII, such as ada@example.com')
    }
  })

  it('has at most 254 characters', () => {
    const labels = `${'b'.repeat(60)}.`.repeat(9)
    const of = (length: number) => `${`${'a'.repeat(60)}@${labels}`.slice(0, length - 4)}.com`
    expect(of(254)).toHaveLength(254)
    expect(emailSchema.safeParse(of(254)).success).toBe(true)
    expect(emailSchema.safeParse(of(255)).success).toBe(false)
  })
})
