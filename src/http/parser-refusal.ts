import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { Problem, problemBody, problemMediaType } from './problem.ts'
import { type Headers, securityHeaders } from './security-headers.ts'

/**
 * Answers, on the bare socket, what never became a request: Node's parser refused it, or it came too slowly. The
 * client gets a problem like any other, then the socket closes.
 */
export function refuseOnSocket(socket: Duplex, problem: Problem): void {
  const requestId = randomUUID()
  const body = problemBody(problem, requestId)
  const headers: Headers = [
    ...securityHeaders(),
    ...Object.entries(problem.headers),
    ['X-Request-Id', requestId],
    ['Date', new Date().toUTCString()],
    ['Connection', 'close'],
    ['Content-Type', problemMediaType],
    ['Content-Length', String(Buffer.byteLength(body))],
  ]
  const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.on('error', () => socket.destroy())
  socket.end(`HTTP/1.1 ${problem.status} ${reasons[problem.status] ?? 'Error'}\r\n${head}\r\n${body}`)
  // Closing at once, with the client's bytes unread, would reset the connection and destroy the answer on its way.
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), lingerMs).unref()
  socket.once('close', () => clearTimeout(timer))
}

/** What an error of Node's HTTP parser means to the client. */
export function parserProblem(error: { readonly code?: string | undefined }): Problem {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem(431, 'headers-too-large')
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem(413, 'content-too-large')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem(408, 'request-timeout')
    default:
      return new Problem(400, 'invalid-request', {
        detail: 'This is not a well-formed HTTP/1.1 request.',
        errors: [{ pointer: '#', code: 'malformed', detail: 'The request cannot be parsed.' }],
      })
  }
}

const lingerMs = 1_000

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large',
}
