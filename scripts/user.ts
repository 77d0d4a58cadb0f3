/** `npm run user`: what operators do to accounts from the machine, without an access token: who can read the keys may. */
import { userInfo } from 'node:os'
import { InvalidConfiguration, readConfig } from '../src/config.ts'
import { InvalidConnectionString } from '../src/event-store/eventstoredb-url.ts'
import { StoreUnavailable } from '../src/event-store/port.ts'
import { EmbeddedPostgresError } from '../src/platform/embedded-postgres/error.ts'
import { openLog } from '../src/platform/log.ts'
import { isDatabaseAway } from '../src/platform/postgres.ts'
import { CannotOpen } from '../src/secrets/sealing.ts'
import { NoInstallation } from './operate/vault-database.ts'
import { EXIT, runUserCommand } from './user/command.ts'
import { withServices } from './user/services.ts'

const run = (): Promise<number> =>
  runUserCommand(process.argv.slice(2), {
    withServices: (work) => withServices(readConfig(), openLog('warn'), work),
    operatorId: `script:${userInfo().username}`,
    out: (text) => void process.stdout.write(text),
    complain: (text) => void process.stderr.write(text),
  })

const misuse = [InvalidConfiguration, InvalidConnectionString, NoInstallation, CannotOpen]

/** Never a connection string: it may hold a password. */
const sentenceFor = (error: unknown): string => {
  if (error instanceof StoreUnavailable) {
    return 'the event store cannot be reached; check EVENT_STORE_URL and that it runs'
  }
  if (isDatabaseAway(error)) return 'the database cannot be reached; check DATABASE_URL and that it runs'
  const told = [...misuse, EmbeddedPostgresError]
  if (error instanceof Error && told.some((kind) => error instanceof kind)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

run().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    process.stderr.write(`${sentenceFor(error)}\n`)
    process.exitCode = misuse.some((kind) => error instanceof kind) ? EXIT.misuse : EXIT.failed
  },
)
