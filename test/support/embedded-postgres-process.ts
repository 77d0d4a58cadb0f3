import { createInterface } from 'node:readline'
import { pino } from 'pino'
import { EmbeddedPostgresError } from '../../src/platform/embedded-postgres/error.ts'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'

/**
 * A process that uses the embedded database of the folder it is given, for tests that need several or kill one. It
 * reports each step as a line of JSON and releases the database when it reads a line.
 */
const report = (message: object) => process.stdout.write(`${JSON.stringify(message)}\n`)
const lines = createInterface({ input: process.stdin })
const told = new Promise((resolve) => lines.once('line', resolve))
const began = performance.now()
try {
  const { connection, adopted, release } = await startEmbeddedPostgres({
    dataDir: process.argv[2] ?? '',
    log: pino({ level: 'silent' }),
  })
  report({ step: 'started', connection, adopted, ms: Math.round(performance.now() - began) })
  await told
  await release()
  report({ step: 'released' })
} catch (error) {
  const sentence = error instanceof EmbeddedPostgresError ? error.message : undefined
  report({ step: 'failed', sentence, error: String(error) })
} finally {
  lines.close()
}
