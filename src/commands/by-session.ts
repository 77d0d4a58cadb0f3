/** What every command of a signed-in person has in common: who asks, and what was asked already under the same key. */
import type { Command, Outcome } from '../account/commands.ts'
import type { Account } from '../accounts/accounts.ts'
import type { Authenticated } from './authenticate.ts'
import type { Answer, CommandResult } from './command-bus.ts'
import type { CommandContext } from './seal-events.ts'
import type { Services } from './services.ts'

export interface SessionRequest {
  readonly who: Authenticated
  readonly context: Omit<CommandContext, 'actor' | 'sessionId'>
  readonly repeat?: { readonly commandId: string; readonly bodyHash: string }
}

type SessionCommand = Extract<Command, { readonly by: unknown }>
type WithoutClaim<C> = C extends unknown ? Omit<C, 'by' | 'repeat'> : never

/** `sudo`: refused outside the window that a recent proof of identity opens. */
export const runBySession = (
  services: Services,
  { who, context, repeat }: SessionRequest,
  establish: (account: Account) => WithoutClaim<SessionCommand> | Promise<WithoutClaim<SessionCommand>>,
  answer: (outcome: Outcome) => Answer,
  { sudo = false }: { readonly sudo?: boolean } = {},
): Promise<CommandResult> => {
  const { account, session } = who
  const by = { sessionId: session.id, generation: session.generation, ...(sudo ? { sudo: true as const } : {}) }
  return services.bus.run({
    userId: account.userId,
    context: { ...context, actor: { kind: 'user', id: account.userId }, sessionId: session.id },
    by,
    establish: async (fresh) => ({ ...(await establish(fresh)), by }) as SessionCommand,
    ...(repeat === undefined ? {} : { repeat: { ...repeat, answer } }),
  })
}
