import type { ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { RequestInfo } from './request-info.ts'

/**
 * One line per request, once its answer is out or its client gone. It names what was asked and how it ended, and
 * nothing the client wrote except the path: no query, no header, no cookie, no body, so there is nothing to redact.
 */
export function logWhenDone(response: ServerResponse, request: RequestInfo, logger: Logger): void {
  const start = performance.now()
  response.once('close', () => {
    const line = {
      requestId: request.id,
      method: request.method,
      path: request.path,
      status: response.statusCode,
      durationMs: Math.round((performance.now() - start) * 10) / 10,
    }
    if (response.writableFinished) logger.info(line, 'request')
    else logger.info({ ...line, aborted: true }, 'request: the client left before the answer was out')
  })
}

/**
 * What broke, for the log: name, message, code and stack of the error and of its causes. Not the error itself: errors
 * of drivers carry the rows and parameters they failed on.
 */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { type: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) }
  return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause }
}
