/**
 * Loads accounts: the folded state this process remembers, or else the last snapshot, plus a read of what was appended
 * since. The read is never skipped, so the state is the truth at a moment after the request arrived, whoever else writes.
 *
 * Requests for one user share reads, but a request may share only a read that is SENT AFTER it arrived: one read runs,
 * one waits behind it, and all newcomers join the waiting one. Joining the running one could miss an event that was
 * appended, and acknowledged, before the newcomer came.
 */
import { LRUCache } from 'lru-cache'
import { type AccountState, evolve, initialState } from '../account/state.ts'
import { readAccountEvent } from '../account/upcast.ts'
import type { EventStore, ExpectedRevision, Position, RecordedEvent } from '../event-store/port.ts'
import type { Snapshots } from './snapshots.ts'

export interface Account {
  readonly userId: string
  readonly state: AccountState
  readonly revision: ExpectedRevision
  /** Of the account's last event; null where there is none. */
  readonly position: Position | null
}

export interface Accounts {
  /** Throws StoreUnavailable, DecodeError, UnreadableEvent. */
  load(userId: string): Promise<Account>
  evict(userId: string): void
}

export const streamOf = (userId: string): string => `user-${userId}`
export const userOf = (stream: string): string | null => (stream.startsWith('user-') ? stream.slice(5) : null)

const CACHED_ACCOUNTS = 10_000
/** Of a tail as long as this, reading and folding takes a few milliseconds. */
const EVENTS_BETWEEN_SNAPSHOTS = 100n

interface Reads {
  running: Promise<Account> | null
  waiting: Promise<Account> | null
}

/** What this process remembers. */
interface Known {
  readonly account: Account
  /** Up to which revision there is a snapshot, as far as this process knows. */
  readonly kept: ExpectedRevision
}

/** `snapshots`: null for a short-lived process, which reads each history whole. */
export const openAccounts = (store: EventStore, snapshots: Snapshots | null = null): Accounts => {
  const cache = new LRUCache<string, Known>({ max: CACHED_ACCOUNTS })
  const reads = new Map<string, Reads>()

  const readAccount = async (userId: string): Promise<Account> => {
    const before = cache.get(userId)
    if (before === undefined) return begin(userId)
    const { account, last } = await foldTail(store, before.account)
    if (last === null) return before.account
    remember(account, last, before.kept)
    return account
  }

  /** The snapshot's own event is read with the tail, which costs nothing: only where it is there, is its state true. */
  const begin = async (userId: string): Promise<Account> => {
    const found = snapshots === null ? null : await snapshots.find(userId)
    if (found !== null && found !== 'unusable') {
      const { state, revision, eventId } = found
      const { account, last } = await foldTail(store, { userId, state, revision, position: null }, eventId)
      if (last !== null) {
        remember(account, last, revision)
        return account
      }
    }
    const { account, last } = await foldTail(store, { userId, state: initialState, revision: 'none', position: null })
    // What cannot be used is replaced now, however short the history is: else it would be tried each time.
    if (last !== null) remember(account, last, found === null ? 'none' : null)
    return account
  }

  /** `kept`: null where a snapshot is due in any case. */
  const remember = (account: Account, last: RecordedEvent, kept: ExpectedRevision | null): void => {
    const beyond = last.revision - (kept === 'none' || kept === null ? -1n : kept)
    const due = (kept === null || beyond > EVENTS_BETWEEN_SNAPSHOTS) && account.state.status === 'active'
    cache.set(account.userId, { account, kept: due ? last.revision : (kept ?? 'none') })
    if (due) snapshots?.offer(account.userId, { state: account.state, revision: last.revision, eventId: last.id })
  }

  const start = (userId: string, entry: Reads): Promise<Account> => {
    const read = readAccount(userId).finally(() => {
      entry.running = null
      if (entry.waiting === null) reads.delete(userId)
    })
    entry.running = read
    return read
  }

  return {
    load(userId) {
      const entry = reads.get(userId) ?? { running: null, waiting: null }
      reads.set(userId, entry)
      if (entry.waiting !== null) return entry.waiting
      if (entry.running === null) return start(userId, entry)
      const begin = () => {
        entry.waiting = null
        return start(userId, entry)
      }
      entry.waiting = entry.running.then(begin, begin)
      return entry.waiting
    },
    evict(userId) {
      cache.delete(userId)
      snapshots?.forget(userId)
    },
  }
}

interface Tail {
  readonly account: Account
  /** null: there was nothing new. */
  readonly last: RecordedEvent | null
}

/**
 * What followed the account's revision. With `lastId`, the event at that revision is read as well, and has to be that
 * one: otherwise, or where the stream does not reach that far, there is nothing.
 */
const foldTail = async (store: EventStore, known: Account, lastId?: string): Promise<Tail> => {
  const { userId, revision } = known
  let { state } = known
  let last: RecordedEvent | null = null
  const after = revision === 'none' ? 0n : revision + 1n
  for await (const event of store.read(streamOf(userId), { from: lastId === undefined ? after : after - 1n })) {
    const isNew = event.revision >= after
    if (!isNew && event.id !== lastId) break
    if (isNew) state = evolve(state, readAccountEvent(event))
    last = event
  }
  if (last === null) return { account: known, last }
  return { account: { userId, state, revision: last.revision, position: last.position }, last }
}
