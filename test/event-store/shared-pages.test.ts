import { describe, expect, it } from 'vitest'
import { SharedPages } from '../../src/event-store/shared-pages.ts'
import type { DecodedPage } from '../../src/event-store/subscription.ts'

const EMPTY: DecodedPage = { events: [], more: false }

describe('pages of the log that several subscriptions want', () => {
  it('are read once for all that ask in one turn, and apart for another position', async () => {
    const sent: bigint[] = []
    const pages = new SharedPages(async (after) => {
      sent.push(after)
      return EMPTY
    })
    const answers = await Promise.all([pages.after(7n), pages.after(7n), pages.after(8n), pages.after(7n)])
    expect(sent).toEqual([7n, 8n])
    expect(new Set([answers[0], answers[1], answers[3]]).size).toBe(1)
  })

  it('are never shared with who asks after the read was sent', async () => {
    const sent: ((page: DecodedPage) => void)[] = []
    const fetch = () => new Promise<DecodedPage>((resolve) => sent.push(resolve))
    const pages = new SharedPages(fetch)
    const early = pages.after(7n)
    await expect.poll(() => sent.length).toBe(1)
    const late = pages.after(7n)
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
    const both = await Promise.allSettled([pages.after(0n), pages.after(0n)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await pages.after(0n)).toBe(EMPTY)
  })
})
