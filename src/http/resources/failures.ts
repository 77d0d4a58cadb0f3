/** Known failures of the parts behind a request, as the contract names them. All else is a bug, and answered 500. */

import { UnreadableEvent } from '../../account/upcast.ts'
import { LogMissing } from '../../audit/log-store.ts'
import { DecodeError, StoreUnavailable, StreamGone } from '../../event-store/port.ts'
import { AddressLimitReached } from '../../platform/address-limits.ts'
import { isDatabaseAway } from '../../platform/postgres.ts'
import { Overloaded } from '../../secrets/password-work-queue.ts'
import { Problem } from '../problem.ts'

export const translateFailure = (error: unknown): Problem | undefined => {
  if (error instanceof Overloaded) {
    return new Problem(503, 'overloaded', { retryAfterSeconds: error.retryAfterSeconds })
  }
  if (error instanceof AddressLimitReached) {
    return new Problem(429, 'too-many-requests', { retryAfterSeconds: error.retryAfterSeconds })
  }
  if (error instanceof StoreUnavailable || isDatabaseAway(error)) return new Problem(503, 'store-unavailable')
  // A history that this version cannot read: another node may know it; guessing could let someone in.
  if (error instanceof UnreadableEvent || error instanceof DecodeError || error instanceof StreamGone) {
    return new Problem(503, 'store-unavailable', { detail: 'The history of this account cannot be read at present.' })
  }
  if (error instanceof LogMissing) {
    return new Problem(503, 'projection-behind', { detail: 'The log cannot be shown or signed by this process yet.' })
  }
  return undefined
}
