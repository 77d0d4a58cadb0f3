/**
 * What broke, for the log: name, message, code and stack of the error and of its causes. Not the error itself: errors
 * of drivers carry connection settings, and the rows and parameters they failed on.
 */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) }
  return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause }
}
