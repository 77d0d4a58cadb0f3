/** What a change of credentials leaves of sessions, and what it gives the one that asked for it. */
import type { SessionClaim } from '../commands.ts'
import type { EndCause, NewAccountEvent } from '../events.ts'
import type { AccountState } from '../state.ts'

/** Ends all sessions but `kept`. */
export const endSessions = (
  state: AccountState,
  reason: EndCause,
  kept: string | null = null,
): readonly NewAccountEvent[] =>
  state.sessions
    .filter(({ id }) => id !== kept)
    .map(({ id }): NewAccountEvent => ({ type: 'user.session:ended', data: { sessionId: id, reason } }))

/** The generation of the token that takes the place of the one this was asked with. */
export const rotated = ({ sessionId, generation }: SessionClaim) => ({ sessionId, generation: generation + 1 })
