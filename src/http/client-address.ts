import { isIP } from 'node:net'
import type { Request } from 'express'
import ipaddr from 'ipaddr.js'

/**
 * The address of the client: the socket's, or what trusted proxies (`trust proxy`: explicit CIDRs) say in
 * X-Forwarded-For. One spelling per address, so that limits cannot be dodged by writing it differently.
 * '' when the socket is gone already.
 */
export function clientAddress(request: Request): string {
  // Behind a trusted proxy that passes junk on, the nearest address that is one counts: never the junk.
  return normalAddress(request.ip) ?? normalAddress(request.socket.remoteAddress) ?? ''
}

/** `::ffff:a.b.c.d` becomes `a.b.c.d`, IPv6 as RFC 5952 spells it, zones dropped; undefined if it is no address. */
export function normalAddress(text: string | undefined): string | undefined {
  const address = text?.split('%', 1)[0]
  // isIP first: ipaddr.js alone would also take octal and shortened IPv4.
  if (address === undefined || isIP(address) === 0) return undefined
  return ipaddr.process(address).toString()
}
