/** `npm run copy-events`: moves a history from one event store to another. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { program } from 'commander'
import { InvalidConnectionString } from '../src/event-store/eventstoredb-url.ts'
import { openEventStore } from '../src/event-store/open.ts'
import { type EventStore, StoreUnavailable } from '../src/event-store/port.ts'
import { EmbeddedPostgresError } from '../src/platform/embedded-postgres/error.ts'
import { startEmbeddedPostgres } from '../src/platform/embedded-postgres.ts'
import { openLog } from '../src/platform/log.ts'
import { isDatabaseAway } from '../src/platform/postgres.ts'
import { CannotCopy, copyHistory, verifyHistory } from './copy-events/copy.ts'
import { openProgress } from './operate/progress.ts'

const EXIT = { failed: 1, different: 2, behind: 3, interrupted: 130 }

class Interrupted extends Error {}
class Misuse extends Error {}

program
  .description(
    'Copies every event of one store into another in the same order, with the same ids, and verifies the copy. It may ' +
      'be interrupted and run again: it goes on where the target ends. The source is only read. Stop whatever writes ' +
      'into it first, or run this again after you have. docs/deployment.md says what else a move takes.',
  )
  .requiredOption('--from <store>', 'esdb://..., postgres://..., or embedded:DATA_DIR')
  .requiredOption('--to <store>', 'the same; it must be empty, or hold the beginning of the source')
  .option('--verify', 'only compare the two; write nothing')
  .addHelpText(
    'after',
    '\nExit codes: 0 complete and verified; 1 it failed, run it again; 2 the target holds something else, or the source nothing;' +
      '\n3 verified, but the source has grown meanwhile, run it again; 130 interrupted.',
  )
  .parse()

interface Opened {
  readonly store: EventStore
  close(): Promise<void>
}

const open = async (place: string): Promise<Opened> => {
  const log = openLog('warn')
  if (place.startsWith('embedded:')) {
    const dataDir = place.slice('embedded:'.length)
    // A mistyped folder must not become a new, empty store.
    if (!existsSync(join(dataDir, 'postgres'))) throw new Misuse(`there is no embedded database in ${dataDir}`)
    const server = await startEmbeddedPostgres({ dataDir, log })
    try {
      const store = await openEventStore({ place: server.connection, log })
      const close = async () => {
        await store.close()
        await server.release()
      }
      return { store, close }
    } catch (error) {
      await server.release()
      throw error
    }
  }
  if (!/^(esdb(\+discover)?|postgres(ql)?):\/\/./.test(place)) {
    throw new Misuse('a store begins with esdb://, postgres:// or embedded:')
  }
  const store = await openEventStore({ place, log })
  return { store, close: () => store.close() }
}

const run = async (): Promise<void> => {
  const options = program.opts<{ from: string; to: string; verify?: true }>()
  if (options.from === options.to) throw new Misuse('--from and --to are the same store')
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort(new Interrupted('interrupted; run it again to go on'))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)

  const from = await open(options.from)
  try {
    const to = await open(options.to)
    const { onProgress, stop } = openProgress(process.stdout)
    try {
      const work = options.verify === true ? verifyHistory : copyHistory
      const verdict = await work({ from: from.store, to: to.store, signal: interrupted.signal, onProgress })
      stop()
      const result = verdict.missing === 0 ? 'complete' : 'behind'
      process.stdout.write(`${JSON.stringify({ result, ...verdict })}\n`)
      if (result === 'behind') process.exitCode = EXIT.behind
    } finally {
      stop()
      await to.close()
    }
  } finally {
    await from.close()
  }
}

run().catch((error: unknown) => {
  process.stderr.write(`${sentenceFor(error)}\n`)
  process.exitCode =
    error instanceof Interrupted ? EXIT.interrupted : error instanceof CannotCopy ? EXIT.different : EXIT.failed
})

/** Never a connection string: it may hold a password. */
const sentenceFor = (error: unknown): string => {
  if (error instanceof StoreUnavailable || isDatabaseAway(error))
    return 'a store cannot be reached; run it again to go on'
  const told = [CannotCopy, Interrupted, Misuse, InvalidConnectionString, EmbeddedPostgresError]
  if (error instanceof Error && told.some((kind) => error instanceof kind)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
