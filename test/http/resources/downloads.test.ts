import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, it, vi } from 'vitest'
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

it('a reader who takes nothing is not', async () => {
  const downloads = openDownloads({ lookEveryMs: 2, stalledMs: 20 })
  const source = Readable.from(['first ', 'second'], { objectMode: false })
  // More than lies ready for a reader: the second piece is not asked for.
  const read = await downloads.start(download(Readable.from(['x'.repeat(100_000), 'y'], { objectMode: false })))
  read.once('error', () => {})
  read.read(1)
  await vi.waitFor(() => expect(read.errored?.message).toBe('nobody reads the download'), { timeout: 20_000 })
  // And makes room.
  expect(await text(await downloads.start(download(source)))).toBe('first second')
})
