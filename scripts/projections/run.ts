/** The process around the commands on projections. */
import { InvalidConfiguration, readConfig } from '../../src/config.ts'
import { InvalidConnectionString } from '../../src/event-store/eventstoredb-url.ts'
import { StoreUnavailable } from '../../src/event-store/port.ts'
import { EmbeddedPostgresError } from '../../src/platform/embedded-postgres/error.ts'
import { openLog } from '../../src/platform/log.ts'
import { isDatabaseAway } from '../../src/platform/postgres.ts'
import { CannotOpen } from '../../src/secrets/sealing.ts'
import { openProgress } from '../copy-events/progress.ts'
import { NoInstallation } from '../operate/vault-database.ts'
import { EXIT, runProjectionsCommand } from './command.ts'
import { withWorkshop } from './workshop.ts'

export const runProjectionsScript = async (args: readonly string[]): Promise<void> => {
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  // Not on standard output: what a command answers must stay readable by a program.
  const { onProgress, stop } = openProgress(process.stderr)
  try {
    process.exitCode = await runProjectionsCommand(args, {
      withWorkshop: (work) => withWorkshop(readConfig(), openLog('fatal'), work),
      out: (text) => {
        stop()
        process.stdout.write(text)
      },
      complain: (text) => {
        stop()
        process.stderr.write(text)
      },
      onProgress,
      interrupted: interrupted.signal,
    })
  } catch (error) {
    stop()
    process.stderr.write(`${sentenceFor(error)}\n`)
    process.exitCode = misuse.some((kind) => error instanceof kind) ? EXIT.misuse : EXIT.failed
  } finally {
    stop()
  }
}

const misuse = [InvalidConfiguration, InvalidConnectionString, NoInstallation, CannotOpen]

/** Never a connection string: it may hold a password. */
const sentenceFor = (error: unknown): string => {
  if (error instanceof StoreUnavailable)
    return 'the event store cannot be reached; check EVENT_STORE_URL and that it runs'
  if (isDatabaseAway(error)) return 'the database cannot be reached; check DATABASE_URL and that it runs'
  const told = [...misuse, EmbeddedPostgresError]
  if (error instanceof Error && told.some((kind) => error instanceof kind)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
