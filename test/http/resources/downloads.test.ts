import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, it, vi } from 'vitest'
import { asArray } from '../../../src/exports/copy-rows.ts'
import { lineSafeStream } from '../../../src/exports/json-lines.ts'
import { asOcsf } from '../../../src/exports/ocsf.ts'
import { type Download, openDownloads } from '../../../src/http/resources/downloads.ts'

const download = (source: Readable, looked = () => {}): Download => ({
  owner: 'session 1',
  open: async () => source,
  async mayGoOn() {
    looked()
    return true
  },
})

it('a source that has long to look through is waited for: nobody is at fault who reads', async () => {
  const downloads = openDownloads({ lookEveryMs: 2, stalledMs: 20 })
  let looks = 0
  async function* source() {
    yield 'first '
    await vi.waitFor(() => expect(looks).toBeGreaterThan(40), { timeout: 20_000, interval: 10 })
    yield 'second'
  }
  const read = await downloads.start(download(Readable.from(source(), { objectMode: false }), () => looks++))
  expect(await text(read)).toBe('first second')
})

/** Has been asked, and gives nothing. */
const silent = () => {
  let asked = false
  const source = new Readable({
    read() {
      asked = true
    },
  })
  return { source, untilAsked: () => vi.waitFor(() => expect(asked).toBe(true)) }
}

it.each<[string, (source: Readable) => Readable]>([
  ['as it is', (source) => source],
  ['as lines', lineSafeStream],
  ['as an array', (source) => asArray(lineSafeStream(source))],
  ['as OCSF', (source) => asOcsf(lineSafeStream(source), 'ndjson')],
])('a source that finds nothing %s is let go at once when the right to it has ended', async (_, wrapped) => {
  const downloads = openDownloads({ lookEveryMs: 3_600_000 })
  const { source, untilAsked } = silent()
  let may = true
  let tell = (): void => {}
  const read = await downloads.start({
    ...download(wrapped(source)),
    mayGoOn: async () => may,
    follow(heard) {
      tell = heard
      return () => {}
    },
  })
  const whole = text(read)
  await untilAsked()
  may = false
  tell()
  await expect(whole).rejects.toThrow('the right to the download has ended')
  expect(source.destroyed).toBe(true)
})

it('a source that finds nothing is let go when the server stops, and when it came only after that', async () => {
  const downloads = openDownloads()
  const { source, untilAsked } = silent()
  const whole = text(await downloads.start(download(source)))
  await untilAsked()
  const late = new Readable({ read() {} })
  let come = (_: Readable): void => {}
  const opening = downloads.start({
    ...download(late),
    open: () =>
      new Promise((resolve) => {
        come = resolve
      }),
  })
  downloads.close()
  await expect(whole).rejects.toThrow('the server is stopping')
  come(late)
  await expect(opening.then(text)).rejects.toThrow('the server is stopping')
  expect([source.destroyed, late.destroyed]).toEqual([true, true])
})

it('a reader who takes nothing is not', async () => {
  const downloads = openDownloads({ lookEveryMs: 2, stalledMs: 20 })
  const source = Readable.from(['first ', 'second'], { objectMode: false })
  // More than lies ready for a reader: the second piece is not asked for.
  const read = await downloads.start(download(Readable.from(['x'.repeat(100_000), 'y'], { objectMode: false })))
  read.once('error', () => {})
  read.read(1)
  await vi.waitFor(() => expect(read.errored?.message).toBe('nobody reads the download'), { timeout: 20_000 })
  // Nor one who leaves what is little, and lies ready when its source has ended long since.
  const rest = await downloads.start(download(Readable.from(['x', 'y'], { objectMode: false })))
  rest.once('error', () => {})
  rest.read(1)
  await vi.waitFor(() => expect(rest.errored?.message).toBe('nobody reads the download'), { timeout: 20_000 })
  // And makes room.
  expect(await text(await downloads.start(download(source)))).toBe('first second')
})
