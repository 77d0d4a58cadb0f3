import { describe, expect, it } from 'vitest'
import type { Build } from '../../src/projector/builds.ts'
import { rebuildOf, viewOf } from '../../src/projector/overview.ts'

const BEGUN = new Date('2026-03-01T10:00:00.000Z')

/** Under way for so many seconds; the rest as `more` says. */
const building = (seconds: number, more: Partial<Build> = {}): Build => ({
  ...{ name: 'sessions', version: 1, build: 2, stage: 'building', purpose: 'flip', forced: false, state: 'running' },
  ...{ owned: true, epoch: 1n, position: null, lagSeconds: null, bulk: 'raw', tables: [], events: 0, target: 1_000n },
  ...{ startedAt: BEGUN, startedFrom: null, updatedAt: new Date(BEGUN.getTime() + seconds * 1_000) },
  ...{ halted: null, report: null, parked: 0, releaseAsked: false },
  ...more,
})

describe('how far a build is, and how long it takes', () => {
  it('is not known before its first event', () => {
    expect(rebuildOf(building(1))).toMatchObject({
      ...{ eventsDone: 0, eventsTotal: null, eventsPerSecond: null, etaSeconds: null },
      startedAt: '2026-03-01T10:00:00.000Z',
    })
  })

  it('goes by the events done in the time since it has begun', () => {
    expect(rebuildOf(building(10, { position: 250n, events: 250 }))).toMatchObject({
      ...{ eventsDone: 250, eventsTotal: 1_000, eventsPerSecond: 25, etaSeconds: 30 },
    })
  })

  it('takes the share of the way that is done where positions are not dense', () => {
    const target = 4_000_000_000n
    expect(rebuildOf(building(10, { position: 1_000_000_000n, events: 250, target }))).toMatchObject({
      ...{ eventsDone: 250, eventsTotal: 1_000, eventsPerSecond: 25, etaSeconds: 30 },
    })
  })

  it('is a number too where it takes many seconds an event', () => {
    expect(rebuildOf(building(100, { position: 4n, events: 4, target: 10n }))).toMatchObject({
      ...{ eventsTotal: 10, eventsPerSecond: 0.04, etaSeconds: 150 },
    })
    expect(rebuildOf(building(7, { position: 3n, events: 3, target: 10n }))).toMatchObject({
      ...{ eventsPerSecond: 0.429, etaSeconds: 16 },
    })
  })

  it('counts only the way from where a build was taken up again', () => {
    const again = { startedFrom: 900n, target: 1_000n }
    expect(rebuildOf(building(0, { ...again, position: 900n }))).toMatchObject({
      ...{ eventsDone: 0, eventsTotal: null, eventsPerSecond: null, etaSeconds: null },
    })
    expect(rebuildOf(building(5, { ...again, position: 925n, events: 25 }))).toMatchObject({
      ...{ eventsDone: 25, eventsTotal: 100, eventsPerSecond: 5, etaSeconds: 15 },
    })
  })

  it('is none where nothing is left, or the log has grown meanwhile', () => {
    const there = { startedFrom: 1_000n, position: 1_000n }
    expect(rebuildOf(building(0, there))).toMatchObject({ eventsDone: 0, eventsTotal: 0, etaSeconds: 0 })
    expect(rebuildOf(building(20, { position: 1_200n, events: 1_200 }))).toMatchObject({
      ...{ eventsTotal: 1_200, eventsPerSecond: 60, etaSeconds: 0 },
    })
  })

  it('never promises a time that JSON cannot tell', () => {
    for (const seconds of [0, -5, 1e9]) {
      const { etaSeconds, eventsPerSecond } = rebuildOf(building(seconds, { position: 1n, events: 1 }))
      for (const figure of [etaSeconds, eventsPerSecond]) {
        expect(figure === null || Number.isFinite(figure), `${seconds} s`).toBe(true)
      }
    }
  })
})

describe('the state of a rebuild', () => {
  const live = building(0, { build: 1, stage: 'live', bulk: 'done', position: 7n, lagSeconds: 3 })
  const shownOf = (more: Partial<Build>) => viewOf([building(1, more), live])

  it.for([
    ['waiting', { owned: false }],
    ['building', {}],
    ['comparing', { bulk: 'done' }],
    ['halted', { state: 'halted', owned: false }],
    ['refused', { stage: 'refused', owned: false, bulk: 'done' }],
  ] as const)('is %s', ([state, more]) => {
    expect(shownOf(more)).toMatchObject([{ state: state === 'refused' ? 'live' : 'rebuilding', rebuild: { state } }])
  })

  it('is none of a build that is only compared, or kept', () => {
    expect(shownOf({ purpose: 'verify' })).toMatchObject([{ state: 'live', rebuild: null }])
    expect(shownOf({ stage: 'kept' })).toMatchObject([{ state: 'live', rebuild: null }])
  })
})
