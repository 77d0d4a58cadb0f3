/**
 * A command from inside a session that checks a secret. Checks count on the session: its own failures and its own
 * checks under way, so that a stolen session cannot guess side by side what it may not guess one after another.
 */
import { authorise } from '../account/authorise.ts'
import type { Rejection, SessionClaim } from '../account/commands.ts'
import { guessesOf } from '../account/decisions/guess.ts'
import type { Secret } from '../account/events.ts'
import { formatToken, hashTokenSecret, newTokenSecret } from '../secrets/session-token.ts'
import type { Standing } from './admission.ts'
import type { Authenticated } from './authenticate.ts'
import type { CommandResult } from './command-bus.ts'
import type { Services } from './services.ts'

/** `attempt` runs the command. Throws Overloaded where too many checks of this session wait. */
export const guardGuesses = async (
  services: Services,
  who: Authenticated,
  attempt: () => Promise<CommandResult>,
): Promise<CommandResult> => {
  const limit = services.limits.lockAfterFailures
  const admitted = await admit(services, who, { key: `session ${who.session.id}`, limit }, attempt)
  return admitted.kind === 'refused' ? { kind: 'rejected', rejection: admitted.rejection } : admitted.value
}

export type Admitted<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'refused'; readonly rejection: Rejection }

/**
 * Work that costs a hash before anything about the command was decided: one piece of a session at a time, or a single
 * client would fill the queue that everybody's log-in waits in. Nothing is hashed for a session that has ended.
 */
export const hashInTurn = <T>(services: Services, who: Authenticated, work: () => Promise<T>): Promise<Admitted<T>> =>
  admit(services, who, { key: `hashes of session ${who.session.id}`, limit: 1 }, work)

const admit = async <T>(
  services: Services,
  { account, session }: Authenticated,
  { key, limit }: { readonly key: string; readonly limit: number },
  work: () => Promise<T>,
): Promise<Admitted<T>> => {
  const claim: SessionClaim = { sessionId: session.id, generation: session.generation }
  let refusal: Rejection = { code: 'unauthenticated' }
  const standing = async (): Promise<Standing> => {
    const { state } = await services.accounts.load(account.userId)
    const refused = authorise(state, claim, { now: services.now(), limits: services.limits })
    if (refused === null) return { kind: 'open', failures: guessesOf(state, session.id) }
    refusal = refused
    return { kind: 'closed' }
  }
  const result = await services.admission.run(key, limit, standing, async () => ({ value: await work() }))
  return result === null ? { kind: 'refused', rejection: refusal } : { kind: 'done', value: result.value }
}

export interface NewToken {
  readonly tokenHash: Secret
  /** For the cookie, once the command that rotates the session's token is accepted. */
  readonly token: string
}

export const nextToken = ({ account, session }: Authenticated): NewToken => {
  const secret = newTokenSecret()
  return {
    tokenHash: hashTokenSecret(secret),
    token: formatToken({
      userId: account.userId,
      sessionId: session.id,
      generation: session.generation + 1,
      secret,
    }),
  }
}
