/** `npm run log`: the tamper-evident log, for operators. */
import { Command, CommanderError } from 'commander'
import { auditlog } from '../projections/auditlog.ts'
import { rootOf } from '../src/audit/frontier.ts'
import { LogContradicted, LogMissing, lastCheckpoint, queryableOf, readTree } from '../src/audit/log-store.ts'
import { migrateLog } from '../src/audit/prepare-log.ts'
import { reconcileLog } from '../src/audit/reconcile-log.ts'
import { reconcileRows } from '../src/audit/reconcile-rows.ts'
import { type Config, InvalidConfiguration, readConfig } from '../src/config.ts'
import { InvalidConnectionString } from '../src/event-store/eventstoredb-url.ts'
import { openEventStore } from '../src/event-store/open.ts'
import { type EventStore, StoreUnavailable } from '../src/event-store/port.ts'
import { EmbeddedPostgresError } from '../src/platform/embedded-postgres/error.ts'
import { openLog } from '../src/platform/log.ts'
import { isDatabaseAway } from '../src/platform/postgres.ts'
import { openForProjections } from '../src/projector/open-events.ts'
import { loadMasterKey } from '../src/secrets/master-key.ts'
import { CannotOpen } from '../src/secrets/sealing.ts'
import { openVault } from '../src/secrets/vault.ts'
import { historyOf } from './copy-events/history.ts'
import { NoInstallation, withVaultDatabase } from './operate/vault-database.ts'

const EXIT = { failed: 1, misuse: 2, different: 3, nothing: 4 }
const print = (line: string): void => void process.stdout.write(`${line}\n`)

type Work = Parameters<typeof withVaultDatabase<void>>[2]

const withLog = (config: Config, work: Work): Promise<void> =>
  withVaultDatabase(config, openLog('warn'), async (db, below) => {
    await migrateLog(below.pool)
    await work(db, below)
  })

const status: Work = async (_, { pool }) => {
  const database = queryableOf(pool)
  const tree = await readTree(database)
  if (tree === undefined) throw new LogMissing()
  const last = await lastCheckpoint(database)
  const [reactor] = await database.query<{
    state: string
    position: string | null
    caught_up: boolean
    halted: unknown
  }>("select state, position::text, caught_up, halted from vault.reactors where name = 'log'", [])
  print(`origin      ${tree.origin}`)
  print(`key         ${tree.verifierKey}`)
  print(`leaves      ${tree.frontier.size}`)
  print(`root        ${rootOf(tree.frontier).toString('base64')}`)
  print(`checkpoint  ${last === undefined ? 'none yet' : `${last.size} leaves, ${last.signedAt.toISOString()}`}`)
  const progress =
    reactor?.caught_up === true ? 'at the end of the events' : `at position ${reactor?.position ?? 'start'}`
  print(`reactor     ${reactor === undefined ? 'not started yet' : `${reactor.state}, ${progress}`}`)
  if (reactor?.state !== 'halted') return
  print(`halted      ${JSON.stringify(reactor.halted)}`)
  process.exitCode = EXIT.different
}

const checkpoint: Work = async (_, { pool }) => {
  const last = await lastCheckpoint(queryableOf(pool))
  if (last === undefined) throw new LogMissing()
  process.stdout.write(last.note)
}

const reconcile =
  (config: Config): Work =>
  async (db, { pool, connection }) => {
    const database = queryableOf(pool)
    const vault = await openVault(db, await loadMasterKey(config))
    const store = await openEventStore({ place: config.eventStoreUrl ?? connection, log: openLog('warn') })
    try {
      const leaves = await reconcileLog(database, wholeOf(store))
      print(
        `log         ${leaves.difference ?? `${leaves.leaves} leaves and ${leaves.checkpoints} checkpoints agree with the events`}`,
      )
      if (leaves.notLogged > 0) print(`            ${leaves.notLogged} events behind them have no leaf yet`)
      const open = openForProjections(vault)()
      const rows = await reconcileRows(database, wholeOf(store), async (recorded) => {
        const event = await open(recorded)
        const operations = event === null ? [] : auditlog.apply(event)
        return operations.flatMap((operation) => (operation.op === 'insert' ? [operation.row] : []))
      })
      print(`audit log   ${rows.difference ?? `${rows.rows} rows agree with the events, up to position ${rows.upTo}`}`)
      if (leaves.difference !== null || rows.difference !== null) process.exitCode = EXIT.different
    } finally {
      await store.close()
    }
  }

const wholeOf = (store: EventStore) => historyOf(store, new AbortController().signal)

const program = new Command('log')
  .description(
    'Shows and checks the tamper-evident log of the installation that the environment names. Works beside a running ' +
      'server and without one. Changes nothing.',
  )
  .addHelpText(
    'after',
    '\nExit codes: 0 done, and all agrees; 1 it failed, run it again; 2 the command or the configuration is wrong; ' +
      '3 something does not agree, or the log has halted; 4 there is no log yet.',
  )
  .exitOverride()

program
  .command('status')
  .description('How large the log is, what was signed last, and whether it grows.')
  .action(() => withLog(readConfig(), status))

program
  .command('checkpoint')
  .description('Prints the last signed checkpoint, to be kept where nobody who can write here can write.')
  .action(() => withLog(readConfig(), checkpoint))

program
  .command('reconcile')
  .description(
    'Computes every leaf, every checkpoint and every row of the audit log anew from the events, and names the first ' +
      'that is not as it should be.',
  )
  .action(() => {
    const config = readConfig()
    return withLog(config, reconcile(config))
  })

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    // It has said what is wrong, or shown its help.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT.misuse
    return
  }
  process.stderr.write(`${sentenceFor(error)}\n`)
  process.exitCode = exitCodeFor(error)
})

const exitCodeFor = (error: unknown): number => {
  if (error instanceof LogMissing) return EXIT.nothing
  if (error instanceof LogContradicted) return EXIT.different
  return error instanceof InvalidConfiguration || error instanceof NoInstallation ? EXIT.misuse : EXIT.failed
}

/** Never a connection string: it may hold a password. */
const sentenceFor = (error: unknown): string => {
  if (error instanceof StoreUnavailable)
    return 'the event store cannot be reached; check EVENT_STORE_URL and that it runs'
  if (isDatabaseAway(error)) return 'the database cannot be reached; check DATABASE_URL and that it runs'
  const told = [
    ...[InvalidConfiguration, InvalidConnectionString, NoInstallation, EmbeddedPostgresError],
    ...[LogMissing, LogContradicted, CannotOpen],
  ]
  if (error instanceof Error && told.some((kind) => error instanceof kind)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
