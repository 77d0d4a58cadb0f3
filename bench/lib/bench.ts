import type { Logger } from 'pino'
import type { BenchServer } from './database.ts'
import type { Report } from './report.ts'

export interface Bench {
  readonly server: BenchServer
  readonly log: Logger
  /** Of each contender, after a round that does not count. */
  readonly repeats: number
  /** How long those watch that need a long time. */
  readonly minutes: number
}

/** One benchmark: may report more than one table. */
export type Benchmark = (bench: Bench) => Promise<readonly Report[]>
