/** How the scripts end: with a sentence that tells no secret, and a code. */
import { InvalidConfiguration } from '../../src/config.ts'
import { InvalidConnectionString } from '../../src/event-store/eventstoredb-url.ts'
import { StoreUnavailable } from '../../src/event-store/port.ts'
import { EmbeddedPostgresError } from '../../src/platform/embedded-postgres/error.ts'
import { isDatabaseAway } from '../../src/platform/postgres.ts'
import { CannotOpen } from '../../src/secrets/sealing.ts'
import { NoInstallation } from './vault-database.ts'

export const EXIT = { done: 0, failed: 1, misuse: 2, notFound: 3, interrupted: 130 } as const

/** Somebody has had enough. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** SIGINT and SIGTERM as an abort, with Interrupted as the reason. */
export const interruptions = (): AbortSignal => {
  const controller = new AbortController()
  const interrupt = () => controller.abort(new Interrupted('interrupted'))
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  return controller.signal
}

const misuse = [InvalidConfiguration, InvalidConnectionString, NoInstallation, CannotOpen]

export const exitCodeFor = (error: unknown): number => {
  if (error instanceof Interrupted) return EXIT.interrupted
  return misuse.some((kind) => error instanceof kind) ? EXIT.misuse : EXIT.failed
}

/** Never a connection string: it may hold a password. */
export const sentenceFor = (error: unknown): string => {
  if (error instanceof StoreUnavailable) {
    return 'the event store cannot be reached; check EVENT_STORE_URL and that it runs'
  }
  if (isDatabaseAway(error)) return 'the database cannot be reached; check DATABASE_URL and that it runs'
  const told = [...misuse, EmbeddedPostgresError, Interrupted]
  if (error instanceof Error && told.some((kind) => error instanceof kind)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
