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
