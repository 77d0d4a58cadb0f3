/** Changing the password from inside a session: the current one is checked, the new one weighed, the token rotated. */
import type { Outcome } from '../account/commands.ts'
import type { Secret } from '../account/events.ts'
import type { PasswordProblem } from '../secrets/password-policy.ts'
import { runBySession, type SessionRequest } from './by-session.ts'
import { checkPasswordOf, compareNewPassword } from './check-password.ts'
import type { Answer, CommandResult } from './command-bus.ts'
import { guardGuesses, type NewToken, nextToken } from './in-session.ts'
import type { Services } from './services.ts'
import { weighPassword } from './weigh-password.ts'

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
  const problems = await weighPassword(services, request.who.account, change.newPassword)
  if (problems.length > 0) return { kind: 'passwordRefused', problems }
  const next = nextToken(request.who)
  const attempt = () => attemptChange(services, request, change, next, answer)
  return { kind: 'ran', result: await guardGuesses(services, request.who, attempt), token: next.token }
}

const attemptChange = (
  services: Services,
  request: SessionRequest,
  { currentPassword, newPassword, keepOtherSessions }: PasswordChange,
  { tokenHash }: NewToken,
  answer: (outcome: Outcome) => Answer,
): Promise<CommandResult> =>
  runBySession(
    services,
    request,
    async (account) => {
      const { fact } = await checkPasswordOf(services, account, currentPassword)
      const command = { kind: 'changePassword', fact, tokenHash, keepOtherSessions } as const
      if (fact.kind === 'passwordMismatched') return command
      const fresh = await compareNewPassword(services, account, newPassword, { current: currentPassword })
      if (fresh.reuses !== null) return { ...command, fresh }
      return { ...command, fresh, passwordHash: (await services.hasher.hash(newPassword)) as Secret }
    },
    answer,
  )
