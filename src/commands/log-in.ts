/**
 * Signing in with a password. A known and an unknown address take the same way: admission, one hash, one record of a
 * failure, the same answers; only the place where failures are kept differs.
 */
import { randomUUID } from 'node:crypto'
import type { Secret } from '../account/events.ts'
import { identityOf } from '../accounts/identity.ts'
import type { Position } from '../event-store/port.ts'
import type { Challenge } from '../secrets/challenge.ts'
import { formatToken, hashTokenSecret, newTokenSecret } from '../secrets/session-token.ts'
import type { Standing } from './admission.ts'
import { checkPasswordOf } from './check-password.ts'
import { coarseClientOf } from './coarse-client.ts'
import type { CommandResult } from './command-bus.ts'
import { guardSignIn } from './guard-sign-in.ts'
import type { CommandContext } from './seal-events.ts'
import type { Services } from './services.ts'

export type LogInResult =
  | SignedIn
  /** The password was right. What comes next is sealed into a cookie. */
  | { readonly kind: 'secondFactorRequired'; readonly challenge: Challenge }
  | { readonly kind: 'refused' }
  | { readonly kind: 'throttled'; readonly until: number }

export interface SignedIn {
  readonly kind: 'signedIn'
  readonly sessionId: string
  readonly token: string
  readonly position: Position | null
}

const NOBODY = '00000000-0000-4000-8000-000000000000'

type Context = Omit<CommandContext, 'actor' | 'sessionId'>

export const logIn = async (
  services: Services,
  input: { readonly email: string; readonly password: string },
  context: Context,
): Promise<LogInResult> => {
  const lookup = services.vault.lookupOf(input.email)
  const userId = await findOwner(services, lookup, input.email)
  if (userId === null) return logInToNothing(services, lookup, input.password)
  const guarded = await guardSignIn(services, userId, () => attemptLogIn(services, userId, input.password, context))
  return guarded.kind === 'throttled' ? guarded : guarded.value
}

/**
 * The user whose account exists and holds this address now: a claim alone, or an address given up, is not enough. An
 * unknown address costs the same look at a stream, so it meets a store that is away just as a known one does.
 */
export const findOwner = async (
  services: Pick<Services, 'accounts' | 'vault'>,
  lookup: string,
  email: string,
): Promise<string | null> => {
  const userId = await services.vault.findUser(lookup)
  const account = await services.accounts.load(userId ?? NOBODY)
  const identity = userId === null ? null : await identityOf(services.vault, account)
  return identity?.email === email ? userId : null
}

const attemptLogIn = async (
  services: Services,
  userId: string,
  password: string,
  context: Context,
): Promise<LogInResult> => {
  const sessionId = randomUUID()
  const secret = newTokenSecret()
  const result = await services.bus.run({
    userId,
    context: { ...context, actor: { kind: 'user', id: userId }, sessionId: null },
    async establish(account) {
      const { fact, hash } = await checkPasswordOf(services, account, password)
      const stronger = fact.kind === 'passwordMatched' && services.hasher.needsRehash(hash)
      return {
        kind: 'logIn',
        fact,
        sessionId,
        tokenHash: hashTokenSecret(secret),
        client: coarseClientOf(context.client),
        ...(stronger ? { strongerHash: (await services.hasher.hash(password)) as Secret } : {}),
      }
    },
  })
  if (result.kind === 'accepted' && result.outcome.kind === 'secondFactorRequired') {
    const expiresAt = services.now() + services.limits.challengeMs
    const { credentialEpoch } = result.outcome
    return {
      kind: 'secondFactorRequired',
      challenge: { userId, challengeId: randomUUID(), credentialEpoch, expiresAt },
    }
  }
  return signedIn(services, result, { userId, secret }) ?? refusalOf(result)
}

/** null: it did not come to that. */
export const signedIn = (
  { activity, now }: Services,
  result: CommandResult,
  { userId, secret }: { readonly userId: string; readonly secret: Buffer },
): SignedIn | null => {
  if (result.kind !== 'accepted' || result.outcome.kind !== 'signedIn') return null
  const { sessionId } = result.outcome
  // Noted as a use, so that the sweeper knows of a session that is never used again.
  activity.touch({ sessionId, userId, signedInAt: now() }, now())
  const token = formatToken({ userId, sessionId, generation: 0, secret })
  return { kind: 'signedIn', sessionId, token, position: result.position }
}

const refusalOf = (result: CommandResult): LogInResult =>
  result.kind === 'rejected' && result.rejection.code === 'login-throttled'
    ? { kind: 'throttled', until: result.rejection.until }
    : { kind: 'refused' }

const logInToNothing = async (services: Services, lookup: string, password: string): Promise<LogInResult> => {
  const { limits, now, throttles } = services
  let lockedUntil = 0
  const standing = async (): Promise<Standing> => {
    const found = await throttles.standing(lookup, now())
    lockedUntil = found.lockedUntil
    return lockedUntil > 0 ? { kind: 'closed' } : { kind: 'open', failures: found.failures }
  }
  const attempt = async (): Promise<LogInResult> => {
    await services.hasher.verifyNothing(password)
    const before = await throttles.fail(lookup, now())
    return before.lockedUntil > 0 ? { kind: 'throttled', until: before.lockedUntil } : { kind: 'refused' }
  }
  const result = await services.admission.run(`address ${lookup}`, limits.lockAfterFailures, standing, attempt)
  return result ?? { kind: 'throttled', until: lockedUntil }
}
