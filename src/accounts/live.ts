/**
 * The live ear of a process: one subscription from the store's tail, in every process, whatever its roles. A person
 * erased by another process is forgotten here as soon as the event arrives, and who follows an account is told that
 * there is something new to read.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { DecodeError, type EventStore, type Position, type RecordedEvent } from '../event-store/port.ts'
import type { Vault } from '../secrets/vault.ts'
import { type Accounts, userOf } from './accounts.ts'

export interface Live {
  /**
   * Calls `heard` whenever the account may have new events, until the returned function is called. No more than a hint:
   * it may come for nothing, and what there is has to be read from the stream.
   */
  follow(userId: string, heard: () => void): () => void
  /** Calls `heard` for each person that is erased, in whatever process, until the returned function is called. */
  followErasures(heard: (userId: string) => void): () => void
  stop(): Promise<void>
}

export const openLive = (deps: {
  readonly store: Pick<EventStore, 'subscribe'>
  readonly accounts: Pick<Accounts, 'evict'>
  readonly vault: Pick<Vault, 'evict'>
  readonly log: Logger
}): Live => {
  const abort = new AbortController()
  const followers = new Map<string, Set<() => void>>()
  const ofErasures = new Set<(userId: string) => void>()
  let after: Position | 'end' = 'end'

  const hear = ({ stream, type }: RecordedEvent): void => {
    const userId = userOf(stream)
    if (userId === null) return
    if (type === 'user:erased') {
      deps.accounts.evict(userId)
      deps.vault.evict(userId)
      for (const heard of ofErasures) heard(userId)
    }
    for (const heard of followers.get(userId) ?? []) heard()
  }
  const listen = async () => {
    for await (const message of deps.store.subscribe(after, abort.signal)) {
      if (message.kind !== 'events') continue
      for (const event of message.events) {
        after = event.position
        hear(event)
      }
    }
  }
  const listenForEver = async () => {
    while (!abort.signal.aborted) {
      await listen().catch((error: unknown) => {
        deps.log.error({ err: error }, 'the live subscription broke')
        // It would break there again and again, and everything behind it stay unheard.
        if (error instanceof DecodeError) after = error.position
      })
      for (const heard of [...followers.values()].flatMap((those) => [...those])) heard()
      await delay(RETRY_MS, undefined, { signal: abort.signal }).catch(() => {})
    }
  }
  const done = listenForEver()
  return {
    follow(userId, heard) {
      const those = followers.get(userId) ?? new Set()
      followers.set(userId, those.add(heard))
      return () => {
        those.delete(heard)
        if (those.size === 0 && followers.get(userId) === those) followers.delete(userId)
      }
    },
    followErasures(heard) {
      ofErasures.add(heard)
      return () => ofErasures.delete(heard)
    },
    async stop() {
      abort.abort()
      await done
    },
  }
}

/** Between a broken subscription and the next; what is missed before the first event is covered by the age limit of keys. */
const RETRY_MS = 1_000
