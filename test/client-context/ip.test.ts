import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isPublicIp, normaliseIp } from '../../src/client-context/ip.ts'

describe('the address of a client', () => {
  it.each([
    ['1.2.3.4', '1.2.3.4'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::FFFF:0102:0304', '1.2.3.4'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::1%25\r\neth0', 'fe80::1'],
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::1', '::1'],
  ])('%j is written %s', (raw, written) => {
    expect(normaliseIp(raw)).toBe(written)
  })

  it.each([undefined, '', 'localhost', '0x7f.1', '2130706433', '127.1', '010.0.0.1', '1.2.3.4, 5.6.7.8', '::1\n'])(
    '%j is no address',
    (raw) => {
      expect(normaliseIp(raw)).toBe('unknown')
      expect(isPublicIp(raw ?? '')).toBe(false)
    },
  )

  it('is spelt in one way however often it is spelt anew', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (ip) => {
        const written = normaliseIp(ip)
        expect(written).not.toBe('unknown')
        expect(normaliseIp(written)).toBe(written)
        expect(written).toBe(written.toLowerCase())
      }),
    )
  })

  it('is the same inside IPv6 as outside', () => {
    fc.assert(
      fc.property(fc.ipV4(), (ip) => {
        expect(normaliseIp(`::ffff:${ip}`)).toBe(normaliseIp(ip))
      }),
    )
  })

  it.each(['8.8.8.8', '91.198.36.14', '2a00:1450:4001::1', '::ffff:8.8.8.8'])('%s is public', (ip) => {
    expect(isPublicIp(ip)).toBe(true)
  })

  it.each([
    ...[
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '127.0.0.1',
      '169.254.1.1',
      '100.64.0.1',
      '0.0.0.0',
      '255.255.255.255',
    ],
    ...['192.0.2.1', '203.0.113.7', '224.0.0.1', '::', '::1', 'fe80::1', 'fc00::1', 'ff02::1', '2001:db8::1'],
    ...['::ffff:10.0.0.1', '64:ff9b::a00:1', '2002:a00:1::1'],
  ])('%s is not public', (ip) => {
    expect(isPublicIp(ip)).toBe(false)
  })
})
