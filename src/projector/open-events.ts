/**
 * From the store to a projection: read, upcast, and open the personal box just before `apply`. There is no credential
 * in what comes out. Events of streams that are no account's come out as null: handled, and no projection's business.
 */
import { setImmediate as otherWork } from 'node:timers/promises'
import { isAccessStream, type ProjectedAccess, readAccessEvent } from '../account/access-events.ts'
import {
  type AccountEvent,
  type EventMetadata,
  type EventType,
  isEventType,
  type ProjectedEvent,
} from '../account/events.ts'
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

/** An account's event on its way into a projection. */
class OpenedEvent {
  readonly id: string
  readonly type: EventType
  readonly revision: bigint
  readonly data: AccountEvent['data']
  readonly metadata: EventMetadata
  readonly userId: string
  readonly position: bigint
  readonly #stream: string
  readonly #box: AccountEvent['personal']
  readonly #key: Buffer | null
  #personal: ProjectedEvent['personal'] | undefined

  constructor(stored: RecordedEvent, userId: string, event: AccountEvent, key: Buffer | null) {
    this.id = event.id
    this.type = event.type
    this.revision = event.revision
    this.data = event.data
    this.metadata = event.metadata
    this.userId = userId
    this.position = stored.position
    this.#stream = stored.stream
    this.#box = event.personal
    this.#key = key
  }

  /** Opened when it is first looked at: to most events, most projections never do, and opening is what costs most. */
  get personal(): ProjectedEvent['personal'] {
    this.#personal ??= this.#open()
    return this.#personal
  }

  #open(): ProjectedEvent['personal'] {
    if (this.#box === null) return null
    if (this.#box === 'erased' || this.#key === null) return 'erased'
    return openPersonal(this.#key, { stream: this.#stream, type: this.type, eventId: this.id }, this.#box)
  }
}

const projectedEvent = (stored: RecordedEvent, userId: string, event: AccountEvent, key: Buffer | null) =>
  new OpenedEvent(stored, userId, event, key) as ProjectedEvent

/** What a read model is given. null: an event of a stream that is nobody's of ours. */
export type Projected = ProjectedEvent | ProjectedAccess | null

/**
 * For the projections of a process: as `openEvent`, and what auditors did too; null also for types that do not concern the
 * projection. An event that several of them are handed at once, as when they are built together, is opened once.
 */
export const openForProjections = (vault: Vault) => {
  const openAccountEvent = onceEach(openEvent(vault))
  return ({ handles }: Pick<Projection<never>, 'handles'> = {}) => {
    const handled = handles && new Set(handles)
    return (stored: RecordedEvent): Projected | Promise<Projected> => {
      if (isAccessStream(stored.stream)) return readAccessEvent(stored)
      // Of a type that this release does not know, nobody can tell whom it concerns: reading it says so.
      if (handled && isEventType(stored.type) && !handled.has(stored.type)) return null
      return openAccountEvent(stored)
    }
  }
}

/** What was opened goes with the event it was opened from; what failed is tried again. */
const onceEach = (open: ReturnType<typeof openEvent>): typeof open => {
  const opened = new WeakMap<RecordedEvent, ProjectedEvent | null | Promise<ProjectedEvent>>()
  return (stored) => {
    const known = opened.get(stored)
    if (known !== undefined) return known
    const event = open(stored)
    opened.set(stored, event)
    if (event instanceof Promise) {
      event.then(
        (value) => opened.set(stored, value),
        () => opened.delete(stored),
      )
    }
    return event
  }
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
