/** `npm run log -- reconcile`: the log, and the audit log that people see, held against the events. */
import { auditlog } from '../../projections/auditlog.ts'
import { UnreadableEvent } from '../../src/account/upcast.ts'
import { queryableOf } from '../../src/audit/log-store.ts'
import { reconcileLog } from '../../src/audit/reconcile-log.ts'
import { reconcileRows } from '../../src/audit/reconcile-rows.ts'
import { loadSigningKey } from '../../src/audit/signing-key.ts'
import type { Config } from '../../src/config.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import type { EventStore } from '../../src/event-store/port.ts'
import { openLog } from '../../src/platform/log.ts'
import { openForProjections } from '../../src/projector/open-events.ts'
import { loadMasterKey } from '../../src/secrets/master-key.ts'
import { CannotOpen } from '../../src/secrets/sealing.ts'
import { openVault } from '../../src/secrets/vault.ts'
import { historyOf } from '../copy-events/history.ts'
import type { withVaultDatabase } from '../operate/vault-database.ts'

type Work = Parameters<typeof withVaultDatabase<boolean>>[2]

/** Whether all agrees. Throws InvalidConfiguration, and what the log, store, vault and database throw. */
export const reconcile =
  (config: Config, print: (line: string) => void): Work =>
  async (db, { pool, connection }) => {
    const database = queryableOf(pool)
    const key = await loadSigningKey(config, { make: false })
    const vault = await openVault(db, await loadMasterKey(config))
    const store = await openEventStore({ place: config.eventStoreUrl ?? connection, log: openLog('warn') })
    try {
      const log = await reconcileLog(database, wholeOf(store), key?.publicKey)
      print(
        `log         ${log.difference ?? `${log.leaves} leaves and ${log.checkpoints} checkpoints agree with the events`}`,
      )
      if (log.notLogged > 0) print(`            ${log.notLogged} events behind them have no leaf yet`)
      if (key === undefined) print(`            ${NO_KEY}`)
      const open = openForProjections(vault)()
      const shown = await reconcileRows(database, wholeOf(store), async (recorded) => {
        try {
          const event = await open(recorded)
          const operations = event === null ? [] : auditlog.apply(event)
          return operations.flatMap((operation) => (operation.op === 'insert' ? [operation.row] : []))
        } catch (error) {
          if (error instanceof CannotOpen || error instanceof UnreadableEvent) return null
          throw error
        }
      })
      const agree =
        shown.upTo === null
          ? 'there are no rows yet: no event was handled'
          : `${shown.rows} rows agree with the events, up to position ${shown.upTo}`
      print(`audit log   ${shown.difference ?? agree}`)
      return log.difference === null && shown.difference === null
    } finally {
      await store.close()
    }
  }

const wholeOf = (store: EventStore) => historyOf(store, new AbortController().signal)

const NO_KEY =
  'there is no signing key here: whether the key in the database is still yours, compare yourself (npm run log -- status)'
