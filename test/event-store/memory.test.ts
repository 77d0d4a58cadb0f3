import { describe, expect, it } from 'vitest'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import { describeEventStore } from './contract.ts'
import { errorOf, newEvent, newStream, readAll, Subscriber } from './helpers.ts'

describeEventStore('memory', ['deleteStream', 'corruptEvent', 'loseNextAnswer'], async () => {
  const store = new MemoryEventStore()
  return {
    open: async () => store.client(),
    faults: {
      deleteStream: async (stream) => store.deleteStream(stream),
      corruptEvent: async (stream, revision) => store.corruptEvent(stream, revision),
      loseNextAnswer: () => store.failNextAppend('unknown'),
    },
    close: () => store.close(),
  }
})

describe('the memory event store as a double of a store in trouble', () => {
  it('says that nothing was committed where nothing was', async () => {
    const store = new MemoryEventStore()
    const stream = newStream()
    store.failNextAppend('notCommitted')
    expect(await errorOf(store.append(stream, [newEvent()], 'none'))).toMatchObject({ outcome: 'notCommitted' })
    expect(await readAll(store, stream)).toEqual([])
  })

  it('fails while it is away and goes on where it stopped once it is back', async () => {
    const store = new MemoryEventStore()
    const stream = newStream()
    await store.append(stream, [newEvent()], 'none')
    store.setAvailable(false)
    for (const call of [store.append(stream, [newEvent()], 0n), readAll(store, stream), store.ping()]) {
      expect(await errorOf(call)).toMatchObject({ name: 'StoreUnavailable', outcome: 'notCommitted' })
    }
    const subscriber = new Subscriber(store, 'start')
    store.setAvailable(true)
    await store.append(stream, [newEvent()], 0n)
    await subscriber.untilSeen(2)
    await subscriber.stop()
  })

  it('records events at the time of the clock it is given', async () => {
    const now = new Date('2026-01-02T03:04:05.678Z')
    const store = new MemoryEventStore(() => now)
    const stream = newStream()
    await store.append(stream, [newEvent()], 'none')
    expect(await readAll(store, stream)).toMatchObject([{ recordedAt: now }])
  })
})
