/** What operators do to accounts, by an access token or from a script on the machine. */
import type { Outcome } from '../account/commands.ts'
import { type OperatorRequest, runByOperator } from './by-operator.ts'
import type { Answer, CommandResult } from './command-bus.ts'
import type { Services } from './services.ts'

type Answering = (outcome: Outcome) => Answer

/**
 * An account without a password; the mail that follows lets its owner set one. The address is claimed as at a
 * registration, and a claim whose account never came is adopted. Rejected as `email-taken`.
 */
export const createUser = async (
  services: Pick<Services, 'bus' | 'vault'>,
  request: OperatorRequest,
  { email, name }: { readonly email: string; readonly name: string | null },
  answer: Answering,
): Promise<{ readonly userId: string; readonly result: CommandResult }> => {
  const { userId } = await services.vault.claim(services.vault.lookupOf(email))
  const establish = () => ({ kind: 'createUser', email, name }) as const
  return { userId, result: await runByOperator(services, request, userId, establish, answer) }
}

export type Operation = 'unlock' | 'revokeAllSessions' | 'disableTwoFactorOf'

/** Rejected as `account-not-found` or `two-factor-not-enabled`; accepted with `revoked` where sessions are. */
export const operate = (
  services: Pick<Services, 'bus'>,
  request: OperatorRequest,
  operation: Operation,
  userId: string,
  answer: Answering,
): Promise<CommandResult> => runByOperator(services, request, userId, () => ({ kind: operation }), answer)
