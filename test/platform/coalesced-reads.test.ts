import { describe, expect, it } from 'vitest'
import { CoalescedReads } from '../../src/platform/coalesced-reads.ts'

/** A database that answers when it is told to. */
const openDatabase = () => {
  const asked: {
    keys: readonly string[]
    answer: (values: readonly number[]) => void
    fail: (error: Error) => void
  }[] = []
  const reads = new CoalescedReads<string, number>(
    (keys) => new Promise((answer, fail) => asked.push({ keys, answer, fail })),
  )
  return { asked, reads }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
}

describe('reads of many callers', () => {
  it('that are asked for in one turn of the event loop share a round trip', async () => {
    const { asked, reads } = openDatabase()
    const all = ['a', 'b', 'c'].map((key) => reads.read(key))
    await turns()
    expect(asked.map(({ keys }) => keys)).toEqual([['a', 'b', 'c']])
    asked[0]?.answer([1, 2, 3])
    expect(await Promise.all(all)).toEqual([1, 2, 3])
  })

  it('are sent after they were asked for: one that comes later never shares what is under way', async () => {
    const { asked, reads } = openDatabase()
    void reads.read('a')
    await turns()
    const late = reads.read('a')
    await turns()
    expect(asked).toHaveLength(2)
    asked[1]?.answer([1])
    expect(await late).toBe(1)
  })

  it('wait for each other where two are under way, and are then asked for together', async () => {
    const { asked, reads } = openDatabase()
    for (const key of ['a', 'b']) {
      void reads.read(key)
      await turns()
    }
    const waiting = ['c', 'd'].map((key) => reads.read(key))
    await turns()
    expect(asked).toHaveLength(2)
    asked[0]?.answer([0])
    await turns()
    expect(asked[2]?.keys).toEqual(['c', 'd'])
    asked[2]?.answer([1, 2])
    expect(await Promise.all(waiting)).toEqual([1, 2])
  })

  it('fail together, and those after them are read', async () => {
    const { asked, reads } = openDatabase()
    const outcomes = Promise.allSettled(['a', 'b'].map((key) => reads.read(key)))
    await turns()
    asked[0]?.fail(new Error('away'))
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const next = reads.read('c')
    await turns()
    asked[1]?.answer([1])
    expect(await next).toBe(1)
  })

  it('fail where fewer answers come than were asked for', async () => {
    const { asked, reads } = openDatabase()
    const both = Promise.allSettled(['a', 'b'].map((key) => reads.read(key)))
    await turns()
    asked[0]?.answer([1])
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })
})
