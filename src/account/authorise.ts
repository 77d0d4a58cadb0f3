/**
 * May this session act? Asked twice of the same rule: when a request arrives, and again by the decider on the state
 * that the command's events are appended to, so that a command under way in a session revoked meanwhile appends
 * nothing.
 */
import type { Circumstances, Rejection, SessionClaim } from './commands.ts'
import { whyEnded } from './ended.ts'
import type { AccountState } from './state.ts'

/** null: it may. The idle limit is not decided here: it depends on activity, which is not part of the history. */
export const authorise = (
  state: AccountState,
  claim: SessionClaim,
  { now, limits }: Circumstances,
): Rejection | null => {
  const session = state.sessions.find(({ id }) => id === claim.sessionId)
  if (session !== undefined) {
    if (session.generation !== claim.generation) return { code: 'unauthenticated' }
    if (now >= session.signedInAt + limits.sessionAbsoluteMs) return { code: 'session-expired', limit: 'absolute' }
    if (claim.sudo === true && now >= session.provenAt + limits.sudoMs) return { code: 'reauthentication-required' }
    return null
  }
  const reason = whyEnded(state.ended, claim.sessionId)
  if (reason === undefined) return { code: 'unauthenticated' }
  return reason === 'expired' ? { code: 'session-expired', limit: 'ended' } : { code: 'session-ended', reason }
}
