/**
 * The decider: given what is asked and what the account is, which events follow, or why none do. Pure, and the only
 * place where a rule of the account is decided. It runs again, on fresh state, for every attempt to append, so what
 * it decides holds at the very revision it is appended at.
 */
import { authorise } from './authorise.ts'
import {
  type ByOperator,
  type BySession,
  type Circumstances,
  type Command,
  type Decision,
  type RepeatClaim,
  reject,
} from './commands.ts'
import { reportCompromise } from './decisions/compromise.ts'
import { confirmEmailChange, requestEmailChange } from './decisions/email.ts'
import { createUser, disableTwoFactorOf, erase, revokeAllSessions, unlock } from './decisions/operators.ts'
import { changePassword, requestPasswordReset, resetPassword } from './decisions/password.ts'
import { updateFields } from './decisions/profile.ts'
import { reauthenticate } from './decisions/reauthentication.ts'
import { register } from './decisions/registration.ts'
import { expireSession, logOut, revokeOtherSessions, revokeSession } from './decisions/sessions.ts'
import { completeLogIn, logIn } from './decisions/sign-in.ts'
import { disableTwoFactor, regenerateBackupCodes, startEnrollment, verifyEnrollment } from './decisions/two-factor.ts'
import type { AccountState } from './state.ts'

export const decide = (command: Command, state: AccountState, circumstances: Circumstances): Decision => {
  if ('by' in command || 'as' in command) {
    const settled = decideEntry(command, state, circumstances)
    if (settled !== null) return settled
  }
  switch (command.kind) {
    case 'register':
      return register(command, state)
    case 'logIn':
      return logIn(command, state, circumstances)
    case 'completeLogIn':
      return completeLogIn(command, state, circumstances)
    case 'logOut':
      return logOut(command)
    case 'reauthenticate':
      return reauthenticate(command, state, circumstances)
    case 'changePassword':
      return changePassword(command, state, circumstances)
    case 'requestPasswordReset':
      return requestPasswordReset(state, circumstances)
    case 'resetPassword':
      return resetPassword(command, state, circumstances)
    case 'reportCompromise':
      return reportCompromise(command, state, circumstances)
    case 'startEnrollment':
      return startEnrollment(command, state, circumstances)
    case 'verifyEnrollment':
      return verifyEnrollment(command, state, circumstances)
    case 'regenerateBackupCodes':
      return regenerateBackupCodes(command, state)
    case 'disableTwoFactor':
      return disableTwoFactor(command, state, circumstances)
    case 'revokeSession':
      return revokeSession(command, state)
    case 'revokeOtherSessions':
      return revokeOtherSessions(command, state)
    case 'expireSession':
      return expireSession(command, state, circumstances)
    case 'updateProfile':
    case 'updatePreferences':
      return updateFields(command, state)
    case 'requestEmailChange':
      return requestEmailChange(command, state, circumstances)
    case 'confirmEmailChange':
      return confirmEmailChange(command, state, circumstances)
    case 'createUser':
      return createUser(command, state)
    case 'unlock':
      return unlock(state, circumstances)
    case 'revokeAllSessions':
      return revokeAllSessions(state)
    case 'disableTwoFactorOf':
      return disableTwoFactorOf(state)
    case 'erase':
      return erase(command, state)
    default:
      return unreachable(command)
  }
}

/**
 * What is decided before anything else, and without any fact: may this session act, and was this asked before? The
 * shell asks it too before it checks a secret, else a key that is used up would let a thief of the session guess
 * passwords without any being counted. null: go on.
 */
export const decideEntry = (
  entry: BySession | ByOperator,
  state: AccountState,
  circumstances: Circumstances,
): Decision | null => {
  const { repeat } = entry
  const refusal = 'by' in entry ? authorise(state, entry.by, circumstances) : null
  if (refusal !== null) return reject(refusal)
  return repeat === undefined ? null : decideRepeat(repeat, state, circumstances)
}

/** The same key again: with the same body the first answer holds, with another it is a client's mistake. */
const decideRepeat = (repeat: RepeatClaim, state: AccountState, { now, limits }: Circumstances): Decision | null => {
  const earlier = state.recentCommands.find(({ commandId }) => commandId === repeat.commandId)
  if (earlier === undefined || now - earlier.at > limits.idempotencyMs) return null
  return earlier.idempotency.bodyHash === repeat.bodyHash
    ? { kind: 'repeated', idempotency: earlier.idempotency }
    : reject({ code: 'idempotency-mismatch' })
}

/** Names the kind alone: a command may carry secrets, and errors are logged. */
const unreachable = (command: never): never => {
  throw new Error(`decide does not know the command ${(command as Command).kind}`)
}
