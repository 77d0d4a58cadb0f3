import { expect, test } from 'vitest'
import { lines } from '../../scripts/copy-events/progress.ts'

const openLog = () => {
  let clock = 50_000
  const written: unknown[] = []
  const { onProgress } = lines({ write: (text) => written.push(JSON.parse(text)) }, () => clock)
  const at = (seconds: number, phase: string, events: number, total: number) => {
    clock = 50_000 + seconds * 1_000
    onProgress(phase, events, total)
  }
  return { at, written }
}

test('off a terminal progress is a line a second, with the time that is left', () => {
  const { at, written } = openLog()
  at(0, 'copying', 0, 1_000)
  at(0.4, 'copying', 40, 1_000)
  at(2, 'copying', 100, 1_000)
  at(2.9, 'copying', 150, 1_000)
  at(4, 'copying', 400, 1_000)
  at(5, 'copying', 1_000, 1_000)
  expect(written).toEqual([
    { phase: 'copying', events: 0, total: 1_000, etaSeconds: null },
    { phase: 'copying', events: 100, total: 1_000, etaSeconds: 18 },
    { phase: 'copying', events: 400, total: 1_000, etaSeconds: 6 },
    { phase: 'copying', events: 1_000, total: 1_000, etaSeconds: 0 },
  ])
})

test('what is gone on with, or stands still, is not taken for fast: the time goes by what was seen of the phase', () => {
  const { at, written } = openLog()
  at(0, 'building', 900, 1_000)
  at(1, 'building', 900, 1_000)
  at(2, 'building', 910, 1_000)
  at(2.1, 'comparing', 910, 1_000)
  expect(written).toEqual([
    { phase: 'building', events: 900, total: 1_000, etaSeconds: null },
    { phase: 'building', events: 900, total: 1_000, etaSeconds: null },
    { phase: 'building', events: 910, total: 1_000, etaSeconds: 18 },
    { phase: 'comparing', events: 910, total: 1_000, etaSeconds: null },
  ])
})
