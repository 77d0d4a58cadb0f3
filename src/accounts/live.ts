/**
 * The live ear of a process: one subscription from the store's tail, in every process, whatever its
 * roles: each holds keys of persons. A person erased by another process is forgotten here as soon as the event arrives.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { EventStore } from '../event-store/port.ts'
import type { Vault } from '../secrets/vault.ts'
import { type Accounts, userOf } from './accounts.ts'

export const followErasures = (deps: {
  readonly store: EventStore
  readonly accounts: Accounts
  readonly vault: Vault
  readonly log: Logger
}): { stop(): Promise<void> } => {
  const abort = new AbortController()
  const follow = async () => {
    for await (const message of deps.store.subscribe('end', abort.signal)) {
      if (message.kind !== 'event' || message.event.type !== 'user:erased') continue
      const userId = userOf(message.event.stream)
      if (userId === null) continue
      deps.accounts.evict(userId)
      deps.vault.evict(userId)
    }
  }
  const followForEver = async () => {
    while (!abort.signal.aborted) {
      await follow().catch((error: unknown) => deps.log.error({ err: error }, 'the live subscription broke'))
      await delay(RETRY_MS, undefined, { signal: abort.signal }).catch(() => {})
    }
  }
  const done = followForEver()
  return {
    async stop() {
      abort.abort()
      await done
    },
  }
}

/** Between a broken subscription and the next; what is missed meanwhile is covered by the age limit of cached keys. */
const RETRY_MS = 1_000
