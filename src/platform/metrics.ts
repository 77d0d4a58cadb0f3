/**
 * What Prometheus reads at /metrics. Labels hold names of this program's own (projection, route template, status), never
 * anything of a request or a person, so that their number is bounded and nothing personal is in them.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** How far a projection, the new build of one, or a reactor is in this process. */
export interface WorkerFigures {
  readonly kind: 'projection' | 'build' | 'reactor'
  readonly name: string
  readonly state: 'waiting' | 'running' | 'halted' | 'stopped'
  readonly position: bigint | null
  readonly lagSeconds: number | null
  readonly epoch: bigint | null
  readonly retries: number
}

/** As the database tells, whoever does the work. */
export interface ReadModelFigures {
  readonly name: string
  readonly lagSeconds: number | null
  readonly halted: boolean
  readonly parked: number
  readonly rebuilding: boolean
  readonly rebuildEvents: number
  /** Null where there is no new build. */
  readonly rebuildState: (typeof REBUILD_STATES)[number] | null
}

export interface MetricsSources {
  readonly workers: () => readonly WorkerFigures[]
  /** Throws where the database is away: the figures are then left out. */
  readonly readModels: () => Promise<readonly ReadModelFigures[]>
  readonly hashing: (() => { readonly waiting: number; readonly active: number }) | undefined
}

export interface Metrics {
  observeRequest(request: {
    readonly method: string
    readonly route: string
    readonly status: number
    readonly seconds: number
  }): void
  observeBatch(batch: {
    readonly kind: 'projection' | 'reactor'
    readonly name: string
    readonly events: number
    readonly seconds: number
  }): void
  observeAppend(batch: { readonly appends: number; readonly events: number }): void
  /** Where its figures come from; called once, when the parts are there. */
  collectFrom(sources: MetricsSources): void
  /** In the text format of Prometheus. */
  text(): Promise<string>
  readonly contentType: string
}

const STATES = ['waiting', 'running', 'halted', 'stopped'] as const
const REBUILD_STATES = ['waiting', 'building', 'comparing', 'halted', 'refused'] as const
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const SIZES = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000]
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

export const openMetrics = (): Metrics => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const histogram = <Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly Label[],
  ): Histogram<Label> => new Histogram({ name, help, buckets, labelNames, registers })
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]): Gauge<Label> =>
    new Gauge({ name, help, labelNames, registers })

  const requests = histogram('strongroom_http_request_seconds', 'From the first byte to the last, by route.', SECONDS, [
    'method',
    'route',
    'status',
  ])
  const batchesOf = (kind: 'projection' | 'reactor', more: string) => ({
    seconds: histogram(`strongroom_${kind}_batch_seconds`, `Transactions of batches${more}.`, SECONDS, ['name']),
    events: histogram(`strongroom_${kind}_batch_events`, `Events in a batch${more}.`, SIZES, ['name']),
  })
  const batches = {
    projection: batchesOf('projection', ', those of a new build too'),
    reactor: batchesOf('reactor', ''),
  }
  const sizeOfAppends = (name: string, help: string): Histogram =>
    histogram(name, `${help} Empty where EventStoreDB holds the events: it takes each append by itself.`, SIZES, [])
  const appendEvents = sizeOfAppends('strongroom_append_batch_events', 'Events in one transaction of appends.')
  const appends = sizeOfAppends('strongroom_append_batch_appends', 'Appends that shared one transaction.')

  const labels = ['kind', 'name'] as const
  const state = gauge('strongroom_worker_state', '1 for the state it is in, in this process.', [...labels, 'state'])
  const position = gauge('strongroom_worker_position', 'Last event handled, as this process knows.', labels)
  const lag = gauge(
    'strongroom_worker_lag_seconds',
    '0 when caught up, else the age of the last event; only of what this process has the lease of.',
    labels,
  )
  const epoch = gauge('strongroom_worker_epoch', 'Of the lease it has held last; grows with each owner.', labels)
  const retries = new Counter({
    ...{ name: 'strongroom_worker_retries_total', help: 'Tries after a disturbance.', labelNames: labels, registers },
  })
  const projectionLag = gauge(
    'strongroom_projection_lag_seconds',
    '0 when caught up, else the age of the last event, as the database tells: also where nobody is at work on it.',
    ['name'],
  )
  const halted = gauge('strongroom_projection_halted', '1: nobody can go on with it.', ['name'])
  const parked = gauge('strongroom_projection_parked', 'Streams left aside.', ['name'])
  const rebuilding = gauge('strongroom_projection_rebuilding', '1: a new build is being made.', ['name'])
  const rebuildEvents = gauge('strongroom_projection_rebuild_events', 'Events in the new build so far.', ['name'])
  const rebuildState = gauge(
    'strongroom_projection_rebuild_state',
    '1 for the state that the new build is in; halted or refused, somebody has to look.',
    ['name', 'state'],
  )
  const hashWaiting = gauge('strongroom_hash_queue_length', 'Passwords that wait to be hashed.', [])
  const hashActive = gauge('strongroom_hash_active', 'Passwords being hashed.', [])

  let sources: MetricsSources | undefined
  const collect = async (): Promise<void> => {
    if (sources === undefined) return
    // What this process knew once, of work that is another's by now or of a build that is gone, is not so any more.
    for (const one of [state, position, lag, epoch, retries]) one.reset()
    for (const worker of sources.workers()) {
      const { kind, name } = worker
      for (const one of STATES) state.set({ kind, name, state: one }, worker.state === one ? 1 : 0)
      if (worker.position !== null) position.set({ kind, name }, Number(worker.position))
      if (worker.lagSeconds !== null) lag.set({ kind, name }, worker.lagSeconds)
      if (worker.epoch !== null) epoch.set({ kind, name }, Number(worker.epoch))
      retries.inc({ kind, name }, worker.retries)
    }
    const hashing = sources.hashing?.()
    if (hashing) {
      hashWaiting.set(hashing.waiting)
      hashActive.set(hashing.active)
    }
    const readModels = await sources.readModels().catch(() => [])
    for (const one of [projectionLag, halted, parked, rebuilding, rebuildEvents, rebuildState]) one.reset()
    for (const { name, ...figures } of readModels) {
      if (figures.lagSeconds !== null) projectionLag.set({ name }, figures.lagSeconds)
      halted.set({ name }, figures.halted ? 1 : 0)
      parked.set({ name }, figures.parked)
      rebuilding.set({ name }, figures.rebuilding ? 1 : 0)
      rebuildEvents.set({ name }, figures.rebuildEvents)
      if (figures.rebuildState === null) continue
      for (const one of REBUILD_STATES) rebuildState.set({ name, state: one }, figures.rebuildState === one ? 1 : 0)
    }
  }

  return {
    observeRequest({ method, route, status, seconds }) {
      // A method is what a client wrote.
      const known = METHODS.has(method) ? method : 'other'
      requests.observe({ method: known, route, status: String(status) }, seconds)
    },
    observeBatch({ kind, name, events, seconds }) {
      batches[kind].events.observe({ name }, events)
      batches[kind].seconds.observe({ name }, seconds)
    },
    observeAppend(batch) {
      appendEvents.observe(batch.events)
      appends.observe(batch.appends)
    },
    collectFrom(given) {
      sources = given
    },
    async text() {
      await collect()
      return registry.metrics()
    },
    contentType: registry.contentType,
  }
}
