import type { LoadJob, LoadOutcome, LoadRequest } from './load-process.ts'
import { startWorker } from './processes.ts'

export interface Load {
  /** Throws where an answer was not as it should be: a server that refuses is fast. */
  run(job: LoadJob): Promise<LoadOutcome>
  stop(): Promise<void>
}

export function startLoad(): Load {
  const worker = startWorker<LoadJob, LoadOutcome>('bench/lib/load-process.ts')
  return {
    async run(job) {
      const outcome = await worker.do(job)
      if (outcome.wrong !== undefined) throw new Error(`under load: ${outcome.wrong}`)
      return outcome
    },
    stop: () => worker.stop(),
  }
}

/** Deals requests out to so many connections. */
export function deal(requests: readonly LoadRequest[], connections: number): readonly (readonly LoadRequest[])[] {
  return Array.from({ length: connections }, (_, i) => requests.filter((_, k) => k % connections === i))
}
