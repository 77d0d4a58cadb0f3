/** Ending sessions: each that ends leaves an event of its own, so that its history tells how it went. */
import { accept, type Circumstances, type CommandOf, type Decision, reject } from '../commands.ts'
import { whyEnded } from '../ended.ts'
import type { NewAccountEvent } from '../events.ts'
import type { AccountState } from '../state.ts'

export const logOut = (command: CommandOf<'logOut'>): Decision =>
  accept([{ type: 'user:logged_out', data: { sessionId: command.by.sessionId } }])

/** Revoking what has ended already is done, not an error: a second click must not frighten anybody. */
export const revokeSession = (command: CommandOf<'revokeSession'>, state: AccountState): Decision => {
  const { sessionId } = command
  if (sessionId === command.by.sessionId) return reject({ code: 'current-session' })
  if (state.sessions.some(({ id }) => id === sessionId)) return accept([revoked(sessionId)])
  if (whyEnded(state.ended, sessionId) !== undefined) return accept([])
  return reject({ code: 'session-not-found' })
}

/** Recorded also where there was none to revoke: under an Idempotency-Key even that is an answer to be given again. */
export const revokeOtherSessions = (command: CommandOf<'revokeOtherSessions'>, state: AccountState): Decision => {
  const { sessionId } = command.by
  const others = state.sessions.filter(({ id }) => id !== sessionId)
  const summary: NewAccountEvent = {
    type: 'user.session:others_revoked',
    data: { sessionId, revoked: others.length },
  }
  return accept([...others.map(({ id }) => revoked(id)), summary], { kind: 'revoked', count: others.length })
}

/** Whoever meets a session past a limit records its end; the first does, the others find it done. */
export const expireSession = (
  command: CommandOf<'expireSession'>,
  state: AccountState,
  { now, limits }: Circumstances,
): Decision => {
  const session = state.sessions.find(({ id }) => id === command.sessionId)
  if (session === undefined) return accept([])
  if (command.limit === 'absolute' && now < session.signedInAt + limits.sessionAbsoluteMs) return accept([])
  return accept([{ type: 'user.session:expired', data: { sessionId: session.id, limit: command.limit } }])
}

const revoked = (sessionId: string): NewAccountEvent => ({
  type: 'user.session:revoked',
  data: { sessionId, by: 'owner' },
})
