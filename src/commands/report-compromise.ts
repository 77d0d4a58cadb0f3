/** "This was not me": the link in a notice was used, by whoever reads the owner's mail. */
import { openToken } from '../mailer/link-tokens.ts'
import type { CommandResult } from './command-bus.ts'
import type { CommandContext } from './seal-events.ts'
import type { Services } from './services.ts'

export const reportCompromise = async (
  services: Services,
  token: string,
  context: Omit<CommandContext, 'actor' | 'sessionId'>,
): Promise<CommandResult> => {
  const link = openToken(services.vault.key('links'), 'not-me', token)
  if (link === null) return { kind: 'rejected', rejection: { code: 'token-invalid' } }
  const { userId, eventId, at } = link
  return services.bus.run({
    userId,
    context: { ...context, actor: { kind: 'user', id: userId }, sessionId: null },
    establish: () => ({ kind: 'reportCompromise', eventId, at }),
  })
}
