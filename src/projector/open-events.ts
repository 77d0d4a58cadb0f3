/**
 * From the store to a projection: read, upcast, and open the personal box just before `apply`. There is no credential
 * in what comes out. Events of streams that are no account's come out as null: handled, and no projection's business.
 */
import { setImmediate as otherWork } from 'node:timers/promises'
import { isAccessStream, type ProjectedAccess, readAccessEvent } from '../account/access-events.ts'
import type { AccountEvent, ProjectedEvent } from '../account/events.ts'
import { readAccountEvent, UnreadableEvent } from '../account/upcast.ts'
import { userOf } from '../accounts/accounts.ts'
import type { RecordedEvent } from '../event-store/port.ts'
import { openPersonal } from '../secrets/boxes.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Projection } from './row-operation.ts'

/** Throws UnreadableEvent, CannotOpen, and whatever keeps the vault from answering. */
export const openEvent = (vault: Vault) => {
  const fetchKey = inBatches(vault)
  return (stored: RecordedEvent): ProjectedEvent | null | Promise<ProjectedEvent> => {
    const userId = userOf(stored.stream)
    if (userId === null) return null
    const event = readAccountEvent(stored)
    if (event.personal === null) return projectedEvent(stored, userId, event, null)
    const held = vault.heldKey(userId)
    if (held !== undefined) return projectedEvent(stored, userId, event, held)
    return fetchKey(userId).then((key) => projectedEvent(stored, userId, event, key))
  }
}

const projectedEvent = (
  { stream, position }: RecordedEvent,
  userId: string,
  { id, type, revision, data, metadata, personal: box }: AccountEvent,
  key: Buffer | null,
): ProjectedEvent => {
  let personal: ProjectedEvent['personal'] | undefined
  return {
    ...{ id, type, revision, data, metadata, userId, position },
    /** Opened when it is first looked at: to most events, most projections never do, and opening is what costs most. */
    get personal() {
      personal ??=
        box === null
          ? null
          : key === null || box === 'erased'
            ? 'erased'
            : openPersonal(key, { stream, type, eventId: id }, box)
      return personal
    },
  } as ProjectedEvent
}

/** What a read model is given. null: an event of a stream that is nobody's of ours. */
export type Projected = ProjectedEvent | ProjectedAccess | null

/** As `openEvent`, and what auditors did too. */
export const openForProjections = (vault: Vault) => {
  const openAccountEvent = openEvent(vault)
  return (stored: RecordedEvent): Projected | Promise<Projected> =>
    isAccessStream(stored.stream) ? readAccessEvent(stored) : openAccountEvent(stored)
}

/** Of a newer release: a process of that release can read it. */
export const isForNewer = (error: unknown): boolean => error instanceof UnreadableEvent && error.reason !== 'invalid'

/** Keys that are asked for in one turn of the event loop travel together: a rebuild meets thousands of people a second. */
const inBatches = (vault: Vault) => {
  let asked: { readonly userIds: Set<string>; readonly keys: Promise<ReadonlyMap<string, Buffer>> } | undefined
  return async (userId: string): Promise<Buffer | null> => {
    if (asked === undefined) {
      const userIds = new Set<string>()
      const keys = otherWork().then(() => {
        asked = undefined
        return vault.dataKeys([...userIds])
      })
      asked = { userIds, keys }
    }
    asked.userIds.add(userId)
    return (await asked.keys).get(userId) ?? null
  }
}

/** A projection of accounts, given a store that may hold other streams too. */
export const overAccounts = (projection: Projection<ProjectedEvent>): Projection<Projected> => ({
  ...projection,
  apply: (event) => (event === null || 'kind' in event ? [] : projection.apply(event)),
})

/** A projection of accounts and of those who look at them. */
export const overAll = (projection: Projection<ProjectedEvent | ProjectedAccess>): Projection<Projected> => ({
  ...projection,
  apply: (event) => (event === null ? [] : projection.apply(event)),
})
