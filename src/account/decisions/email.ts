/**
 * Changing the e-mail address: asked for with the password, and confirmed from both mailboxes, in any order. The old
 * one has a say because whoever holds the address can reset the password; the new one because it must exist.
 */
import { accept, type Circumstances, type CommandOf, type Decision, type Rejection, reject } from '../commands.ts'
import type { AccountState } from '../state.ts'
import { wrongGuess } from './guess.ts'

export const requestEmailChange = (
  { by, fact, email }: CommandOf<'requestEmailChange'>,
  state: AccountState,
  circumstances: Circumstances,
): Decision => {
  if (fact.passwordEventId !== (state.password?.eventId ?? null)) return reject({ code: 'fact-stale' })
  if (fact.kind === 'passwordMismatched') {
    const failure = { type: 'user.email:change_failed', data: { sessionId: by.sessionId } } as const
    return wrongGuess(failure, by, state, circumstances, { kind: 'wrongPassword' })
  }
  const until = refusedUntil(state, circumstances)
  if (until !== null) return reject({ code: 'too-many-requests', until })
  return accept([{ type: 'user.email:change_requested', data: {}, personal: { email } }])
}

/** Whoever has an account could otherwise have us mail any address, any number of times. null: not refused. */
const refusedUntil = ({ emailChangeRequests }: AccountState, { now, limits }: Circumstances): number | null => {
  const recent = emailChangeRequests.filter((at) => now - at < HOUR_MS)
  const standingInTheWay = recent.at(-limits.resetMailsPerHour)
  return standingInTheWay === undefined ? null : standingInTheWay + HOUR_MS
}

const HOUR_MS = 3_600_000

export const confirmEmailChange = (
  command: CommandOf<'confirmEmailChange'>,
  state: AccountState,
  circumstances: Circumstances,
): Decision => {
  const refusal = refuseEmailChange(command, state, circumstances)
  if (refusal !== null) return reject(refusal)
  const confirmed = { type: 'user.email:change_confirmed', data: { address: command.address } } as const
  if ((state.emailChange?.confirmed ?? []).length === 0) return accept([confirmed], { kind: 'halfConfirmed' })
  if (command.standing === 'taken') return reject({ code: 'token-invalid' })
  // Both were confirmed at once: the shell, which saw neither, has not filed the address yet.
  if (command.standing === 'notAsked') return reject({ code: 'fact-stale' })
  return accept([confirmed, { type: 'user.email:changed', data: {}, personal: { email: command.email } }])
}

/** Is this the change asked for last, in time, and not yet confirmed from this address? */
export const refuseEmailChange = (
  { changeId, address }: Pick<CommandOf<'confirmEmailChange'>, 'changeId' | 'address'>,
  { emailChange, status }: AccountState,
  { now, limits }: Circumstances,
): Rejection | null =>
  status === 'active' &&
  emailChange?.eventId === changeId &&
  now < emailChange.at + limits.resetTokenMs &&
  !emailChange.confirmed.includes(address)
    ? null
    : { code: 'token-invalid' }
