/**
 * From the store to a projection: read, upcast, and open the personal box just before `apply`. There is no credential
 * in what comes out. Events of streams that are no account's come out as null: handled, and no projection's business.
 */
import type { ProjectedEvent } from '../account/events.ts'
import { readAccountEvent } from '../account/upcast.ts'
import { userOf } from '../accounts/accounts.ts'
import type { RecordedEvent } from '../event-store/port.ts'
import { openPersonal } from '../secrets/boxes.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Projection } from './row-operation.ts'

/** Throws UnreadableEvent, CannotOpen, and whatever keeps the vault from answering. */
export const openEvent =
  (vault: Vault) =>
  async (stored: RecordedEvent): Promise<ProjectedEvent | null> => {
    const userId = userOf(stored.stream)
    if (userId === null) return null
    const { credential: _, personal: box, ...event } = readAccountEvent(stored)
    const key = box === null ? null : await vault.dataKey(userId)
    const personal =
      box === null
        ? null
        : key === null || box === 'erased'
          ? 'erased'
          : openPersonal(key, { stream: stored.stream, type: stored.type, eventId: stored.id }, box)
    return { ...event, userId, position: stored.position, personal } as ProjectedEvent
  }

/** A projection of accounts, given a store that may hold other streams too. */
export const overAccounts = (projection: Projection<ProjectedEvent>): Projection<ProjectedEvent | null> => ({
  ...projection,
  apply: (event) => (event === null ? [] : projection.apply(event)),
})
