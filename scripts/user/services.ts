/** The parts of Strongroom that operators' commands need, in this process, beside a server or without one. */
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import { type Accounts, openAccounts } from '../../src/accounts/accounts.ts'
import { type Activity, openActivity } from '../../src/accounts/activity.ts'
import { type CommandBus, openCommandBus } from '../../src/commands/command-bus.ts'
import { openKeyedQueue } from '../../src/commands/keyed-queue.ts'
import type { Config } from '../../src/config.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import { MAILER } from '../../src/mailer/mailer.ts'
import type { Database } from '../../src/platform/database.ts'
import { registerReactors } from '../../src/projector/reactor.ts'
import { loadMasterKey } from '../../src/secrets/master-key.ts'
import { openSessionHash } from '../../src/secrets/session-hash.ts'
import { openVault, type Vault } from '../../src/secrets/vault.ts'
import { mustHaveMasterKey } from '../operate/master-key.ts'
import { withVaultDatabase } from '../operate/vault-database.ts'

export interface OperatorServices {
  readonly db: Kysely<Database>
  readonly accounts: Accounts
  readonly activity: Activity
  readonly bus: CommandBus
  readonly vault: Vault
  readonly settings: Pick<Config, 'limits' | 'session'>
  readonly now: () => number
}

/** Throws as withVaultDatabase does, CannotOpen for a wrong master key, and StoreUnavailable. */
export const withServices = async <T>(
  config: Config,
  log: Logger,
  work: (services: OperatorServices) => Promise<T>,
): Promise<T> => {
  mustHaveMasterKey(config)
  return withVaultDatabase(config, log, async (db, { pool, connection }) => {
    const vault = await openVault(db, await loadMasterKey(config))
    const store = await openEventStore({ place: config.eventStoreUrl ?? connection, log })
    try {
      // Before anything is appended: a mailer that has never run would begin behind the invitation.
      await registerReactors(pool, store, [MAILER])
      const accounts = openAccounts(store)
      const sessionHash = openSessionHash(vault)
      const { limits } = config
      const now = Date.now
      const bus = openCommandBus({ store, accounts, vault, sessionHash, queue: openKeyedQueue(), limits, now })
      const activity = openActivity(db, { ...config.session, log })
      return await work({ db, accounts, activity, bus, vault, settings: config, now })
    } finally {
      await store.close()
    }
  })
}
