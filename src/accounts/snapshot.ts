/**
 * An account's folded state as text, and back, exactly. Boxes stay closed in it, as they do in the state. A snapshot is
 * disposable: whatever cannot be used is folded from the events again.
 */
import { createHash } from 'node:crypto'
import { type AccountEvent, currentVersion, type EndedReason, eventTypes } from '../account/events.ts'
import { type AccountState, type EndedSession, STATE_VERSION } from '../account/state.ts'

/** A state, and the event it was folded up to: where that event is not in the stream, the state is another history's. */
export interface Snapshot {
  readonly state: AccountState
  readonly revision: bigint
  readonly eventId: string
}

/**
 * Names the fold: a snapshot of another one is not used. The catalogue is part of it, for a program that does not know
 * an event has to refuse the account (503), and must not step over that event inside a snapshot.
 */
export const FOLD = createHash('sha256')
  .update(JSON.stringify([STATE_VERSION, eventTypes.map((type) => [type, currentVersion(type)])]))
  .digest('hex')

type StoredLogIn = Omit<AccountEvent<'user:logged_in'>, 'revision'> & { readonly revision: string }
type StoredState = Omit<AccountState, 'lastLogIn' | 'ended'> & {
  readonly lastLogIn: StoredLogIn | null
  readonly ended: string
}

export const stateToText = (state: AccountState): string => {
  const { lastLogIn, ended } = state
  const stored: StoredState = {
    ...state,
    lastLogIn: lastLogIn === null ? null : { ...lastLogIn, revision: String(lastLogIn.revision) },
    ended: ended.map(({ id, reason }) => `${LETTERS[reason]}${id}`).join(' '),
  }
  return JSON.stringify(stored)
}

/** Of a text that `stateToText` made under the same FOLD; it is not checked again. */
export const stateFromText = (text: string): AccountState => {
  const stored = JSON.parse(text) as StoredState
  const { lastLogIn, ended } = stored
  return {
    ...stored,
    lastLogIn: lastLogIn === null ? null : { ...lastLogIn, revision: BigInt(lastLogIn.revision) },
    ended: ended === '' ? [] : ended.split(' ').map(endedSession),
  }
}

/**
 * Of a long account the ended sessions are nearly all there is. As a thousand objects they made the text twice as long,
 * and parsing took most of a load; so in the text they are one string, of ids behind the letter of their reason.
 */
const LETTERS: Readonly<Record<EndedReason, string>> = {
  logged_out: 'l',
  revoked: 'r',
  expired: 'x',
  password_changed: 'p',
  two_factor_changed: 'f',
  password_reset: 's',
  limit: 'm',
  guessing: 'g',
  erased: 'e',
}

const REASONS = new Map(Object.entries(LETTERS).map(([reason, letter]) => [letter, reason as EndedReason]))

const endedSession = (text: string): EndedSession => {
  const reason = REASONS.get(text.charAt(0))
  if (reason === undefined) throw new Error('a session ended for a reason that is not known')
  return { id: text.slice(1), reason }
}
