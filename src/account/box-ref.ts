import type { AccountEvent, EventType, MaybeBox } from './events.ts'

/** A sealed value and what it is bound to: without these two names the box cannot be opened. */
export interface BoxRef {
  readonly eventId: string
  readonly type: EventType
  readonly box: MaybeBox
}

export const personalOf = (event: AccountEvent): BoxRef => refTo(event, event.personal)
export const credentialOf = (event: AccountEvent): BoxRef => refTo(event, event.credential)

const refTo = ({ id, type }: AccountEvent, box: MaybeBox): BoxRef => ({ eventId: id, type, box })
