/** The events of the installation that the environment names, and what opens them. Nothing is changed. */
import type { Logger } from 'pino'
import type { Config } from '../../src/config.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import type { EventStore } from '../../src/event-store/port.ts'
import { loadMasterKey } from '../../src/secrets/master-key.ts'
import { openVault, type Vault } from '../../src/secrets/vault.ts'
import { mustHaveMasterKey } from './master-key.ts'
import { withVaultDatabase } from './vault-database.ts'

export interface History {
  readonly store: EventStore
  readonly vault: Vault
}

/** Throws as withVaultDatabase does, CannotOpen for a wrong master key, and StoreUnavailable. */
export const withHistory = async <T>(
  config: Config,
  log: Logger,
  work: (history: History) => Promise<T>,
): Promise<T> => {
  mustHaveMasterKey(config)
  return withVaultDatabase(config, log, async (db, { connection }) => {
    const vault = await openVault(db, await loadMasterKey(config))
    const store = await openEventStore({ place: config.eventStoreUrl ?? connection, log })
    try {
      return await work({ store, vault })
    } finally {
      await store.close()
    }
  })
}
