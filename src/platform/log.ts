/** The log: JSON lines on standard error, so that standard output stays for what a program has to say. */
import { type DestinationStream, type Logger, pino } from 'pino'
import { describeError } from './describe-error.ts'

/** A second belt: nothing is logged that holds secrets, and should it ever be, these paths are blanked. */
const SECRETS = ['password', 'currentPassword', 'newPassword', 'token', 'secret', 'cookie', 'authorization']
/** `code` alone would blank the error codes an operator needs. */
const PATHS = [...SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), 'body.code', '*.body.code']

export const openLog = (level: string, to: DestinationStream = standardError()): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // What is no Error was described already.
      serializers: { err: (error: unknown) => (error instanceof Error ? describeError(error) : error) },
      redact: { paths: PATHS, censor: '[redacted]' },
    },
    to,
  )

const standardError = (): DestinationStream => pino.destination({ fd: 2, sync: true })
