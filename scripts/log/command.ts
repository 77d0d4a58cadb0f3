/** What `npm run log` understands, without the process around it. */
import { Command } from 'commander'
import { rootOf } from '../../src/audit/frontier.ts'
import { LogContradicted, LogMissing, lastCheckpoint, queryableOf, readTree } from '../../src/audit/log-store.ts'
import { migrateLog } from '../../src/audit/prepare-log.ts'
import { type Config, InvalidConfiguration } from '../../src/config.ts'
import { InvalidConnectionString } from '../../src/event-store/eventstoredb-url.ts'
import { DecodeError, StoreUnavailable } from '../../src/event-store/port.ts'
import { EmbeddedPostgresError } from '../../src/platform/embedded-postgres/error.ts'
import { openLog } from '../../src/platform/log.ts'
import { isDatabaseAway } from '../../src/platform/postgres.ts'
import { CannotOpen } from '../../src/secrets/sealing.ts'
import { runCommands } from '../operate/frame.ts'
import { NoInstallation, withVaultDatabase } from '../operate/vault-database.ts'
import { reconcile } from './reconcile.ts'

const EXIT = { done: 0, failed: 1, misuse: 2, different: 3, nothing: 4 } as const

export interface Surroundings {
  /** Asked only once the command is understood. */
  readonly config: () => Config
  readonly out: (text: string) => void
  readonly complain: (text: string) => void
}

/** Resolves with the exit code. */
export const runLogCommand = async (args: readonly string[], surroundings: Surroundings): Promise<number> => {
  const { config, out, complain } = surroundings
  const print = (line: string): void => out(`${line}\n`)
  let agrees = true
  const withLog = async (work: (config: Config) => Work): Promise<void> => {
    const read = config()
    agrees = await withVaultDatabase(read, openLog('warn'), async (db, below) => {
      await migrateLog(below.pool)
      return work(read)(db, below)
    })
  }

  const program = new Command('log')
    .description(
      'Shows and checks the tamper-evident log of the installation that the environment names. Works beside a running ' +
        'server and without one. Changes nothing.',
    )
    .addHelpText(
      'afterAll',
      '\nExit codes: 0 done, and all agrees; 1 it failed, run it again; 2 the command or the configuration is wrong; ' +
        '3 something does not agree, or the log has halted; 4 there is no log yet.',
    )
    .configureOutput({ writeOut: out, writeErr: complain })
    .exitOverride()

  program
    .command('status')
    .description('How large the log is, what was signed last, and whether it grows.')
    .action(() => withLog(() => status(print)))

  program
    .command('checkpoint')
    .description('Prints the last signed checkpoint, to be kept where nobody who can write here can write.')
    .action(() => withLog(() => checkpoint(out)))

  program
    .command('reconcile')
    .description(
      'Computes every leaf, every checkpoint and every row of the audit log anew from the events, and names the first ' +
        'that is not as it should be. Give it the same settings as the server has: the key in the database is held ' +
        'against the one that signs.',
    )
    .action(() => withLog((read) => reconcile(read, print)))

  try {
    const code = await runCommands(program, args, complain)
    return code === EXIT.done && !agrees ? EXIT.different : code
  } catch (error) {
    complain(`${sentenceFor(error)}\n`)
    return exitCodeFor(error)
  }
}

/** Whether all is as it should be. */
type Work = Parameters<typeof withVaultDatabase<boolean>>[2]

const status =
  (print: (line: string) => void): Work =>
  async (_, { pool }) => {
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
    if (reactor?.state !== 'halted') return true
    print(`halted      ${JSON.stringify(reactor.halted)}`)
    return false
  }

const checkpoint =
  (out: (text: string) => void): Work =>
  async (_, { pool }) => {
    const last = await lastCheckpoint(queryableOf(pool))
    if (last === undefined) throw new LogMissing()
    out(last.note)
    return true
  }

const exitCodeFor = (error: unknown): number => {
  if (error instanceof LogMissing) return EXIT.nothing
  if (error instanceof LogContradicted || error instanceof DecodeError) return EXIT.different
  return error instanceof InvalidConfiguration || error instanceof NoInstallation ? EXIT.misuse : EXIT.failed
}

/** Never a connection string: it may hold a password. */
const sentenceFor = (error: unknown): string => {
  if (error instanceof StoreUnavailable)
    return 'the event store cannot be reached; check EVENT_STORE_URL and that it runs'
  if (isDatabaseAway(error)) return 'the database cannot be reached; check DATABASE_URL and that it runs'
  const told = [
    ...[InvalidConfiguration, InvalidConnectionString, NoInstallation, EmbeddedPostgresError],
    ...[LogMissing, LogContradicted, DecodeError, CannotOpen],
  ]
  if (error instanceof Error && told.some((kind) => error instanceof kind)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
