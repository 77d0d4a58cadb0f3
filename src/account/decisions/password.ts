/**
 * Changing the password from inside a session. A wrong current password counts on the session, not on the account:
 * a stolen session that guesses is ended, and nobody can lock the owner out from outside.
 */
import { accept, type Circumstances, type CommandOf, type Decision, type Rejection, reject } from '../commands.ts'
import type { NewAccountEvent, Secret } from '../events.ts'
import type { AccountState } from '../state.ts'

export const changePassword = (
  command: CommandOf<'changePassword'>,
  state: AccountState,
  circumstances: Circumstances,
): Decision => {
  if (command.fact.passwordEventId !== state.password?.eventId) return reject({ code: 'fact-stale' })
  if (command.fact.kind === 'passwordMismatched') return wrongCurrentPassword(command, state, circumstances)
  const stale = checkFresh(command, state)
  if (stale !== null) return reject(stale)
  if (command.passwordHash === undefined) return reject({ code: 'fact-stale' })
  return accept(changed(command, command.passwordHash, state))
}

const wrongCurrentPassword = (
  command: CommandOf<'changePassword'>,
  state: AccountState,
  { limits }: Circumstances,
): Decision => {
  const { sessionId } = command.by
  const failures = (state.sessions.find(({ id }) => id === sessionId)?.failures ?? 0) + 1
  const events: NewAccountEvent[] = [{ type: 'user.password:change_failed', data: { sessionId } }]
  if (failures >= limits.lockAfterFailures) {
    events.push({ type: 'user.session:ended', data: { sessionId, reason: 'guessing' } })
  }
  return accept(events, { kind: 'wrongPassword' })
}

/** The comparison must cover the current password and every former one that the state still holds. */
const checkFresh = ({ fresh }: CommandOf<'changePassword'>, state: AccountState): Rejection | null => {
  if (fresh === undefined) return { code: 'fact-stale' }
  const compared = new Set(fresh.passwordEventIds)
  const held = [state.password, ...state.formerPasswords].filter((password) => password !== null)
  if (!held.every(({ eventId }) => compared.has(eventId))) return { code: 'fact-stale' }
  return fresh.reuses === null ? null : { code: 'password-reused' }
}

const changed = (
  command: CommandOf<'changePassword'>,
  passwordHash: Secret,
  state: AccountState,
): readonly NewAccountEvent[] => {
  const { sessionId, generation } = command.by
  const others = command.keepOtherSessions ? [] : state.sessions.filter(({ id }) => id !== sessionId)
  return [
    {
      type: 'user.password:changed',
      data: { by: 'owner', rotated: { sessionId, generation: generation + 1 } },
      credential: { passwordHash, tokenHash: command.tokenHash },
    },
    ...others.map(
      ({ id }): NewAccountEvent => ({
        type: 'user.session:ended',
        data: { sessionId: id, reason: 'password_changed' },
      }),
    ),
  ]
}
