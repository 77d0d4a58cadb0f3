/** A new password: from inside a session, or by a link that was mailed to the owner. */
import {
  accept,
  type Circumstances,
  type Command,
  type CommandOf,
  type Decision,
  type Rejection,
  reject,
} from '../commands.ts'
import type { NewAccountEvent, Secret } from '../events.ts'
import type { AccountState } from '../state.ts'
import { closedUntil } from '../throttle.ts'
import { endSessions, rotated } from './ending.ts'
import { wrongGuess } from './guess.ts'

export const changePassword = (
  command: CommandOf<'changePassword'>,
  state: AccountState,
  circumstances: Circumstances,
): Decision => {
  const { by, fact, keepOtherSessions, tokenHash } = command
  if (fact.passwordEventId !== (state.password?.eventId ?? null)) return reject({ code: 'fact-stale' })
  if (fact.kind === 'passwordMismatched') {
    const failure = { type: 'user.password:change_failed', data: { sessionId: by.sessionId } } as const
    return wrongGuess(failure, by, state, circumstances, { kind: 'wrongPassword' })
  }
  const fresh = checkFresh(command, state)
  if (fresh.kind === 'refused') return reject(fresh.rejection)
  return accept([
    {
      type: 'user.password:changed',
      data: { by: 'owner', rotated: rotated(by) },
      credential: { passwordHash: fresh.passwordHash, tokenHash },
    },
    ...(keepOtherSessions ? [] : endSessions(state, 'password_changed', by.sessionId)),
  ])
}

/** Whom the mailbox belongs to is told nothing of whether there is an account; so too many requests are no error. */
export const requestPasswordReset = (state: AccountState, { now, limits }: Circumstances): Decision => {
  if (state.status !== 'active') return accept([])
  const recent = state.resetRequests.filter((at) => now - at < HOUR_MS)
  return accept(recent.length < limits.resetMailsPerHour ? [resetRequested] : [])
}

export const resetRequested: NewAccountEvent = { type: 'user.password:reset_requested', data: {} }

const HOUR_MS = 3_600_000

/** Signs nobody in, ends every session, and opens the lock. */
export const resetPassword = (
  command: CommandOf<'resetPassword'>,
  state: AccountState,
  circumstances: Circumstances,
): Decision => {
  const refusal = refuseReset(command.resetId, state, circumstances)
  if (refusal !== null) return reject(refusal)
  const fresh = checkFresh(command, state)
  if (fresh.kind === 'refused') return reject(fresh.rejection)
  const isClosed = closedUntil(state, circumstances.now, circumstances.limits) > 0
  return accept([
    {
      type: 'user.password:changed',
      data: { by: 'password_reset', rotated: null },
      credential: { passwordHash: fresh.passwordHash },
    },
    ...endSessions(state, 'password_reset'),
    ...(isClosed || state.failures.count > 0 ? [unlockedByReset] : []),
  ])
}

/** Is this the reset that a link was mailed for last, and in time? Asked too before a password is hashed for it. */
export const refuseReset = (
  resetId: string,
  { reset }: AccountState,
  { now, limits }: Circumstances,
): Rejection | null =>
  reset !== null && reset.eventId === resetId && now < reset.at + limits.resetTokenMs ? null : { code: 'token-invalid' }

const unlockedByReset: NewAccountEvent = { type: 'user:unlocked', data: { by: 'password_reset' } }

type Fresh =
  | { readonly kind: 'fresh'; readonly passwordHash: Secret }
  | { readonly kind: 'refused'; readonly rejection: Rejection }

/** The comparison must cover the current password and every former one that the state still holds. */
const checkFresh = (
  { fresh, passwordHash }: Extract<Command, { readonly fresh?: unknown }>,
  state: AccountState,
): Fresh => {
  const compared = new Set(fresh?.passwordEventIds)
  const held = [state.password, ...state.formerPasswords].filter((password) => password !== null)
  if (fresh === undefined || !held.every(({ eventId }) => compared.has(eventId))) return refused({ code: 'fact-stale' })
  if (fresh.reuses !== null) return refused({ code: 'password-reused' })
  return passwordHash === undefined ? refused({ code: 'fact-stale' }) : { kind: 'fresh', passwordHash }
}

const refused = (rejection: Rejection): Fresh => ({ kind: 'refused', rejection })
