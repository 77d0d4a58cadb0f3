/** What every command of an operator has in common: the access token that asks, and what it asked before. */
import type { Command, Outcome } from '../account/commands.ts'
import type { Account } from '../accounts/accounts.ts'
import type { Answer, CommandResult } from './command-bus.ts'
import type { CommandContext } from './seal-events.ts'
import type { Services } from './services.ts'

export interface OperatorRequest {
  /** Id of the access token, or of what else an operator is known by. */
  readonly operatorId: string
  readonly context: Omit<CommandContext, 'actor' | 'sessionId'>
  readonly repeat?: { readonly commandId: string; readonly bodyHash: string }
}

type OperatorCommand = Extract<Command, { readonly as: unknown }>
type WithoutClaim<C> = C extends unknown ? Omit<C, 'as' | 'repeat'> : never

export const runByOperator = (
  { bus }: Pick<Services, 'bus'>,
  { operatorId, context, repeat }: OperatorRequest,
  userId: string,
  establish: (account: Account) => WithoutClaim<OperatorCommand>,
  answer: (outcome: Outcome) => Answer,
): Promise<CommandResult> =>
  bus.run({
    userId,
    context: { ...context, actor: { kind: 'operator', id: operatorId }, sessionId: null },
    as: 'operator',
    establish: (account) => ({ ...establish(account), as: 'operator' }) as OperatorCommand,
    ...(repeat === undefined ? {} : { repeat: { ...repeat, answer } }),
  })
