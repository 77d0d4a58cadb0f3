/**
 * Requests at a fixed rate, in a process of its own, whatever the answers take: a client that waits for one answer
 * before it asks again would ask least where the server is slowest. What a request takes counts from when it was due.
 */
import type { LoadRequest } from './load-process.ts'
import { importPeer } from './peers.ts'

export type PacedJob =
  | {
      readonly kind: 'start'
      readonly url: string
      readonly requests: readonly LoadRequest[]
      readonly perSecond: number
    }
  | { readonly kind: 'stop' }

export type PacedAnswer =
  | { readonly kind: 'started' }
  /** Milliseconds, from due to whole. `wrong`: the first answer that was not 200. */
  | { readonly kind: 'stopped'; readonly tookMs: readonly number[]; readonly wrong?: string }

interface Undici {
  readonly Pool: new (
    url: string,
    options: { readonly connections: number },
  ) => {
    request(options: LoadRequest): Promise<{ readonly statusCode: number; readonly body: { text(): Promise<string> } }>
    close(): Promise<void>
  }
}

const { Pool } = await importPeer<Undici>('undici')

const pace = ({ url, requests, perSecond }: Extract<PacedJob, { readonly kind: 'start' }>) => {
  const pool = new Pool(url, { connections: 64 })
  const tookMs: number[] = []
  const under = new Set<Promise<void>>()
  const began = performance.now()
  let sent = 0
  let wrong: string | undefined

  const ask = async (request: LoadRequest, due: number): Promise<void> => {
    try {
      const { statusCode, body } = await pool.request(request)
      const text = await body.text()
      if (statusCode !== 200) wrong ??= `${request.path}: ${statusCode} ${text.slice(0, 500)}`
    } catch (error) {
      wrong ??= String(error)
    }
    tookMs.push(performance.now() - due)
  }

  const timer = setInterval(() => {
    for (let due = nextDue(); due <= performance.now(); due = nextDue()) {
      const request = requests[sent % requests.length]
      sent++
      if (request === undefined) throw new Error('there is nothing to ask')
      const asking = ask(request, due).finally(() => under.delete(asking))
      under.add(asking)
    }
  }, 1)
  const nextDue = () => began + (sent * 1_000) / perSecond

  return async (): Promise<PacedAnswer> => {
    clearInterval(timer)
    await Promise.all(under)
    await pool.close()
    return { kind: 'stopped', tookMs, ...(wrong === undefined ? {} : { wrong }) }
  }
}

let stop: (() => Promise<PacedAnswer>) | undefined

process.on('message', (job: PacedJob) => {
  if (job.kind === 'start') {
    stop = pace(job)
    process.send?.({ kind: 'started' } satisfies PacedAnswer)
  } else void stop?.().then((answer) => process.send?.(answer))
})
