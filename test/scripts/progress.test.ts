/** How far a script is: a bar at a terminal, lines of JSON elsewhere. */
import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { lines, openProgress } from '../../scripts/operate/progress.ts'

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

const openOutput = (isTTY: boolean) => {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80 })
  return {
    stream: stream as unknown as NodeJS.WriteStream,
    text: () => stripVTControlCharacters(String(stream.read() ?? '')),
  }
}

test('a terminal shows a bar with what is done, what there is and how long it takes, and a new one for a phase', () => {
  const { stream, text } = openOutput(true)
  const { onProgress, stop } = openProgress(stream)
  onProgress('searching', 1, 4)
  onProgress('folding', 2, 4)
  stop()
  const shown = text()
  expect(shown).toMatch(/searching \[=+-+\] 1\/4 /)
  expect(shown).toMatch(/folding {3}\[=+-+\] 2\/4 \S+/)
})

test('elsewhere a phase begins with a line of JSON, and others of the same second are left out', () => {
  const { stream, text } = openOutput(false)
  const { onProgress, stop } = openProgress(stream)
  onProgress('searching', 1, 4)
  onProgress('searching', 2, 4)
  onProgress('folding', 1, 4)
  stop()
  expect(text()).toBe(
    '{"phase":"searching","events":1,"total":4,"etaSeconds":null}\n' +
      '{"phase":"folding","events":1,"total":4,"etaSeconds":null}\n',
  )
})
