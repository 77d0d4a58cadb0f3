import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import fc from 'fast-check'
import geoip from 'geoip-lite'
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { openGeoData } from '../../src/client-context/geo-data.ts'
import type { Location } from '../../src/client-context/location.ts'

const data = openGeoData()

/** What the package itself answers, by the same rule for what is not known. */
const byPackage = (ip: string): Location | null => {
  const found = geoip.lookup(ip)
  const text = (value: string) => value.replace(/\ufffd+$/, '').trim() || null
  return found?.country ? { country: found.country, region: text(found.region), city: text(found.city) } : null
}

const fileOf = (name: string): Buffer => readFileSync(createRequire(import.meta.url).resolve(`geoip-lite/data/${name}`))

/** First and last addresses of listed ranges, and their neighbours: where a search goes wrong if it does. */
const edges = (file: Buffer, bytes: number, addressBytes: number) =>
  fc
    .record({ record: fc.nat(file.length / bytes - 1), last: fc.boolean(), off: fc.integer({ min: -1, max: 1 }) })
    .map(({ record, last, off }) => {
      const at = record * bytes + (last ? addressBytes : 0)
      const address = BigInt(`0x${file.toString('hex', at, at + addressBytes)}`)
      // IPv6 is told apart by its first 64 bits.
      const moved = address + BigInt(off) * (addressBytes === 4 ? 1n : 1n << 64n)
      return BigInt.asUintN(addressBytes * 8, moved)
    })
    .map((address) => {
      const hex = address.toString(16).padStart(addressBytes * 2, '0')
      return ipaddr.fromByteArray([...Buffer.from(hex, 'hex')]).toString()
    })

const isPublic = (ip: string): boolean => ipaddr.process(ip).range() === 'unicast'

describe('the location data', () => {
  it.each([
    ['IPv4 addresses', fc.ipV4()],
    ['the ends of ranges of IPv4', edges(fileOf('geoip-city.dat'), 24, 4)],
    ['the ends of ranges of IPv6', edges(fileOf('geoip-city6.dat'), 48, 16)],
    ['IPv6 addresses', fc.bigInt({ min: 0n, max: (1n << 29n) - 1n }).map((n) => toIpv6(0x2000_0000n + n))],
  ])('say of %s what the package says', (_, addresses) => {
    fc.assert(
      fc.property(addresses.filter(isPublic), (ip) => {
        expect(data.find(ip)).toEqual(byPackage(ip))
      }),
      { numRuns: 1_000 },
    )
  })

  it('know nothing of addresses before the first and behind the last range', () => {
    for (const ip of ['0.0.0.0', '255.255.255.255', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff']) {
      expect(data.find(ip)).toBeNull()
    }
  })
})

const toIpv6 = (start: bigint): string => `${(start >> 16n).toString(16)}:${(start & 0xffffn).toString(16)}::1`
