/**
 * Loads accounts: the folded state this process remembers, plus a read of what was appended since. The read is never
 * skipped, so the state is the truth at a moment after the request arrived, whoever else writes.
 *
 * Requests for one user share reads, but a request may share only a read that is SENT AFTER it arrived: one read runs,
 * one waits behind it, and all newcomers join the waiting one. Joining the running one could miss an event that was
 * appended, and acknowledged, before the newcomer came.
 */
import { LRUCache } from 'lru-cache'
import { type AccountState, evolve, initialState } from '../account/state.ts'
import { readAccountEvent } from '../account/upcast.ts'
import type { EventStore, ExpectedRevision, Position } from '../event-store/port.ts'

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

interface Reads {
  running: Promise<Account> | null
  waiting: Promise<Account> | null
}

export const openAccounts = (store: EventStore): Accounts => {
  const cache = new LRUCache<string, Account>({ max: CACHED_ACCOUNTS })
  const reads = new Map<string, Reads>()

  const readTail = async (userId: string): Promise<Account> => {
    const known = cache.get(userId) ?? { userId, state: initialState, revision: 'none', position: null }
    let { state, revision, position } = known
    const from = revision === 'none' ? 0n : revision + 1n
    for await (const stored of store.read(streamOf(userId), { from })) {
      state = evolve(state, readAccountEvent(stored))
      revision = stored.revision
      position = stored.position
    }
    if (revision === known.revision) return known
    const account = { userId, state, revision, position }
    cache.set(userId, account)
    return account
  }

  const start = (userId: string, entry: Reads): Promise<Account> => {
    const read = readTail(userId).finally(() => {
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
    evict: (userId) => void cache.delete(userId),
  }
}
