import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import type { Logger } from 'pino'
import type { EventStore } from '../event-store/port.ts'
import { Latch } from '../platform/latch.ts'
import type { Notifications } from '../platform/notifications.ts'
import { parseNews } from './channel.ts'
import { describeFault, ProjectionFault } from './fault.ts'
import type { Decode } from './inbox.ts'
import type { Checkpoints, Job } from './job.ts'
import { acquireLease, type Lease, releaseLease } from './lease.ts'
import {
  type CommittedBatch,
  isPassing,
  isSchemaGone,
  type SessionEnd,
  type SessionOptions,
  type SessionProgress,
  workAsOwner,
} from './session.ts'

export interface WorkerOptions<Event> {
  readonly store: Pick<EventStore, 'read' | 'subscribe'>
  /**
   * Makes of a recorded event what the work takes. May be slow, and runs for many events at once. An error that means
   * "away" (StoreUnavailable, isDatabaseAway) is tried again; any other is the event's fault.
   */
  readonly decode: Decode<Event>
  /** Two connections at once are used. */
  readonly pool: pg.Pool
  readonly notifications: Notifications
  /** Says which process this is, in the row of the checkpoint. */
  readonly owner: string
  /** Of one run in that process. Jobs that share it take a lease over from each other at once. */
  readonly run?: string
  readonly log: Logger
  /** Most events in one transaction; default 1,000. */
  readonly batchSize?: number
  /** How long a silent owner keeps its place; LEASE_SECONDS by default. It reports every third of that. */
  readonly leaseSeconds?: number
  /** Told of each batch that was committed. Must not throw. */
  readonly observe?: (batch: WorkedBatch) => void
}

/** Whose batch it was, and what was in it. */
export type WorkedBatch = CommittedBatch & Pick<Checkpoints, 'kind'> & Pick<Job<never>, 'name'>

export interface WorkerStatus {
  readonly name: string
  readonly version: number
  readonly build: number
  /** `waiting`: another process owns the work, or something it needs is away. */
  readonly state: 'waiting' | 'running' | 'halted' | 'stopped'
  /** Last event handled, as far as this process knows; null before the first. */
  readonly position: bigint | null
  /** 0 when caught up, else the age of the last event handled; null where that is not known, or the lease is another's. */
  readonly lagSeconds: number | null
  /** Of the lease last held; null before. */
  readonly epoch: bigint | null
  /** Since the start of this run: batches committed, events in them, and tries after a disturbance. */
  readonly batches: number
  readonly events: number
  readonly retries: number
}

export interface RunningWorker {
  status(): WorkerStatus
  /** Finishes the batch being written or rolls it back, gives the lease back, and never throws. */
  stop(): Promise<void>
}

export interface RunningJob extends RunningWorker {
  /** Ends the work under way and begins it again: something has changed that is looked at only in the beginning. */
  again(): void
}

const BATCH_SIZE = 1_000
export const LEASE_SECONDS = 5
const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 2_000

/**
 * Runs one job until it is stopped: waits for the lease, follows the store from the checkpoint, works in batches.
 * Several processes may run the same one: one of them works and the others stand by. It outlives whatever happens to
 * the database and to the store. Returns at once.
 * `own` is what an owner does.
 */
export function runJob<Event>(
  job: Job<Event>,
  options: WorkerOptions<Event>,
  own: Own<Event> = workAsOwner,
): RunningJob {
  const worker = new Worker(job, options, own)
  const running = worker.run()
  return {
    status: () => worker.status(),
    again: () => worker.again(),
    stop: () => {
      worker.stopping.abort()
      return running
    },
  }
}

export type Own<Event> = (
  options: SessionOptions<Event>,
  progress: SessionProgress,
  stop: AbortSignal,
) => Promise<SessionEnd>

class Worker<Event> {
  readonly stopping = new AbortController()
  readonly #job: Job<Event>
  readonly #options: WorkerOptions<Event>
  readonly #own: Own<Event>
  #round = new AbortController()
  readonly #batchSize: number
  readonly #leaseSeconds: number
  readonly #owner: string
  readonly #log: Logger
  /** Set when something has happened to the row that is not the progress of its owner. */
  readonly #news = new Latch()
  #state: WorkerStatus['state'] = 'waiting'
  #progress: SessionProgress | undefined
  /** As far as it knows: also while it waits to try again. */
  #hasLease = false
  #retries = 0
  /** Retries since the last batch that was committed. */
  #failures = 0
  #registered = false
  #failedAt: bigint | null = null

  constructor(job: Job<Event>, options: WorkerOptions<Event>, own: Own<Event>) {
    const { batchSize = BATCH_SIZE, leaseSeconds = LEASE_SECONDS } = options
    this.#job = job
    this.#options = options
    this.#own = own
    this.#batchSize = batchSize
    this.#leaseSeconds = leaseSeconds
    this.#owner = `${options.owner}/${options.run ?? randomUUID().slice(0, 8)}`
    const { kind } = job.checkpoints
    this.#log = options.log.child(
      kind === 'reactor' ? { reactor: job.name } : { projection: job.name, version: job.version, build: job.build },
    )
  }

  status(): WorkerStatus {
    const { name, version, build } = this.#job
    const { lease, caughtUp = false, batches = 0, events = 0 } = this.#progress ?? {}
    const { position = null, epoch = null, eventTime = null } = lease ?? {}
    const age = eventTime && Math.max(0, Date.now() - eventTime.getTime()) / 1_000
    // Who stands by sees nothing of what the owner does, and its own last event only grows older.
    const lagSeconds = !this.#hasLease ? null : caughtUp ? 0 : age
    const retries = this.#retries
    return { name, version, build, state: this.#state, position, lagSeconds, epoch, batches, events, retries }
  }

  again(): void {
    this.#round.abort()
  }

  async run(): Promise<void> {
    const { channel } = this.#job.checkpoints
    const stopListening = await this.#options.notifications.listen(channel, (payload) => this.#hear(payload))
    while (!this.stopping.signal.aborted) {
      try {
        const lease = await this.#waitForLease()
        if (lease && (await this.#work(lease)) === 'done') break
      } catch (error) {
        await this.#recover(error)
      }
    }
    stopListening()
    await this.#release()
    this.#hasLease = false
    this.#state = 'stopped'
  }

  async #waitForLease(): Promise<Lease | undefined> {
    const { pool } = this.#options
    const { checkpoints, name, version, build } = this.#job
    if (!this.#registered) await this.#job.register()
    this.#registered = true
    while (!this.stopping.signal.aborted) {
      // Before the attempt: news that comes while it runs must cut the wait after it short.
      this.#news.clear()
      const failedAt = this.#failedAt
      const seconds = this.#leaseSeconds
      const attempt = await acquireLease(pool, {
        ...{ checkpoints, name, version, build },
        owner: this.#owner,
        seconds,
        failedAt,
      })
      this.#hasLease = attempt.kind === 'acquired'
      if (attempt.kind === 'acquired') return attempt.lease
      if (attempt.kind === 'unregistered') {
        this.#registered = false
        throw new ProjectionFault(`the row of the ${checkpoints.kind} is gone`)
      }
      this.#state = attempt.kind === 'halted' ? 'halted' : 'waiting'
      // Not below 50: a lease that runs out this very moment may be under its owner's last lock.
      const remainingMs = attempt.kind === 'halted' ? seconds * 1_000 : Math.max(50, attempt.remainingMs + 5)
      await this.#news.wait(Math.min(seconds * 1_000, remainingMs), this.stopping.signal)
    }
    return undefined
  }

  async #work(lease: Lease): Promise<'done' | 'again'> {
    const { store, decode, pool, observe } = this.#options
    const { name, checkpoints } = this.#job
    const { batches = 0, events = 0, limit = this.#batchSize } = this.#progress ?? {}
    const progress = { lease, caughtUp: false, limit, batches, events }
    this.#progress = progress
    this.#state = 'running'
    this.#log.info({ epoch: String(lease.epoch), position: String(lease.position) }, 'the projector has the lease')
    this.#round = new AbortController()
    const stop = AbortSignal.any([this.stopping.signal, this.#round.signal])
    const work = {
      ...{ job: this.#job, store, decode, pool, batchSize: this.#batchSize, log: this.#log },
      observe: (batch: CommittedBatch) => observe?.({ ...batch, kind: checkpoints.kind, name }),
    }
    try {
      const end = await this.#own(work, progress, stop)
      this.#state = end.kind === 'halted' ? 'halted' : 'waiting'
      this.#hasLease = end.kind === 'stopped'
      if (end.kind === 'halted') this.#failedAt = end.at
      return end.kind === 'reached' ? 'done' : 'again'
    } finally {
      if (progress.batches > batches) this.#failures = 0
    }
  }

  /** Waits less than the lease lasts: a projector whose store is away keeps its place, and queries learn `behind`. */
  async #recover(error: unknown): Promise<void> {
    const { signal } = this.stopping
    if (signal.aborted) return
    this.#state = 'waiting'
    this.#retries += 1
    const longestMs = Math.min(LAST_RETRY_MS, (this.#leaseSeconds * 1_000) / 3)
    const retryMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, longestMs) * (0.5 + Math.random() / 2)
    this.#failures += 1
    // A batch that runs into the statement timeout looks like a database that is away, and would for ever: try with
    // less. Full batches that pass make it grow again.
    if (this.#progress) this.#progress.limit = Math.max(1, this.#progress.limit >> 1)
    if (isPassing(error)) this.#log.warn({ err: error, retryMs }, 'the projector is interrupted and will try again')
    else this.#log.error({ fault: describeFault(error), retryMs }, 'the projector failed and will try again')
    if (isSchemaGone(error)) this.#registered = false
    await delay(retryMs, undefined, { signal }).catch(() => {})
  }

  async #release(): Promise<void> {
    if (!this.#progress) return
    try {
      await releaseLease(this.#options.pool, this.#progress.lease)
    } catch (error) {
      this.#log.warn({ err: error }, 'the lease was not given back: it runs out by itself')
    }
  }

  #hear(payload: string | undefined): void {
    const { name, version, build } = this.#job
    const news = payload === undefined ? undefined : parseNews(payload)
    const ours = news?.name === name && news.version === version && news.build === build && news.position === null
    if (payload === undefined || ours) this.#news.set()
  }
}
