import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * One spelling per address, so that a person, a throttle and a filter see one client as one: IPv4 inside IPv6
 * (`::ffff:1.2.3.4`) becomes IPv4, a zone id is cut, IPv6 is lower case and compressed (RFC 5952).
 * What is no address, as a socket that is gone already gives, becomes `unknown`.
 */
export const normaliseIp = (raw: string | undefined): string => parse(raw)?.toString() ?? 'unknown'

/**
 * Whether the address belongs to one place on the public Internet. Private, loopback, link-local, carrier-grade NAT,
 * documentation, multicast and translated ranges do not, and neither does what is no address.
 */
export const isPublicIp = (ip: string): boolean => parse(ip)?.range() === 'unicast'

const parse = (raw: string | undefined): ipaddr.IPv4 | ipaddr.IPv6 | null => {
  const address = raw?.replace(/%.*$/s, '') ?? ''
  // The library alone would also read the historic forms `0x7f.1` and `2130706433`, which no socket and no proxy writes.
  return isIP(address) === 0 ? null : ipaddr.process(address)
}
