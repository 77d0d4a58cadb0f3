import { DecodeError, type EventStore, StreamGone } from '../event-store/port.ts'
import { ProjectionFault } from './fault.ts'
import type { Lease } from './lease.ts'

/**
 * The event that was handled last is not in this store, or is elsewhere in its order. Whatever comes behind
 * the checkpoint's position here would be added to rows of another history, and what comes before it left out.
 */
export class OtherStore extends ProjectionFault {
  override readonly name = 'OtherStore'
  constructor({ name, checkpoints }: Lease) {
    super(
      `the checkpoint of ${checkpoints.kind} ${name} is of another event store, or of a later moment than this one was ` +
        'restored to: the event handled last is not at its place in it. Where EVENT_STORE_URL is wrong, correct it; ' +
        `where it is right, stop all processes, ${checkpoints.remedy}`,
    )
  }
}

/**
 * Looks whether the checkpoint of the lease is one of this store. A checkpoint of an earlier release, which did not note
 * the event, is believed. Throws StoreUnavailable, and whatever else keeps the store from answering.
 */
export async function findOtherStore(store: Pick<EventStore, 'read'>, lease: Lease): Promise<OtherStore | undefined> {
  const { position, last } = lease
  if (position === null || last === null) return undefined
  try {
    for await (const event of store.read(last.stream, { from: last.revision, limit: 1 })) {
      if (event.id === last.eventId && event.position === position) return undefined
    }
  } catch (error) {
    // It was an event when it was handled. Damaged since then it is still at its place, and of no more concern here.
    if (error instanceof DecodeError && error.position === position) return undefined
    if (!(error instanceof DecodeError) && !(error instanceof StreamGone)) throw error
  }
  return new OtherStore(lease)
}
