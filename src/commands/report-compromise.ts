/** "This was not me": the link in a notice was used, by whoever reads the owner's mail. */
import { isFromFormerAddress, refuseReport } from '../account/decisions/compromise.ts'
import type { Account } from '../accounts/accounts.ts'
import { openPersonalOf } from '../accounts/identity.ts'
import { openToken } from '../mailer/link-tokens.ts'
import { fileAddressOf } from './change-email.ts'
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
  const result = await services.bus.run({
    userId,
    context: { ...context, actor: { kind: 'user', id: userId }, sessionId: null },
    establish: async (account) => ({
      kind: 'reportCompromise',
      eventId,
      at,
      ...(await restorable(services, account, link)),
    }),
  })
  // As after every change of address: the look-up follows the history.
  await fileAddressOf(services, userId)
  return result
}

/** The address is filed before the event that gives it back, as at every change. */
const restorable = async (
  { vault, limits, now }: Services,
  { userId, state }: Account,
  link: { readonly eventId: string; readonly at: number },
) => {
  const isRefused = refuseReport(link, state, { now: now(), limits }) !== null
  if (isRefused || !isFromFormerAddress(link, state)) return {}
  const email = (await openPersonalOf(vault, userId, state.formerEmail?.address ?? null))?.email
  if (email === undefined) return {}
  const isFiled = await vault.claimAnother(userId, vault.lookupOf(email))
  return { restore: { email, standing: isFiled ? ('filed' as const) : ('taken' as const) } }
}
