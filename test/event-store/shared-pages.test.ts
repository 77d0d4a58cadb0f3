import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { SharedPages } from '../../src/event-store/shared-pages.ts'
import type { DecodedPage } from '../../src/event-store/subscription.ts'

const EMPTY: DecodedPage = { events: [], more: false }

/** A full page that ends 1,000 positions on. */
const fullPageAfter = (position: bigint): DecodedPage => ({
  events: [{ position: position + 1_000n } as RecordedEvent],
  more: true,
})

describe('pages of the log that several subscriptions want', () => {
  it('are read once for all that ask in one turn, and apart for another position', async () => {
    const sent: bigint[] = []
    const pages = new SharedPages(async (after) => {
      sent.push(after)
      return EMPTY
    })
    const answers = await Promise.all([7n, 7n, 8n, 7n].map((position) => pages.open(true).after(position)))
    expect(sent).toEqual([7n, 8n])
    expect(new Set([answers[0], answers[1], answers[3]]).size).toBe(1)
  })

  it('are never shared with who asks after the read was sent', async () => {
    const sent: ((page: DecodedPage) => void)[] = []
    const fetch = () => new Promise<DecodedPage>((resolve) => sent.push(resolve))
    const pages = new SharedPages(fetch)
    const early = pages.open(true).after(7n)
    await expect.poll(() => sent.length).toBe(1)
    const late = pages.open(true).after(7n)
    await expect.poll(() => sent.length).toBe(2)
    sent[1]?.({ ...EMPTY, more: true })
    expect(await late).toMatchObject({ more: true })
    sent[0]?.(EMPTY)
    expect(await early).toMatchObject({ more: false })
  })

  it('that fail do so for all that share them, and are asked for anew by the next', async () => {
    let tries = 0
    const pages = new SharedPages(async () => {
      tries += 1
      if (tries === 1) throw new Error('away')
      return EMPTY
    })
    const both = await Promise.allSettled([pages.open(true).after(0n), pages.open(true).after(0n)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await pages.open(true).after(0n)).toBe(EMPTY)
  })
})

describe('full pages of the past', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const reads = (): { readonly pages: SharedPages; readonly sent: bigint[] } => {
    const sent: bigint[] = []
    const pages = new SharedPages(async (after) => {
      sent.push(after)
      return fullPageAfter(after)
    })
    return { pages, sent }
  }
  const turns = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  }

  it('are read once for two followers of whom one is slower, and one that is ahead waits', async () => {
    const { pages, sent } = reads()
    const [fast, slow] = [pages.open(true), pages.open(true)]
    await fast.after(0n)
    await slow.after(0n)
    await fast.after(1_000n)
    let went = false
    const ahead = fast.after(2_000n).then(() => {
      went = true
    })
    await turns()
    expect(went).toBe(false)
    await slow.after(1_000n)
    await ahead
    expect(await slow.after(2_000n)).toEqual(fullPageAfter(2_000n))
    expect(sent).toEqual([0n, 0n, 1_000n, 2_000n])
  })

  it('are waited for no longer than patience lasts, whoever else moves, and not again until both are in step', async () => {
    const { pages, sent } = reads()
    const [fast, slow, live] = [pages.open(true), pages.open(true), pages.open(true)]
    await slow.after(0n)
    await fast.after(1_000n)
    const ahead = fast.after(2_000n)
    await turns()
    expect(sent).toEqual([0n, 1_000n])
    for (let n = 0n; n < 4n; n++) {
      await vi.advanceTimersByTimeAsync(100)
      await live.after(100_000n + n)
    }
    await ahead
    await slow.after(1_000n)
    await fast.after(3_000n)
    expect(sent.filter((position) => position < 100_000n)).toEqual([0n, 1_000n, 2_000n, 1_000n, 3_000n])
    await slow.after(2_000n)
    await slow.after(3_000n)
    const next = fast.after(4_000n)
    await slow.after(4_000n)
    await next
    expect(sent.filter((position) => position === 4_000n)).toHaveLength(1)
  })

  it('are read without waiting for one that is far behind, has left, or is at the tail', async () => {
    const { pages, sent } = reads()
    const [fast, far, gone] = [pages.open(true), pages.open(true), pages.open(true)]
    await far.after(0n)
    await gone.after(18_000n)
    gone.leave()
    await fast.after(19_000n)
    await fast.after(20_000n)
    expect(sent).toEqual([0n, 18_000n, 19_000n, 20_000n])
  })

  it('are waited for by nobody who was last given the tail: what is new must not wait for who is slow', async () => {
    const sent: bigint[] = []
    const pages = new SharedPages(async (after) => {
      sent.push(after)
      return after < 2_000n ? fullPageAfter(after) : EMPTY
    })
    const [fast, slow] = [pages.open(true), pages.open(true)]
    await slow.after(1_000n)
    await fast.after(3_000n)
    // Close behind: its last page ended at 2,000.
    await fast.after(3_000n)
    expect(sent).toEqual([1_000n, 3_000n, 3_000n])
  })

  it('serve one who stands in their midst, and who is in step from then on', async () => {
    const sent: bigint[] = []
    const pages = new SharedPages(async (after) => {
      sent.push(after)
      const events = Array.from({ length: 4 }, (_, n) => ({ position: after + 250n * BigInt(n + 1) }) as RecordedEvent)
      return { events, more: true }
    })
    const [first, second] = [pages.open(true), pages.open(true)]
    await Promise.all([first.after(0n), second.after(500n)])
    const ahead = second.after(1_500n)
    // The rest of what the other one has read, and then both are at the same place.
    const { events } = await first.after(1_000n)
    expect(events.map(({ position }) => position)).toEqual([1_250n, 1_500n])
    expect(await first.after(1_500n)).toBe(await ahead)
    expect(sent).toEqual([0n, 500n, 1_500n])
  })

  it('are read without waiting for, or being held up by, a reader who does not go in step', async () => {
    const { pages, sent } = reads()
    const [worker, stranger] = [pages.open(true), pages.open(false)]
    await stranger.after(0n)
    await worker.after(1_000n)
    await worker.after(2_000n)
    await stranger.after(3_000n)
    await stranger.after(4_000n)
    expect(sent).toEqual([0n, 1_000n, 2_000n, 3_000n, 4_000n])
  })

  it('are waited for by nobody who has left', async () => {
    const { pages } = reads()
    const [fast, slow] = [pages.open(true), pages.open(true)]
    await slow.after(0n)
    await fast.after(1_000n)
    const ahead = fast.after(2_000n)
    await turns()
    fast.leave()
    await ahead
  })
})
