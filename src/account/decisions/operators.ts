/** What an operator does to an account, at the request of its owner or to protect it. */
import { accept, type Circumstances, type CommandOf, type Decision, reject } from '../commands.ts'
import type { NewAccountEvent } from '../events.ts'
import type { AccountState } from '../state.ts'
import { endSessions } from './ending.ts'
import { resetRequested } from './password.ts'

/** Without a password: the mail that follows lets the owner set one. */
export const createUser = ({ email, name }: CommandOf<'createUser'>, state: AccountState): Decision =>
  state.status === 'none'
    ? accept([{ type: 'user:registered', data: {}, personal: { email, name } }, resetRequested])
    : reject({ code: 'email-taken' })

export const unlock = (state: AccountState, { now }: Circumstances): Decision => {
  if (state.status !== 'active') return reject({ code: 'account-not-found' })
  // After "not me" only a new password opens the account again, and its owner can ask for the link.
  const isOpen = state.lockedUntil <= now && state.failures.count === 0
  return accept(isOpen ? [] : [{ type: 'user:unlocked', data: { by: 'operator' } }])
}

export const revokeAllSessions = (state: AccountState): Decision => {
  if (state.status !== 'active') return reject({ code: 'account-not-found' })
  const revoked = state.sessions.map(
    ({ id }): NewAccountEvent => ({ type: 'user.session:revoked', data: { sessionId: id, by: 'operator' } }),
  )
  return accept(revoked, { kind: 'revoked', count: revoked.length })
}

/** For who lost phone and codes. Whoever is signed in has to do so again, and the owner is told by mail. */
export const disableTwoFactorOf = (state: AccountState): Decision => {
  if (state.status !== 'active') return reject({ code: 'account-not-found' })
  if (state.twoFactor === null) return reject({ code: 'two-factor-not-enabled' })
  const { enrollmentId } = state.twoFactor
  return accept([
    { type: 'user.2fa:disabled', data: { enrollmentId, by: 'operator', rotated: null } },
    ...endSessions(state, 'two_factor_changed'),
  ])
}

/**
 * The last event of an account: it ends all sessions, and no decision appends anything behind it. What is known of the
 * person goes afterwards, because of it.
 */
export const erase = ({ fact }: CommandOf<'erase'>, { status }: AccountState): Decision => {
  if (status === 'none') return reject({ code: 'account-not-found' })
  if (status === 'erased') return accept([])
  if (fact.kind === 'underLegalHold') return reject({ code: 'legal-hold' })
  return accept([{ type: 'user:erased', data: {} }])
}
