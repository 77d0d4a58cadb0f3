/**
 * The load, in a process of its own, so that its work is not taken from the server's event loop. A job comes as a
 * message, its outcome goes back as one. undici rather than an off-the-shelf load generator, for its cost per request
 * is the lowest and every request may differ.
 */

import { importPeer } from './peers.ts'
import { quantile } from './rounds.ts'

export interface LoadRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface LoadJob {
  readonly url: string
  /** Per connection, in turn. Each connection sends one request at a time. */
  readonly connections: readonly (readonly LoadRequest[])[]
  /** Over and over for so long; or each request once. */
  readonly until: { readonly durationMs: number } | 'each once'
  /** What every answer has to be. */
  readonly status: number
}

export interface LoadOutcome {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** The first answer, or failure, that was not as it should be; nothing of the rest counts then. */
  readonly wrong?: string
}

interface Undici {
  readonly Client: new (
    url: string,
    options: { readonly pipelining: number },
  ) => {
    request(options: LoadRequest): Promise<{ readonly statusCode: number; readonly body: { text(): Promise<string> } }>
    close(): Promise<void>
  }
}

const { Client } = await importPeer<Undici>('undici')

const run = async ({ url, connections, until, status }: LoadJob): Promise<LoadOutcome> => {
  const latencies: number[] = []
  const began = performance.now()
  const isOver = (sent: number, of: number) =>
    until === 'each once' ? sent >= of : performance.now() - began >= until.durationMs
  await Promise.all(
    connections.map(async (requests) => {
      const client = new Client(url, { pipelining: 1 })
      for (let sent = 0; !isOver(sent, requests.length); sent++) {
        const request = requests[sent % requests.length]
        if (request === undefined) throw new Error('a connection has nothing to ask')
        const start = performance.now()
        const { statusCode, body } = await client.request(request)
        const text = await body.text()
        if (statusCode !== status)
          throw new Error(`${request.method} ${request.path}: ${statusCode} ${text.slice(0, 500)}`)
        latencies.push(performance.now() - start)
      }
      await client.close()
    }),
  )
  const seconds = (performance.now() - began) / 1_000
  return { perSecond: latencies.length / seconds, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) }
}

process.on('message', (job: LoadJob) => {
  run(job).then(
    (outcome) => process.send?.(outcome),
    (error: unknown) =>
      process.send?.({ perSecond: 0, p50Ms: 0, p99Ms: 0, wrong: String(error) } satisfies LoadOutcome),
  )
})
