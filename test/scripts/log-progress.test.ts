/** How far a script is: a bar at a terminal, lines of JSON elsewhere. */
import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { openProgress } from '../../scripts/copy-events/progress.ts'

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
