/** The way of authenticating by an access token: `Authorization: Bearer <token>` (RFC 6750). */
import { type AccessTokens, isScope } from '../../secrets/access-tokens.ts'
import type { Authenticator } from '../authenticator.ts'
import { Problem } from '../problem.ts'
import type { Ways } from './api.ts'

export const tokenAuthenticator = (tokens: Pick<AccessTokens, 'check'>): Authenticator<Ways['token']> => ({
  credential: 'explicit',
  scheme: { type: 'http', scheme: 'bearer', description: 'An access token made by `npm run token -- create`.' },
  problems: { 401: ['unauthenticated'], 403: ['insufficient-scope'], 503: ['store-unavailable'] },
  async authenticate(request, needed) {
    const header = request.header('Authorization')
    // Who sent nothing is told how to ask; who sent something, that it is not good (RFC 6750, section 3.1).
    if (header === undefined) throw unauthenticated(CHALLENGE)
    const token = BEARER.exec(header)?.[1]
    const holder = token === undefined ? null : await tokens.check(token)
    if (holder === null) throw unauthenticated(`${CHALLENGE}, error="invalid_token"`)
    if (!needed.every((scope) => isScope(scope) && holder.scopes.includes(scope))) throw insufficient(needed)
    return holder
  },
})

const CHALLENGE = 'Bearer realm="strongroom"'
/** The scheme's name in any case (RFC 9110, section 11.1). */
const BEARER = /^bearer +([\w.~+/-]+=*)$/i

const unauthenticated = (challenge: string): Problem =>
  new Problem(401, 'unauthenticated', { headers: { 'WWW-Authenticate': challenge } })

const insufficient = (needed: readonly string[]): Problem =>
  new Problem(403, 'insufficient-scope', {
    detail: `The access token is valid but was not issued for this call, which needs the scope ${needed.join(' and ')}.`,
    headers: {
      'WWW-Authenticate': `${CHALLENGE}, error="insufficient_scope", scope="${needed.join(' ')}"`,
    },
  })
