import type { IncomingHttpHeaders } from 'node:http'

export interface OriginRule {
  /** Where browsers find us, for example `https://id.example`. */
  readonly publicOrigin: string
  /** Other origins whose pages may use this API with the user's cookies. */
  readonly allowedOrigins: ReadonlySet<string>
}

/**
 * Whether a request that would change something may come from where it says it comes from: the guard against
 * cross-site request forgery, of log-in as well. Browsers set both headers and pages cannot forge them; a client that
 * sends neither is no browser and carries no one else's cookies.
 */
export function originAllowed(rule: OriginRule, headers: IncomingHttpHeaders): boolean {
  const origin = headers.origin
  const site = headers['sec-fetch-site']
  if (origin !== undefined && rule.allowedOrigins.has(origin)) return true
  if (site !== undefined) return site === 'same-origin'
  return origin === undefined || origin === rule.publicOrigin
}

/** Methods that change nothing (RFC 9110, 9.2.1). */
export function isSafeMethod(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}
