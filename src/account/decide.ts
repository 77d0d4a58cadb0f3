/**
 * The decider: given what is asked and what the account is, which events follow, or why none do. Pure, and the only
 * place where a rule of the account is decided. It runs again, on fresh state, for every attempt to append, so what
 * it decides holds at the very revision it is appended at.
 */
import { authorise } from './authorise.ts'
import {
  type BySession,
  type Circumstances,
  type Command,
  type Decision,
  type RepeatClaim,
  reject,
} from './commands.ts'
import { changePassword } from './decisions/password.ts'
import { register } from './decisions/registration.ts'
import { expireSession, logOut, revokeOtherSessions, revokeSession } from './decisions/sessions.ts'
import { logIn } from './decisions/sign-in.ts'
import type { AccountState } from './state.ts'

export const decide = (command: Command, state: AccountState, circumstances: Circumstances): Decision => {
  if ('by' in command) {
    const settled = decideEntry(command, state, circumstances)
    if (settled !== null) return settled
  }
  switch (command.kind) {
    case 'register':
      return register(command, state)
    case 'logIn':
      return logIn(command, state, circumstances)
    case 'logOut':
      return logOut(command)
    case 'changePassword':
      return changePassword(command, state, circumstances)
    case 'revokeSession':
      return revokeSession(command, state)
    case 'revokeOtherSessions':
      return revokeOtherSessions(command, state)
    case 'expireSession':
      return expireSession(command, state, circumstances)
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
  { by, repeat }: BySession,
  state: AccountState,
  circumstances: Circumstances,
): Decision | null => {
  const refusal = authorise(state, by, circumstances)
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
