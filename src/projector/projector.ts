import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { EventStore } from '../event-store/port.ts'
import { Latch } from '../platform/latch.ts'
import { ownBuild } from './build.ts'
import { type Build, listBuilds } from './builds.ts'
import { PROJECTION_CHANNEL, parseNews, REQUEST_CHANNEL } from './channel.ts'
import { describeFault } from './fault.ts'
import { type Job, PROJECTIONS } from './job.ts'
import { layoutsOf } from './layout.ts'
import { openParking } from './parking.ts'
import type { Projection } from './row-operation.ts'
import { writeOperations } from './rows.ts'
import { registerProjections } from './schema.ts'
import { isPassing, isSchemaGone } from './session.ts'
import { type RunningJob, type RunningWorker, runJob, type WorkerOptions, type WorkerStatus } from './worker.ts'

export interface ProjectorOptions<Event> extends WorkerOptions<Event> {
  readonly projection: Projection<Event>
  readonly store: Pick<EventStore, 'read' | 'subscribe' | 'tail'>
  readonly onFailure?: FailurePolicy
  /** See BuildOptions. */
  readonly bulkSize?: number
  /** See ParkingOptions. */
  readonly isForNewer?: (error: unknown) => boolean
}

/**
 * What to do with an event that cannot be projected: stop in front of it and alert, or leave its stream aside. The latter
 * is for projections in which no stream touches the rows of another one.
 */
export type FailurePolicy = 'halt' | 'park'

export interface RunningProjection extends RunningWorker {
  /** Of the build that this process is making, or standing by for. */
  building(): WorkerStatus | undefined
}

/**
 * Runs one projection until it is stopped: keeps the live build up to date, where it is of this version, and makes the
 * new one that somebody has asked for. Rows are written in batches, each in one transaction with the checkpoint.
 * Returns at once; throws ProjectionFault where the projection's definition contradicts itself.
 */
export function runProjection<Event>(options: ProjectorOptions<Event>): RunningProjection {
  layoutsOf(options.projection)
  const supervisor = new Supervisor(options)
  const running = supervisor.run()
  return {
    status: () => supervisor.status(),
    building: () => supervisor.building(),
    stop: () => {
      supervisor.stopping.abort()
      return running
    },
  }
}

/** The job of one build, for runJob. */
export function jobOf<Event>(options: ProjectorOptions<Event>, build: number): Job<Event> {
  const { projection, pool, onFailure = 'halt', isForNewer = () => false } = options
  const { name, version } = projection
  const layouts = layoutsOf(projection, build)
  const prepare = (events: readonly Event[]) => {
    const operations = events.flatMap((event) => projection.apply(event))
    return (client: pg.ClientBase) => writeOperations(client, layouts, operations)
  }
  const { store, decode, log } = options
  const parking = openParking({ ...{ pool, store, decode, prepare, isForNewer }, log: log.child({ projection: name }) })
  return {
    ...{ name, version, build, prepare },
    checkpoints: PROJECTIONS,
    // Whoever runs it has seen to that.
    register: async () => {},
    ...(onFailure === 'park' ? { parking } : {}),
  }
}

interface Running {
  readonly build: Build
  readonly worker: RunningJob
}

const LOOK_EVERY_MS = 5_000
const RETRY_MS = 500

class Supervisor<Event> {
  readonly stopping = new AbortController()
  readonly #options: ProjectorOptions<Event>
  readonly #news = new Latch()
  #live: Running | undefined
  #building: Running | undefined
  #registered = false
  /** Looks that failed; a worker counts its own. */
  #failures = 0
  #stopped = false

  constructor(options: ProjectorOptions<Event>) {
    this.#options = { ...options, run: randomUUID().slice(0, 8) }
  }

  status(): WorkerStatus {
    const status = this.#live?.worker.status()
    if (status) {
      return {
        ...status,
        retries: status.retries + this.#failures,
        state: this.#stopped ? 'stopped' : status.state,
      }
    }
    const { name, version } = this.#options.projection
    const state = this.#stopped ? 'stopped' : 'waiting'
    return {
      ...{ name, version, build: 1, state, position: null, lagSeconds: null, epoch: null },
      ...{ batches: 0, events: 0, retries: this.#failures },
    }
  }

  building(): WorkerStatus | undefined {
    return this.#building?.worker.status()
  }

  async run(): Promise<void> {
    const { notifications, log } = this.#options
    const { signal } = this.stopping
    const stops = await Promise.all([
      notifications.listen(PROJECTION_CHANNEL, (payload) => this.#hear(payload)),
      notifications.listen(REQUEST_CHANNEL, this.#news.set),
    ])
    while (!signal.aborted) {
      this.#news.clear()
      let waitMs = LOOK_EVERY_MS
      try {
        await this.#adjust()
      } catch (error) {
        if (isPassing(error)) log.warn({ err: error }, 'the builds of a projection cannot be looked at')
        else log.error({ fault: describeFault(error) }, 'the builds of a projection cannot be looked at')
        this.#failures += 1
        waitMs = RETRY_MS
      }
      await this.#news.wait(waitMs, signal)
    }
    for (const stop of stops) stop()
    await Promise.all([this.#live?.worker.stop(), this.#building?.worker.stop()])
    this.#stopped = true
  }

  async #adjust(): Promise<void> {
    const { projection } = this.#options
    const builds = await this.#registeredBuilds()
    const ours = builds.filter(({ version }) => version === projection.version)
    const live = ours.find(({ stage }) => stage === 'live')
    const building = ours.find(({ stage, purpose }) => stage === 'building' && purpose === 'flip')
    if (this.stopping.signal.aborted) return
    this.#building = await this.#change(this.#building, building, (build) => this.#make(build))
    this.#live = await this.#change(this.#live, live, ({ build }) => runJob(jobOf(this.#options, build), this.#options))
    if (live?.releaseAsked) this.#live?.worker.again()
  }

  /** Most often the start of the process has registered it, and this finds the rows. */
  async #registeredBuilds(): Promise<readonly Build[]> {
    const { projection, pool, store } = this.#options
    const { name, version } = projection
    const look = () =>
      listBuilds(pool, name).catch((error: unknown) => {
        if (isSchemaGone(error)) return []
        throw error
      })
    const builds = await look()
    const isComplete = builds.length > 0 && (this.#registered || builds.some((build) => build.version === version))
    if (!isComplete) await registerProjections(pool, [projection], { tail: () => store.tail() })
    this.#registered = true
    return isComplete ? builds : await look()
  }

  /** What takes the place of something else is started first: who waits for it must not find nobody at work. */
  async #change(
    running: Running | undefined,
    wanted: Build | undefined,
    start: (build: Build) => RunningJob,
  ): Promise<Running | undefined> {
    if (running && running.build.build === wanted?.build) {
      if (running.worker.status().state !== 'stopped') return running
    }
    const next = wanted && { build: wanted, worker: start(wanted) }
    await running?.worker.stop()
    return next
  }

  #make({ build }: Build): RunningJob {
    const { projection, store, bulkSize } = this.#options
    const how = { projection, build, store, ...(bulkSize === undefined ? {} : { bulkSize }) }
    return runJob(jobOf(this.#options, build), this.#options, ownBuild(how))
  }

  #hear(payload: string | undefined): void {
    const news = payload === undefined ? undefined : parseNews(payload)
    if (payload === undefined || (news?.name === this.#options.projection.name && news.position === null)) {
      this.#news.set()
    }
  }
}
