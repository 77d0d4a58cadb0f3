/**
 * "This was not me", said by who reads the owner's mail. Whoever is in the account is put out, the password opens
 * nothing until it is reset, and the reset is on its way: in one append, so that nobody slips through in between.
 */
import { accept, type Circumstances, type CommandOf, type Decision, type Rejection, reject } from '../commands.ts'
import type { NewAccountEvent } from '../events.ts'
import type { AccountState } from '../state.ts'
import { resetRequested } from './password.ts'

export const reportCompromise = (
  command: CommandOf<'reportCompromise'>,
  state: AccountState,
  circumstances: Circumstances,
): Decision => {
  const refusal = refuseReport(command, state, circumstances)
  if (refusal !== null) return reject(refusal)
  const ending: readonly NewAccountEvent[] = [
    { type: 'user:compromise_reported', data: { eventId: command.eventId } },
    ...state.sessions.map(
      ({ id }): NewAccountEvent => ({ type: 'user.session:revoked', data: { sessionId: id, by: 'owner' } }),
    ),
  ]
  if (!isFromFormerAddress(command, state)) return accept([...ending, resetRequested])
  if (command.restore === undefined) return reject({ code: 'fact-stale' })
  // Whoever has the account's address now is who the report is about: no link must go there.
  if (command.restore.standing === 'taken') return accept(ending)
  return accept([
    ...ending,
    { type: 'user.email:restored', data: {}, personal: { email: command.restore.email } },
    resetRequested,
  ])
}

/**
 * The mail about what happened before the address changed, or about the change itself, went to the address of before.
 * A link's time has whole seconds.
 */
export const isFromFormerAddress = (
  { at }: Pick<CommandOf<'reportCompromise'>, 'at'>,
  { formerEmail }: AccountState,
): boolean => formerEmail !== null && at <= formerEmail.until

/** Each link works once, and not for ever: who finds the mail next year must not be able to shut the owner out. */
export const refuseReport = (
  { eventId, at }: Pick<CommandOf<'reportCompromise'>, 'eventId' | 'at'>,
  state: AccountState,
  { now, limits }: Circumstances,
): Rejection | null =>
  state.status === 'active' && now < at + limits.notMeMs && !state.reported.includes(eventId)
    ? null
    : { code: 'token-invalid' }
