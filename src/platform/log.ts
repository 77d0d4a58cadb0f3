/** The log: JSON lines on standard error, so that standard output stays for what a program has to say. */
import { type Logger, pino } from 'pino'

/** A second belt: nothing is logged that holds secrets, and should it ever be, these paths are blanked. */
const REDACTED = ['password', 'currentPassword', 'newPassword', 'token', 'secret', 'code', 'cookie', 'authorization']

export const openLog = (level: string): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    },
    pino.destination({ fd: 2, sync: true }),
  )
