/**
 * A command from inside a session that checks a secret. Checks count on the session: its own failures and its own
 * checks under way, so that a stolen session cannot guess side by side what it may not guess one after another.
 */
import { authorise } from '../account/authorise.ts'
import type { Rejection, SessionClaim } from '../account/commands.ts'
import type { Secret } from '../account/events.ts'
import { formatToken, hashTokenSecret, newTokenSecret } from '../secrets/session-token.ts'
import type { Standing } from './admission.ts'
import type { Authenticated } from './authenticate.ts'
import type { CommandResult } from './command-bus.ts'
import type { Services } from './services.ts'

/** `attempt` runs the command. Throws Overloaded where too many checks of this session wait. */
export const guardGuesses = async (
  services: Services,
  { account, session }: Authenticated,
  attempt: () => Promise<CommandResult>,
): Promise<CommandResult> => {
  const claim: SessionClaim = { sessionId: session.id, generation: session.generation }
  let refusal: Rejection = { code: 'unauthenticated' }
  const standing = async (): Promise<Standing> => {
    const { state } = await services.accounts.load(account.userId)
    const refused = authorise(state, claim, { now: services.now(), limits: services.limits })
    if (refused !== null) {
      refusal = refused
      return { kind: 'closed' }
    }
    return { kind: 'open', failures: state.sessions.find(({ id }) => id === session.id)?.failures ?? 0 }
  }
  const limit = services.limits.lockAfterFailures
  const result = await services.admission.run(`session ${session.id}`, limit, standing, attempt)
  return result ?? { kind: 'rejected', rejection: refusal }
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
