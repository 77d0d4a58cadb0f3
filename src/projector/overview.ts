/** The builds of all projections as one looks at them from outside: one line a projection, and what is being made. */
import type pg from 'pg'
import { type Build, listBuilds, requestRebuild } from './builds.ts'
import { estimateTotal } from './estimate.ts'
import type { ProjectionDefinition } from './schema.ts'

export interface ProjectionView {
  readonly name: string
  readonly version: number
  readonly state: 'live' | 'rebuilding' | 'halted'
  /** Decimal: a position may be above 2^53. */
  readonly position: string | null
  readonly lagSeconds: number | null
  readonly parked: number
  readonly rebuild: RebuildView | null
}

export interface RebuildView {
  readonly version: number
  readonly build: number
  readonly state: 'waiting' | 'building' | 'comparing' | 'halted' | 'refused'
  readonly position: string | null
  /** Since `startedAt`: a build that was kept or refused and is taken up again is counted anew. */
  readonly eventsDone: number
  /** An estimate where positions are not dense. */
  readonly eventsTotal: number | null
  /** Three digits. */
  readonly eventsPerSecond: number | null
  /** Of handling the events; the comparison comes behind it. */
  readonly etaSeconds: number | null
  readonly startedAt: string | null
}

export interface Overview {
  /** Throws what PostgreSQL throws. */
  list(): Promise<readonly ProjectionView[]>
  /** A process with the role projector takes it up. */
  rebuild(name: string): Promise<'accepted' | 'conflict' | 'unknown'>
}

export function openOverview(pool: pg.Pool, projections: readonly ProjectionDefinition[]): Overview {
  return {
    async list() {
      const builds = await listBuilds(pool)
      return projections.flatMap(({ name }) => viewOf(builds.filter((build) => build.name === name)))
    },
    async rebuild(name) {
      const projection = projections.find((one) => one.name === name)
      return projection === undefined ? 'unknown' : (await requestRebuild(pool, projection)).kind
    },
  }
}

/** For /metrics. */
export const figuresOfReadModels = (views: readonly ProjectionView[]) =>
  views.map(({ name, state, parked, lagSeconds, rebuild }) => ({
    ...{ name, parked, lagSeconds },
    halted: state === 'halted',
    rebuilding: state === 'rebuilding',
    rebuildEvents: rebuild?.eventsDone ?? 0,
    rebuildState: rebuild?.state ?? null,
  }))

export function viewOf(builds: readonly Build[]): ProjectionView[] {
  const live = builds.find(({ stage }) => stage === 'live')
  if (live === undefined) return []
  const { name, version, position, lagSeconds, parked } = live
  const building = builds.find(({ stage, purpose }) => stage === 'building' && purpose === 'flip')
  const shown = building ?? builds.find(({ stage }) => stage === 'refused')
  const state = live.state === 'halted' ? 'halted' : building ? 'rebuilding' : 'live'
  const rebuild = shown ? rebuildOf(shown) : null
  return [{ ...{ name, version, state, lagSeconds, parked, rebuild }, position: textOf(position) }]
}

export function rebuildOf(build: Build): RebuildView {
  const { version, position, events, startedAt, updatedAt } = build
  const seconds = startedAt === null ? 0 : (updatedAt.getTime() - startedAt.getTime()) / 1_000
  const perSecond = seconds > 0 && events > 0 ? events / seconds : null
  const eventsTotal = totalOf(build)
  const left = eventsTotal === null ? null : eventsTotal - events
  return {
    ...{ version, build: build.build, eventsDone: events, eventsTotal },
    // One event in an hour is a rate too.
    eventsPerSecond: perSecond === null ? null : Number(perSecond.toPrecision(3)),
    state: stateOf(build),
    position: textOf(position),
    etaSeconds: left === 0 ? 0 : left === null || perSecond === null ? null : Math.round(left / perSecond),
    startedAt: startedAt?.toISOString() ?? null,
  }
}

function totalOf({ position, events, target, startedFrom }: Build): number | null {
  if (target === null || position === null) return null
  return estimateTotal(events, { from: startedFrom ?? 0n, at: position, to: target })
}

function stateOf({ stage, state, owned, bulk }: Build): RebuildView['state'] {
  if (stage === 'refused') return 'refused'
  if (state === 'halted') return 'halted'
  if (!owned) return 'waiting'
  return bulk === 'done' ? 'comparing' : 'building'
}

const textOf = (position: bigint | null): string | null => (position === null ? null : String(position))
