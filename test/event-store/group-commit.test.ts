import { describe, expect, it } from 'vitest'
import { GroupCommit } from '../../src/event-store/group-commit.ts'
import { StoreUnavailable } from '../../src/event-store/port.ts'
import { type EncodedAppend, encodeAppend } from '../../src/event-store/validate.ts'
import { errorOf, newEvent, until } from './helpers.ts'

const options = { maxAppends: 100, maxEvents: 1_000, maxBytes: 1_000_000, maxWaitMs: 10_000 }

const append = (stream: string, text = '') => encodeAppend(stream, [newEvent({ text })], 'none')

/** A store whose batches stay under way until they are let go. */
function heldStore(limits: Partial<typeof options> = {}) {
  const batches: string[][] = []
  const held: (() => void)[] = []
  const group = new GroupCommit<string>(
    async (batch) => {
      batches.push(batch.map(({ stream }) => stream))
      await new Promise<void>((resolve) => held.push(resolve))
      return batch.map(({ stream }) => `done ${stream}`)
    },
    { ...options, ...limits },
  )
  const letGo = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await until(() => held.length > 0, 'a batch is under way')
      held.shift()?.()
    }
  }
  return { group, batches, letGo }
}

describe('group commit', () => {
  it('gathers the next batch while one is under way', async () => {
    const { group, batches, letGo } = heldStore()
    const first = group.append(append('a'))
    await until(() => batches.length === 1, 'the first is under way')
    const others = ['b', 'c', 'd'].map((stream) => group.append(append(stream)))
    await letGo(2)
    expect(await Promise.all([first, ...others])).toEqual(['done a', 'done b', 'done c', 'done d'])
    expect(batches).toEqual([['a'], ['b', 'c', 'd']])
  })

  it('takes one append per stream into a batch and keeps their order', async () => {
    const { group, batches, letGo } = heldStore()
    const order: number[] = []
    const appends = ['a', 'a', 'b', 'a'].map((stream, i) => group.append(append(stream)).then(() => order.push(i)))
    await letGo(3)
    await Promise.all(appends)
    expect(batches).toEqual([['a', 'b'], ['a'], ['a']])
    expect(order).toEqual([0, 2, 1, 3])
  })

  it('bounds a batch in appends, events and bytes, and lets none overtake', async () => {
    const byCount = heldStore({ maxAppends: 2 })
    const counted = ['a', 'b', 'c'].map((stream) => byCount.group.append(append(stream)))
    await byCount.letGo(2)
    await Promise.all(counted)
    expect(byCount.batches).toEqual([['a', 'b'], ['c']])

    const bySize = heldStore({ maxBytes: 1_000 })
    const large = 'x'.repeat(600)
    const sized = [append('a', large), append('b', large), append('c'), append('d', 'x'.repeat(5_000))]
    const results = sized.map((one) => bySize.group.append(one))
    await bySize.letGo(3)
    await Promise.all(results)
    expect(bySize.batches).toEqual([['a'], ['b', 'c'], ['d']])

    const byEvents = heldStore({ maxEvents: 2 })
    const eventful = ['a', 'b', 'c'].map((stream) => byEvents.group.append(append(stream)))
    await byEvents.letGo(2)
    await Promise.all(eventful)
    expect(byEvents.batches).toEqual([['a', 'b'], ['c']])
  })

  it('fails all of a batch whose outcome is unknown, without trying again', async () => {
    let calls = 0
    const group = new GroupCommit<string>(async () => {
      calls += 1
      throw new StoreUnavailable('unknown')
    }, options)
    const errors = await Promise.all(['a', 'b'].map((stream) => errorOf(group.append(append(stream)))))
    expect(errors).toMatchObject([{ outcome: 'unknown' }, { outcome: 'unknown' }])
    expect(calls).toBe(1)
  })

  it('lets an append that the database refuses fail alone', async () => {
    const refuseB = async (batch: readonly EncodedAppend[]) => {
      if (batch.some(({ stream }) => stream === 'b')) throw new Error('poison')
      return batch.map(({ stream }) => stream)
    }
    const group = new GroupCommit<string>(refuseB, options)
    const results = await Promise.allSettled(['a', 'b', 'c'].map((stream) => group.append(append(stream))))
    expect(results).toMatchObject([{ value: 'a' }, { reason: { message: 'poison' } }, { value: 'c' }])
  })

  it('goes on after a batch has failed', async () => {
    let fails = true
    const group = new GroupCommit<string>(async (batch) => {
      if (fails) throw new StoreUnavailable('notCommitted')
      return batch.map(({ stream }) => stream)
    }, options)
    expect(await errorOf(group.append(append('a')))).toBeInstanceOf(StoreUnavailable)
    fails = false
    expect(await group.append(append('a'))).toBe('a')
  })

  it('gives up an append that has waited too long for its turn', async () => {
    const { group, batches, letGo } = heldStore({ maxWaitMs: 30 })
    const first = group.append(append('a'))
    await until(() => batches.length === 1, 'the first is under way')
    const start = performance.now()
    const second = errorOf(group.append(append('b')))
    await until(() => performance.now() - start > 40, 'its time was over')
    await letGo(1)
    expect(await first).toBe('done a')
    expect(await second).toMatchObject({ name: 'StoreUnavailable', outcome: 'notCommitted' })
    expect(batches).toEqual([['a']])
  })

  it('drains: waits for what is under way and what still waits', async () => {
    const { group, batches, letGo } = heldStore()
    const appends = Promise.all(['a', 'a'].map((stream) => group.append(append(stream))))
    const drained = group.drain()
    await letGo(2)
    await drained
    expect(batches).toHaveLength(2)
    await appends
    await group.drain()
  })
})
