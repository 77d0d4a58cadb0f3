/**
 * A wrong secret inside a session counts on the session, not on the account: a stolen session that guesses is ended,
 * and nobody can lock the owner out from outside.
 */
import { accept, type Circumstances, type Decision, type Outcome, type SessionClaim } from '../commands.ts'
import type { NewAccountEvent } from '../events.ts'
import type { AccountState } from '../state.ts'

/** `failure`: the event that records the guess. */
export const wrongGuess = (
  failure: NewAccountEvent,
  { sessionId }: SessionClaim,
  state: AccountState,
  { limits }: Circumstances,
  outcome: Outcome,
): Decision => {
  const guesses = guessesOf(state, sessionId) + 1
  return accept(
    guesses < limits.lockAfterFailures
      ? [failure]
      : [failure, { type: 'user.session:ended', data: { sessionId, reason: 'guessing' } }],
    outcome,
  )
}

/** Wrong secrets of a session that count at present. */
export const guessesOf = ({ sessions }: AccountState, sessionId: string): number => {
  const guesses = sessions.find(({ id }) => id === sessionId)?.guesses
  return guesses === undefined ? 0 : guesses.password + guesses.code
}
