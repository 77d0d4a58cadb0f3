/** `npm run token`: access tokens for operators, analysts and auditors. */
import { InvalidConfiguration, readConfig } from '../src/config.ts'
import { EmbeddedPostgresError } from '../src/platform/embedded-postgres/error.ts'
import { openLog } from '../src/platform/log.ts'
import { isDatabaseAway } from '../src/platform/postgres.ts'
import { openAccessTokens } from '../src/secrets/access-tokens.ts'
import { NoInstallation, withVaultDatabase } from './operate/vault-database.ts'
import { EXIT, runTokenCommand } from './token/command.ts'

const run = (): Promise<number> =>
  runTokenCommand(process.argv.slice(2), {
    withTokens: (work) =>
      withVaultDatabase(readConfig(), openLog('warn'), (db) => work(openAccessTokens(db, Date.now))),
    out: (text) => void process.stdout.write(text),
    complain: (text) => void process.stderr.write(text),
  })

/** Never a connection string: it may hold a password. */
const sentenceFor = (error: unknown): string => {
  if (isDatabaseAway(error)) return 'the database cannot be reached; check DATABASE_URL and that it runs'
  const told = [InvalidConfiguration, NoInstallation, EmbeddedPostgresError]
  if (error instanceof Error && told.some((kind) => error instanceof kind)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

// Whoever reads through `| head` stops reading early.
process.stdout.on('error', () => {
  process.exitCode = EXIT.failed
})

run().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    process.stderr.write(`${sentenceFor(error)}\n`)
    const misused = error instanceof InvalidConfiguration || error instanceof NoInstallation
    process.exitCode = misused ? EXIT.misuse : EXIT.failed
  },
)
