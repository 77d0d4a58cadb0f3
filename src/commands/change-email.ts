/**
 * Changing the e-mail address. The events say which address an account has; the vault's look-up follows them: the new
 * address is filed before the event that makes it the account's, so that it cannot belong to two, and the old one is
 * given up after it. A crash in between leaves an address filed that is not the account's: it signs nobody in, and the
 * link, used again, puts it right.
 */
import type { Outcome } from '../account/commands.ts'
import { refuseEmailChange } from '../account/decisions/email.ts'
import type { Account } from '../accounts/accounts.ts'
import { identityOf, openPersonalOf } from '../accounts/identity.ts'
import { openToken } from '../mailer/link-tokens.ts'
import type { Standing } from './admission.ts'
import { runBySession, type SessionRequest } from './by-session.ts'
import { checkPasswordOf } from './check-password.ts'
import type { Answer, CommandResult } from './command-bus.ts'
import { guardGuesses } from './in-session.ts'
import type { CommandContext } from './seal-events.ts'
import type { Services } from './services.ts'

export type RequestEmailChangeResult =
  | { readonly kind: 'ownAddress' }
  | { readonly kind: 'ran'; readonly result: CommandResult }

/** Whether the new address belongs to somebody else is not even looked at: that would tell. */
export const requestEmailChange = async (
  services: Services,
  request: SessionRequest,
  { newEmail, password }: { readonly newEmail: string; readonly password: string },
  answer: (outcome: Outcome) => Answer,
): Promise<RequestEmailChangeResult> => {
  const identity = await identityOf(services.vault, request.who.account)
  // A repeat that comes after the change was confirmed is told what it was told first.
  if (identity?.email === newEmail && !isRepeat(request)) return { kind: 'ownAddress' }
  const establish = async (account: Account) => {
    const { fact } = await checkPasswordOf(services, account, password)
    return { kind: 'requestEmailChange', fact, email: newEmail } as const
  }
  const attempt = () => runBySession(services, request, establish, answer)
  return { kind: 'ran', result: await guardGuesses(services, request.who, attempt) }
}

const isRepeat = ({ who, repeat }: SessionRequest): boolean =>
  who.account.state.recentCommands.some(({ commandId }) => commandId === repeat?.commandId)

/** Accepted with `halfConfirmed` or `done`; rejected as `token-invalid` also where the address is taken by now. */
export const confirmEmailChange = async (
  services: Services,
  token: string,
  context: Context,
): Promise<CommandResult> => {
  const link = openLink(services, token)
  if (link === null) return refused
  // One at a time per account: what one of them files must not be given up by another in between.
  const turn = () => confirm(services, link, context)
  return (await services.admission.run(`email ${link.userId}`, 1, alwaysOpen, turn)) ?? refused
}

type Context = Omit<CommandContext, 'actor' | 'sessionId'>

const refused: CommandResult = { kind: 'rejected', rejection: { code: 'token-invalid' } }
const alwaysOpen = async (): Promise<Standing> => ({ kind: 'open', failures: 0 })

interface Link {
  readonly userId: string
  readonly changeId: string
  /** Whose mailbox the link was read in. */
  readonly address: 'old' | 'new'
}

const openLink = ({ vault }: Services, token: string): Link | null => {
  for (const address of ['old', 'new'] as const) {
    const opened = openToken(vault.key('links'), `email-${address}`, token)
    if (opened !== null) return { userId: opened.userId, changeId: opened.eventId, address }
  }
  return null
}

const confirm = async (services: Services, link: Link, context: Context): Promise<CommandResult> => {
  const { userId } = link
  const result = await services.bus.run({
    userId,
    context: { ...context, actor: { kind: 'user', id: userId }, sessionId: null },
    async establish({ state }) {
      const command = { kind: 'confirmEmailChange', changeId: link.changeId, address: link.address } as const
      const limits = { now: services.now(), limits: services.limits }
      const isOver = refuseEmailChange(link, state, limits) !== null
      const requested = isOver ? null : await openPersonalOf(services.vault, userId, state.emailChange?.address ?? null)
      if (requested?.email === undefined) return { ...command, email: '', standing: 'notAsked' }
      const { email } = requested
      if (state.emailChange?.confirmed.length !== 1) return { ...command, email, standing: 'notAsked' }
      const isFiled = await services.vault.claimAnother(userId, services.vault.lookupOf(email))
      return { ...command, email, standing: isFiled ? 'filed' : 'taken' }
    },
  })
  await fileAddressOf(services, userId)
  return result
}

/**
 * Files the address that the history says the account has, and no other. Not while a change is under way: another
 * process may just have filed the new address for it.
 */
export const fileAddressOf = async (services: Services, userId: string): Promise<void> => {
  const { vault, accounts, limits, now } = services
  const account = await accounts.load(userId)
  const { emailChange } = account.state
  if (emailChange !== null && now() < emailChange.at + limits.resetTokenMs) return
  const identity = await identityOf(vault, account)
  if (identity === null) return
  const lookup = vault.lookupOf(identity.email)
  if (await vault.claimAnother(userId, lookup)) await vault.keepOnly(userId, lookup)
  // Another process may have finished a whole change in between, and what it filed was given up just now.
  const after = await accounts.load(userId)
  if (after.state.email?.eventId !== account.state.email?.eventId) await fileAddressOf(services, userId)
}
