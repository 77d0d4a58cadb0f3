import { DecodeError } from '../event-store/port.ts'

/**
 * What is wrong with a projection or with an operation it asked for. Its message goes into logs and tables as it
 * stands: it names tables and columns, never a value.
 */
export class ProjectionFault extends Error {
  override readonly name: string = 'ProjectionFault'
}

/** An error as it may be shown to an operator: who, where, and which code. Values are safe to log and to store. */
export interface FaultDescription {
  readonly error: string
  /** SQLSTATE, or the code of a Node error. */
  readonly code: string | null
  /** Only of errors whose text is known to hold nothing of the event. */
  readonly message: string | null
  readonly table: string | null
  readonly column: string | null
  readonly constraint: string | null
  /** Innermost stack frames. */
  readonly at: readonly string[]
}

const FRAMES = 4

/**
 * Describes an error without its text: JSON.parse quotes its input, PostgreSQL quotes values and whole rows, and the
 * event behind it may hold an opened personal box.
 */
export function describeFault(error: unknown): FaultDescription {
  const fields: Record<string, unknown> = error instanceof Error ? { ...error } : {}
  const name = (key: string) => (typeof fields[key] === 'string' ? fields[key].slice(0, 100) : null)
  return {
    error: error instanceof Error ? (error.constructor.name || error.name).slice(0, 100) : typeof error,
    code: name('code'),
    message: error instanceof ProjectionFault || error instanceof DecodeError ? error.message : null,
    table: name('table'),
    column: name('column'),
    constraint: name('constraint'),
    at: error instanceof Error ? framesOf(error) : [],
  }
}

function framesOf(error: Error): string[] {
  // The stack begins with the message, which may have lines of its own.
  const stack = error.stack ?? ''
  const end = error.message === '' ? 0 : stack.lastIndexOf(error.message) + error.message.length
  const frames = stack
    .slice(end)
    .split('\n')
    .filter((line) => /^\s+at \S/.test(line))
  return frames.slice(0, FRAMES).map((line) => line.trim().slice(0, 200))
}
