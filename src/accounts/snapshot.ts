/**
 * An account's folded state as text, and back, exactly. Boxes stay closed in it, as they do in the state. A snapshot is
 * disposable: whatever cannot be used is folded from the events again.
 */
import { createHash } from 'node:crypto'
import { type AccountEvent, currentVersion, eventTypes } from '../account/events.ts'
import { type AccountState, STATE_VERSION } from '../account/state.ts'

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
type StoredState = Omit<AccountState, 'lastLogIn'> & { readonly lastLogIn: StoredLogIn | null }

export const stateToText = (state: AccountState): string => {
  const { lastLogIn } = state
  const stored: StoredState = {
    ...state,
    lastLogIn: lastLogIn === null ? null : { ...lastLogIn, revision: String(lastLogIn.revision) },
  }
  return JSON.stringify(stored)
}

/** Of a text that `stateToText` made under the same FOLD; it is not checked again. */
export const stateFromText = (text: string): AccountState => {
  const stored = JSON.parse(text) as StoredState
  const { lastLogIn } = stored
  return {
    ...stored,
    lastLogIn: lastLogIn === null ? null : { ...lastLogIn, revision: BigInt(lastLogIn.revision) },
  }
}
