/** The second step of signing in: a code of the second factor, for a password that was right a moment ago. */
import { randomUUID } from 'node:crypto'
import { isVoid } from '../account/decisions/sign-in.ts'
import type { Challenge } from '../secrets/challenge.ts'
import { hashTokenSecret, newTokenSecret } from '../secrets/session-token.ts'
import { type CodeMethod, checkCodeOf } from './check-code.ts'
import { coarseClientOf } from './coarse-client.ts'
import { guardSignIn } from './guard-sign-in.ts'
import { type SignedIn, signedIn } from './log-in.ts'
import type { CommandContext } from './seal-events.ts'
import type { Services } from './services.ts'

export type CompleteLogInResult =
  | SignedIn
  | { readonly kind: 'wrongCode' }
  | { readonly kind: 'challengeExpired' }
  | { readonly kind: 'throttled'; readonly until: number }

type Context = Omit<CommandContext, 'actor' | 'sessionId'>

export const completeLogIn = async (
  services: Services,
  challenge: Challenge,
  proof: { readonly method: CodeMethod; readonly code: string },
  context: Context,
): Promise<CompleteLogInResult> => {
  if (services.now() >= challenge.expiresAt) return { kind: 'challengeExpired' }
  const { userId, challengeId, credentialEpoch } = challenge
  const left = { id: challengeId, credentialEpoch }
  // A challenge that is void gets no code checked: it would not be counted.
  const { state } = await services.accounts.load(userId)
  if (state.status !== 'active' || isVoid(left, state)) return { kind: 'challengeExpired' }
  const guarded = await guardSignIn(services, userId, () => attempt(services, userId, left, proof, context))
  return guarded.kind === 'throttled' ? guarded : guarded.value
}

const attempt = async (
  services: Services,
  userId: string,
  challenge: { readonly id: string; readonly credentialEpoch: number },
  { method, code }: { readonly method: CodeMethod; readonly code: string },
  context: Context,
): Promise<CompleteLogInResult> => {
  const sessionId = randomUUID()
  const secret = newTokenSecret()
  const result = await services.bus.run({
    userId,
    context: { ...context, actor: { kind: 'user', id: userId }, sessionId: null },
    establish: async (account) => ({
      kind: 'completeLogIn',
      challenge,
      fact: await checkCodeOf(services, account, method, code),
      sessionId,
      tokenHash: hashTokenSecret(secret),
      client: coarseClientOf(context.client),
    }),
  })
  if (result.kind === 'rejected') {
    const { rejection } = result
    return rejection.code === 'login-throttled'
      ? { kind: 'throttled', until: rejection.until }
      : { kind: 'challengeExpired' }
  }
  return signedIn(services, result, { userId, secret }) ?? { kind: 'wrongCode' }
}
