/** Signing in: the account's lock, the failure that may close it, and the session a success begins. */
import { accept, type Circumstances, type CommandOf, type Decision, reject } from '../commands.ts'
import type { NewAccountEvent } from '../events.ts'
import type { AccountState } from '../state.ts'
import { countedFailures } from '../throttle.ts'

export const logIn = (command: CommandOf<'logIn'>, state: AccountState, circumstances: Circumstances): Decision => {
  if (state.status !== 'active') return reject({ code: 'invalid-credentials' })
  // The lock comes before the verdict: a locked account tells nobody whether a password was right.
  if (state.lockedUntil > circumstances.now) return reject({ code: 'login-throttled', until: state.lockedUntil })
  if (command.fact.passwordEventId !== state.password?.eventId) return reject({ code: 'fact-stale' })
  if (command.fact.kind === 'passwordMismatched') return failure(state, circumstances)
  if (state.twoFactor !== null) return reject({ code: 'two-factor-required' })
  return accept(
    [
      ...strengthened(command),
      ...makeRoom(state, circumstances),
      {
        type: 'user:logged_in',
        data: { sessionId: command.sessionId, method: 'password' },
        credential: { tokenHash: command.tokenHash },
      },
    ],
    { kind: 'signedIn', sessionId: command.sessionId, method: 'password' },
  )
}

const failure = (state: AccountState, { now, limits }: Circumstances): Decision => {
  const failures = countedFailures(state.failures, now, limits) + 1
  const events: NewAccountEvent[] = [{ type: 'user:login_failed', data: { method: 'password', failures } }]
  if (failures >= limits.lockAfterFailures) {
    events.push({
      type: 'user:locked',
      data: { failures, until: new Date(now + limits.lockMs).toISOString() },
    })
  }
  return accept(events, { kind: 'wrongPassword' })
}

const strengthened = (command: CommandOf<'logIn'>): readonly NewAccountEvent[] =>
  command.strongerHash === undefined
    ? []
    : [
        {
          type: 'user.password:rehashed',
          data: { replaces: command.fact.passwordEventId },
          credential: { passwordHash: command.strongerHash },
        },
      ]

/** The new session takes the place of those past their absolute limit, then of the oldest. */
const makeRoom = (state: AccountState, { now, limits }: Circumstances): readonly NewAccountEvent[] => {
  const isExpired = (signedInAt: number) => now >= signedInAt + limits.sessionAbsoluteMs
  const expired = state.sessions.filter((session) => isExpired(session.signedInAt))
  const live = state.sessions.filter((session) => !isExpired(session.signedInAt))
  const oldest = live.slice(0, Math.max(0, live.length + 1 - limits.sessionsMax))
  return [
    ...expired.map(
      ({ id }): NewAccountEvent => ({ type: 'user.session:expired', data: { sessionId: id, limit: 'absolute' } }),
    ),
    ...oldest.map(
      ({ id }): NewAccountEvent => ({ type: 'user.session:ended', data: { sessionId: id, reason: 'limit' } }),
    ),
  ]
}
