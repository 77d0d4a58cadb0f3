/** Changing the password from inside a session: the current one is checked, the new one weighed, the token rotated. */

import { authorise } from '../account/authorise.ts'
import type { Outcome, Rejection } from '../account/commands.ts'
import type { Secret } from '../account/events.ts'
import { identityOf } from '../accounts/identity.ts'
import { checkPassword, type PasswordProblem } from '../secrets/password-policy.ts'
import { formatToken, hashTokenSecret, newTokenSecret } from '../secrets/session-token.ts'
import type { Standing } from './admission.ts'
import { runBySession, type SessionRequest } from './by-session.ts'
import { checkPasswordOf, compareNewPassword } from './check-password.ts'
import type { Answer, CommandResult } from './command-bus.ts'
import type { Services } from './services.ts'

export interface PasswordChange {
  readonly currentPassword: string
  readonly newPassword: string
  readonly keepOtherSessions: boolean
}

export type ChangePasswordResult =
  | { readonly kind: 'passwordRefused'; readonly problems: readonly PasswordProblem[] }
  /** `token`: of the rotated session, for the cookie; only where the change is accepted now. */
  | { readonly kind: 'ran'; readonly result: CommandResult; readonly token: string }

export const changePassword = async (
  services: Services,
  request: SessionRequest,
  change: PasswordChange,
  answer: (outcome: Outcome) => Answer,
): Promise<ChangePasswordResult> => {
  const { account, session } = request.who
  const identity = await identityOf(services.vault, account)
  const problems = checkPassword(services.passwordPolicy, change.newPassword, {
    ...(identity === null ? {} : { email: identity.email }),
    ...(identity?.name == null ? {} : { name: identity.name }),
  })
  if (problems.length > 0) return { kind: 'passwordRefused', problems }

  const secret = newTokenSecret()
  const claim = { sessionId: session.id, generation: session.generation }
  let refusal: Rejection = { code: 'unauthenticated' }
  // Checks count on the session: its own failures, and its own checks under way.
  const standing = async (): Promise<Standing> => {
    const { state } = await services.accounts.load(account.userId)
    const refused = authorise(state, claim, { now: services.now(), limits: services.limits })
    if (refused !== null) {
      refusal = refused
      return { kind: 'closed' }
    }
    return { kind: 'open', failures: state.sessions.find(({ id }) => id === session.id)?.failures ?? 0 }
  }
  const attempt = () => attemptChange(services, request, change, secret, answer)
  const limit = services.limits.lockAfterFailures
  const result = await services.admission.run(`session ${session.id}`, limit, standing, attempt)
  return {
    kind: 'ran',
    result: result ?? { kind: 'rejected', rejection: refusal },
    token: formatToken({ ...claim, userId: account.userId, generation: session.generation + 1, secret }),
  }
}

const attemptChange = (
  services: Services,
  request: SessionRequest,
  { currentPassword, newPassword, keepOtherSessions }: PasswordChange,
  secret: Buffer,
  answer: (outcome: Outcome) => Answer,
): Promise<CommandResult> =>
  runBySession(
    services,
    request,
    async (account) => {
      const { fact } = await checkPasswordOf(services, account, currentPassword)
      const command = {
        kind: 'changePassword',
        fact,
        tokenHash: hashTokenSecret(secret),
        keepOtherSessions,
      } as const
      if (fact.kind === 'passwordMismatched') return command
      const fresh = await compareNewPassword(services, account, { current: currentPassword, next: newPassword })
      if (fresh.reuses !== null) return { ...command, fresh }
      return { ...command, fresh, passwordHash: (await services.hasher.hash(newPassword)) as Secret }
    },
    answer,
  )
