import { describe, expect, it, vi } from 'vitest'
import type { RecordedEvent, SubscriptionMessage } from '../../src/event-store/port.ts'
import { type EventRun, Inbox } from '../../src/projector/inbox.ts'

const event = (position: bigint): SubscriptionMessage => ({
  kind: 'events',
  events: [{ position, stream: 'user-1', revision: position - 1n } as RecordedEvent],
})

const run = (position: bigint, count: number): SubscriptionMessage<EventRun> => ({
  kind: 'events',
  events: [{ position, stream: 'user-1', revision: position - 1n, count } as EventRun],
})

/** Messages that arrive when the test pushes them; the feed ends with the signal. */
function feed() {
  const waiting: SubscriptionMessage<RecordedEvent | EventRun>[] = []
  let wake = () => {}
  const ending = new AbortController()
  ending.signal.addEventListener('abort', () => wake())
  async function* messages(): AsyncGenerator<SubscriptionMessage<RecordedEvent | EventRun>> {
    while (!ending.signal.aborted) {
      const next = waiting.shift()
      if (next) yield next
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  }
  const push = (...more: SubscriptionMessage<RecordedEvent | EventRun>[]) => {
    waiting.push(...more)
    wake()
  }
  const open = (gatherMs: number, until?: bigint) => {
    const decode = async ({ position }: RecordedEvent | EventRun) => position
    return new Inbox(messages(), { decode, capacity: 100, gatherMs, until, signal: ending.signal })
  }
  return { open, push, end: () => ending.abort() }
}

const LONG_MS = 2 ** 31 - 1

describe('the inbox', () => {
  it('hands over at once what is there where nothing has to gather', async () => {
    const { open, push, end } = feed()
    const inbox = open(0)
    push(event(1n))
    expect((await inbox.take(10))?.arrivals).toHaveLength(1)
    end()
    expect(await inbox.take(10)).toBeUndefined()
  })

  it('lets events gather until there are enough of them', async () => {
    const { open, push, end } = feed()
    const inbox = open(LONG_MS)
    const batch = inbox.take(3)
    push(event(1n))
    push(event(2n))
    push(event(3n))
    push(event(4n))
    expect((await batch)?.arrivals.map((arrival) => arrival.event.position)).toEqual([1n, 2n, 3n])
    end()
  })

  it('lets events gather for so long and no longer', async () => {
    vi.useFakeTimers()
    try {
      const { open, push, end } = feed()
      const inbox = open(50)
      const batch = inbox.take(10)
      push(event(1n))
      await vi.advanceTimersByTimeAsync(49)
      push(event(2n))
      let taken = false
      void batch.then(() => {
        taken = true
      })
      await vi.advanceTimersByTimeAsync(0)
      expect(taken).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      expect((await batch)?.arrivals).toHaveLength(2)
      end()
    } finally {
      vi.useRealTimers()
    }
  })

  it('is done where the log goes on beyond the last position, though no event is at it', async () => {
    const { open, push, end } = feed()
    const inbox = open(0, 7n)
    push(event(5n), event(9n))
    expect((await inbox.take(10))?.arrivals.map((arrival) => arrival.event.position)).toEqual([5n])
    expect(await inbox.take(10)).toBeUndefined()
    expect(inbox.isDone).toBe(true)
    end()
  })

  it('hands over runs of events whole, and no more events than are asked for where there is more than one run', async () => {
    const { open, push, end } = feed()
    const inbox = open(LONG_MS)
    const batch = inbox.take(6)
    for (const [position, count] of [
      [4n, 4],
      [6n, 2],
      [7n, 1],
      [30n, 23],
    ] as const)
      push(run(position, count))
    expect((await batch)?.arrivals.map(({ count }) => count)).toEqual([4, 2])
    // More was there than fits, though it is not quite as many as might have been taken.
    const next = await inbox.take(5)
    expect([next?.arrivals.map(({ count }) => count), next?.full]).toEqual([[1], true])
    expect((await inbox.take(6))?.arrivals.map(({ event, count }) => [event.position, count])).toEqual([[30n, 23]])
    end()
  })

  it('ends a gathering at the stop', async () => {
    const { open, push, end } = feed()
    const inbox = open(LONG_MS)
    const batch = inbox.take(10)
    push(event(1n))
    end()
    expect(await batch).toBeUndefined()
  })
})
