/** What an operator does to an account, at the request of its owner or to protect it. */
import { accept, type Circumstances, type CommandOf, type Decision, reject } from '../commands.ts'
import type { NewAccountEvent } from '../events.ts'
import type { AccountState } from '../state.ts'
import { closedUntil } from '../throttle.ts'
import { endSessions } from './ending.ts'
import { resetRequested } from './password.ts'

/** Without a password: the mail that follows lets the owner set one. */
export const createUser = ({ email, name }: CommandOf<'createUser'>, state: AccountState): Decision =>
  state.status === 'none'
    ? accept([{ type: 'user:registered', data: {}, personal: { email, name } }, resetRequested])
    : reject({ code: 'email-taken' })

export const unlock = (state: AccountState, { now, limits }: Circumstances): Decision => {
  if (state.status !== 'active') return reject({ code: 'account-not-found' })
  const isOpen = closedUntil(state, now, limits) === 0 && state.failures.count === 0
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
