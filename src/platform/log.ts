/** The log: JSON lines on standard error, so that standard output stays for what a program has to say. */
import { type Logger, pino } from 'pino'

/** A second belt: nothing is logged that holds secrets, and should it ever be, these paths are blanked. */
const SECRETS = ['password', 'currentPassword', 'newPassword', 'token', 'secret', 'cookie', 'authorization']
/** `code` alone would blank the error codes an operator needs. */
const PATHS = [...SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), 'body.code', '*.body.code']

export const openLog = (level: string): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describe },
      redact: { paths: PATHS, censor: '[redacted]' },
    },
    pino.destination({ fd: 2, sync: true }),
  )

/** Named properties only: errors of drivers carry connection settings, and the rows and parameters they failed on. */
const describe = (error: unknown): unknown => {
  if (!(error instanceof Error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const cause = error.cause === undefined ? {} : { cause: describe(error.cause) }
  return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause }
}
