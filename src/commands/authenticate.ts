/**
 * Lets a request in, or not, by the account's own truth: the session is live in the state just read, and the token's
 * secret is the one it has now. No read model is asked and no verdict is remembered, so a revoke holds from the moment
 * it is in the store, on every node.
 */

import { authorise } from '../account/authorise.ts'
import type { Rejection } from '../account/commands.ts'
import type { Session } from '../account/state.ts'
import type { Account } from '../accounts/accounts.ts'
import { isTokenSecret, parseToken } from '../secrets/session-token.ts'
import { openCredentialOf } from './open-credential.ts'
import type { Services } from './services.ts'

export interface Authenticated {
  readonly account: Account
  readonly session: Session
}

export type AuthenticationResult =
  | { readonly kind: 'authenticated'; readonly authenticated: Authenticated }
  | { readonly kind: 'refused'; readonly rejection: Rejection }

/** `extend`: whether this request counts as use of the session. Throws StoreUnavailable. */
export const authenticate = async (
  services: Services,
  token: string | null,
  { extend, correlationId }: { readonly extend: boolean; readonly correlationId: string },
): Promise<AuthenticationResult> => {
  const claim = token === null ? null : parseToken(token)
  if (claim === null) return refuse({ code: 'unauthenticated' })
  const account = await services.accounts.load(claim.userId)
  const now = services.now()
  const rejection = authorise(account.state, claim, { now, limits: services.limits })
  const session = account.state.sessions.find(({ id }) => id === claim.sessionId)
  if (session === undefined) return refuse(rejection ?? { code: 'unauthenticated' })

  const credential = await openCredentialOf(services.vault, account.userId, session.token)
  const hash = credential?.tokenHash
  if (session.generation !== claim.generation || hash === undefined || !isTokenSecret(claim.secret, hash)) {
    return refuse({ code: 'unauthenticated' })
  }

  const access = { sessionId: session.id, userId: account.userId, signedInAt: session.signedInAt }
  const limit = rejection !== null ? 'absolute' : (await isIdle(services, access, now)) ? 'idle' : null
  if (limit !== null) {
    await expire(services, account, session, limit, correlationId)
    return refuse({ code: 'session-expired', limit })
  }
  if (extend) services.activity.touch(access, now)
  return { kind: 'authenticated', authenticated: { account, session } }
}

const isIdle = async (
  { activity, session }: Services,
  access: Parameters<Services['activity']['lastAccess']>[0],
  now: number,
): Promise<boolean> => now - (await activity.lastAccess(access, now)) >= session.idleMs

/** Whoever meets an expired session records its end. */
const expire = (
  { bus }: Services,
  { userId }: Account,
  { id }: Session,
  limit: 'idle' | 'absolute',
  correlationId: string,
) =>
  bus.run({
    userId,
    context: { actor: { kind: 'system', id: null }, correlationId, client: null, sessionId: null },
    establish: () => ({ kind: 'expireSession', sessionId: id, limit }),
  })

const refuse = (rejection: Rejection): AuthenticationResult => ({ kind: 'refused', rejection })
