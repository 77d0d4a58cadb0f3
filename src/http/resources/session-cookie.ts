/** The session cookie, and the way of authenticating by it. */
import { authenticate } from '../../commands/authenticate.ts'
import type { Services } from '../../commands/services.ts'
import type { Authenticator } from '../authenticator.ts'
import { clearedHostCookie, hostCookie } from '../cookies.ts'
import type { Ways } from './api.ts'
import { rejectionProblem } from './rejections.ts'

const SESSION_COOKIE = '__Host-session'

/** A browser opens its stream again by itself, and can send no header with it. */
const LISTENING = '/v1/me/events'

export const sessionCookie = (token: string): string => hostCookie(SESSION_COOKIE, token)
export const clearedSessionCookie = (): string => clearedHostCookie(SESSION_COOKIE)

export const sessionAuthenticator = (services: Services): Authenticator<Ways['session']> => ({
  credential: 'ambient',
  scheme: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE },
  problems: { 401: ['unauthenticated', 'session-expired', 'session-ended'], 503: ['store-unavailable'] },
  async authenticate(request) {
    const result = await authenticate(services, request.cookie(SESSION_COOKIE) ?? null, {
      // A page that polls or listens in the background must not keep an abandoned session alive.
      extend: request.header('X-Background') !== '1' && request.path !== LISTENING,
      correlationId: request.id,
    })
    if (result.kind === 'authenticated') return result.authenticated
    throw rejectionProblem(result.rejection, services.now())
  },
})
