import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { parserProblem, refuseOnSocket } from './parser-refusal.ts'
import { Problem } from './problem.ts'

export interface ListenOptions {
  /** 0: any that is free. */
  readonly port: number
  readonly host: string
  /** Milliseconds; the defaults are for production, tests set shorter ones. */
  readonly timeouts?: Partial<Timeouts>
}

export interface Timeouts {
  /** From the first byte of a request to the end of its headers: what a slow trickle of headers gets. */
  readonly headersMs: number
  /** To the end of its body. */
  readonly requestMs: number
  /** How long a connection may wait for its next request. */
  readonly keepAliveMs: number
  /** How often the three are looked at. */
  readonly checkMs: number
  /** How long close() lets requests under way go on. */
  readonly graceMs: number
}

export interface Listening {
  readonly address: string
  readonly port: number
  /** Stops accepting, lets requests under way finish within the grace, then cuts what is left. Never rejects. */
  close(): Promise<void>
}

/** The address cannot be listened on. The message is one sentence for the operator. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen'
}

const defaultTimeouts: Timeouts = {
  headersMs: 15_000,
  requestMs: 30_000,
  keepAliveMs: 65_000,
  checkMs: 5_000,
  graceMs: 5_000,
}

/** Serves `app`. Throws CannotListen. */
export async function listen(app: RequestListener, options: ListenOptions): Promise<Listening> {
  const timeouts = { ...defaultTimeouts, ...options.timeouts }
  const server = createServer({
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    connectionsCheckingInterval: timeouts.checkMs,
    // A log-in with a user agent of 20 kB, which some corporate agents have, shall work.
    maxHeaderSize: 32_768,
    insecureHTTPParser: false,
    // Node would answer a missing Host by itself, without our headers and not as a problem: the app does it.
    requireHostHeader: false,
  })
  const connections = trackConnections(server)

  const serve: RequestListener = (request, response) => {
    connections.begin(request.socket, response)
    if (connections.closing()) response.setHeader('Connection', 'close')
    app(request, response)
  }
  server.on('request', serve)
  // With a listener Node sends no 100 by itself: the body is asked for where it is read, after all refusals.
  server.on('checkContinue', serve)
  // Any other Expect is ignored, as RFC 9110, 10.1.1 allows; without a listener Node answers 417 by itself.
  server.on('checkExpectation', serve)
  server.on('connect', (_request, socket: Socket) => {
    refuseOnSocket(socket, new Problem(405, 'method-not-allowed', { headers: { Allow: 'GET, HEAD, OPTIONS' } }))
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // The parser reports again for further bytes of a client that has been refused.
    if (!socket.writable) return
    if (error.code === 'ECONNRESET' || connections.isAnswering(socket)) socket.destroy()
    else refuseOnSocket(socket, parserProblem(error))
  })

  await started(server, options)
  const { address, port } = server.address() as AddressInfo
  return { address, port, close: () => connections.close(timeouts.graceMs) }
}

function started(server: Server, { port, host }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(new CannotListen(reason(error, host, port))))
    server.listen(port, host, resolve)
  })
}

function reason(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is taken by another program: stop it, or set PORT to another number.`
    case 'EACCES':
      return `Port ${port} on ${host} needs rights this user does not have: set PORT to a number from 1024 on.`
    case 'EADDRNOTAVAIL':
      return `This machine has no address ${host}: set HOST to one it has, for example 127.0.0.1.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The name ${host} cannot be resolved: set HOST to an address of this machine, for example 127.0.0.1.`
    default:
      return `Cannot listen on port ${port} of ${host}: ${error.message}.`
  }
}

/** Knows each connection's open answers: for a clean end, and so that a refusal never lands amid an answer. */
function trackConnections(server: Server) {
  const answers = new Map<Socket, Set<ServerResponse>>()
  let closing = false

  server.on('connection', (socket) => {
    answers.set(socket, new Set())
    socket.once('close', () => answers.delete(socket))
  })

  return {
    closing: () => closing,
    begin(socket: Socket, response: ServerResponse) {
      const open = answers.get(socket)
      open?.add(response)
      response.once('close', () => {
        open?.delete(response)
        if (closing && open?.size === 0) socket.end()
      })
    },
    /** Some of an answer is on the wire and not all of it. */
    isAnswering: (socket: Socket) => [...(answers.get(socket) ?? [])].some((response) => response.headersSent),
    close(graceMs: number): Promise<void> {
      closing = true
      return new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs)
        // An error means that it was closed before: what was wanted.
        server.close(() => {
          clearTimeout(cut)
          resolve()
        })
        // Connections that have not asked anything yet: Node counts them as busy.
        for (const [socket, open] of answers) if (open.size === 0 && socket.bytesRead === 0) socket.destroy()
      })
    },
  }
}
