/**
 * Signing in with a password. A known and an unknown address take the same way: admission, one hash, one record of a
 * failure, the same answers; only the place where failures are kept differs.
 */
import { randomUUID } from 'node:crypto'
import type { Secret } from '../account/events.ts'
import { countedFailures } from '../account/throttle.ts'
import { identityOf } from '../accounts/identity.ts'
import type { Position } from '../event-store/port.ts'
import { formatToken, hashTokenSecret, newTokenSecret } from '../secrets/session-token.ts'
import type { Standing } from './admission.ts'
import { checkPasswordOf } from './check-password.ts'
import type { CommandResult } from './command-bus.ts'
import type { CommandContext } from './seal-events.ts'
import type { Services } from './services.ts'

export type LogInResult =
  | {
      readonly kind: 'signedIn'
      readonly sessionId: string
      readonly token: string
      readonly position: Position | null
    }
  | { readonly kind: 'refused' }
  | { readonly kind: 'throttled'; readonly until: number }

const NOBODY = '00000000-0000-4000-8000-000000000000'

type Context = Omit<CommandContext, 'actor' | 'sessionId'>

export const logIn = async (
  services: Services,
  input: { readonly email: string; readonly password: string },
  context: Context,
): Promise<LogInResult> => {
  const lookup = services.vault.lookupOf(input.email)
  const userId = await findOwner(services, lookup, input.email)
  return userId === null
    ? logInToNothing(services, lookup, input.password)
    : logInToAccount(services, { userId, lookup, password: input.password }, context)
}

/** The user whose account exists and holds this address now: a claim alone, or an address given up, is not enough. */
const findOwner = async (services: Services, lookup: string, email: string): Promise<string | null> => {
  const userId = await services.vault.findUser(lookup)
  if (userId === null) {
    // A look at a stream that does not exist: an unknown address meets a store that is away just as a known one does.
    await services.accounts.load(NOBODY)
    return null
  }
  const identity = await identityOf(services.vault, await services.accounts.load(userId))
  return identity?.email === email ? userId : null
}

const logInToAccount = async (
  services: Services,
  { userId, lookup, password }: { readonly userId: string; readonly lookup: string; readonly password: string },
  context: Context,
): Promise<LogInResult> => {
  const { limits, now } = services
  let lockedUntil = 0
  const standing = async (): Promise<Standing> => {
    const { state } = await services.accounts.load(userId)
    lockedUntil = state.lockedUntil
    if (lockedUntil > now()) return { kind: 'closed' }
    return { kind: 'open', failures: countedFailures(state.failures, now(), limits) }
  }
  const attempt = () => attemptLogIn(services, userId, password, context)
  const result = await services.admission.run(lookup, limits.lockAfterFailures, standing, attempt)
  return result ?? { kind: 'throttled', until: lockedUntil }
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
        ...(stronger ? { strongerHash: (await services.hasher.hash(password)) as Secret } : {}),
      }
    },
  })
  return answer(result, () => formatToken({ userId, sessionId, generation: 0, secret }))
}

const answer = (result: CommandResult, token: () => string): LogInResult => {
  if (result.kind === 'accepted' && result.outcome.kind === 'signedIn') {
    return { kind: 'signedIn', sessionId: result.outcome.sessionId, token: token(), position: result.position }
  }
  if (result.kind === 'rejected' && result.rejection.code === 'login-throttled') {
    return { kind: 'throttled', until: result.rejection.until }
  }
  return { kind: 'refused' }
}

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
  const result = await services.admission.run(lookup, limits.lockAfterFailures, standing, attempt)
  return result ?? { kind: 'throttled', until: lockedUntil }
}
