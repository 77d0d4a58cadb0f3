import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet from 'helmet'

export type Headers = ReadonlyArray<readonly [name: string, value: string]>

/**
 * The headers every answer carries. Helmet is asked once and its answer kept: the values never change, and the
 * refusals that are written to the bare socket need them as well.
 */
export function securityHeaders(): Headers {
  const headers = new Map<string, string>()
  const recorder = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    removeHeader: (name: string) => headers.delete(name),
  }
  const middleware = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: apiPolicy },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: true },
  })
  middleware({} as IncomingMessage, recorder as unknown as ServerResponse, (error?: unknown) => {
    if (error !== undefined) throw error
  })
  // Answers are personal unless one says otherwise: a shared cache must never keep them.
  headers.set('Cache-Control', 'no-store')
  return [...headers]
}

const apiPolicy = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
}
