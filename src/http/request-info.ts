import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { readCookie } from './cookies.ts'

/** What handlers and authentication may know of a request beside its checked input. */
export interface RequestInfo {
  /** Our own UUID; what the client sends as X-Request-Id counts for nothing. */
  readonly id: string
  readonly method: string
  /** Without the query, which may hold what should not be logged; clipped. */
  readonly path: string
  /** IP address of the client, one spelling per address; '' when it is gone already. */
  readonly address: string
  header(name: string): string | undefined
  /** As sent; undefined when missing or ambiguous. */
  cookie(name: string): string | undefined
  /** Names the request in every line. */
  readonly log: Logger
  /** Aborted when the client leaves before it has its answer. */
  readonly signal: AbortSignal
}

/** `address` is asked at most once, and only when someone wants to know. */
export function describeRequest(
  request: IncomingMessage,
  response: ServerResponse,
  logger: Logger,
  address: () => string,
): RequestInfo {
  const id = randomUUID()
  // Made on demand: most requests need none of the three.
  let log: Logger | undefined
  let abort: AbortController | undefined
  let knownAddress: string | undefined
  return {
    id,
    method: request.method ?? '',
    path: pathOf(request.url ?? ''),
    header: (name) => {
      const value = request.headers[name.toLowerCase()]
      return Array.isArray(value) ? value.join(', ') : value
    },
    cookie: (name) => readCookie(request.headers.cookie, name),
    get address() {
      knownAddress ??= address()
      return knownAddress
    },
    get log() {
      log ??= logger.child({ requestId: id })
      return log
    },
    get signal() {
      abort ??= abortOnClose(response)
      return abort.signal
    },
  }
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/)
  return (end < 0 ? url : url.slice(0, end)).slice(0, 512)
}

function abortOnClose(response: ServerResponse): AbortController {
  const controller = new AbortController()
  const onClose = () => {
    if (!response.writableFinished) controller.abort()
  }
  if (response.closed) onClose()
  else response.once('close', onClose)
  return controller
}
