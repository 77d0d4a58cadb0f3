import { stringifySetCookie } from 'cookie'

/**
 * `Set-Cookie` for a cookie that only this host over TLS can set and read (RFC 6265bis, `__Host-` prefix). Without
 * `maxAgeSeconds` it lives as long as the browser's session.
 */
export function hostCookie(name: HostCookieName, value: string, maxAgeSeconds?: number): string {
  return stringifySetCookie({
    name,
    value,
    ...attributes,
    ...(maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds }),
  })
}

/** `Set-Cookie` that makes the browser forget the cookie. */
export function clearedHostCookie(name: HostCookieName): string {
  return stringifySetCookie({ name, value: '', ...attributes, maxAge: 0, expires: new Date(0) })
}

export type HostCookieName = `__Host-${string}`

const attributes = { httpOnly: true, secure: true, sameSite: 'lax', path: '/' } as const

/**
 * The value of a cookie as sent, not decoded; undefined when it is missing, empty, or there TWICE. A browser cannot
 * hold two `__Host-` cookies of one name, so a second one was planted by something in between: taking the first would
 * let the planter choose the session, so neither counts. Junk around it does no harm.
 */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined
  let found: string | undefined
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    // Only space and tab are trimmed: a name with other blanks before it is another name, whatever it looks like.
    if (equals < 0 || trimBlanks(pair.slice(0, equals)) !== name) continue
    if (found !== undefined) return undefined
    found = trimBlanks(pair.slice(equals + 1))
  }
  return found === '' ? undefined : found
}

function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start += 1
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
