import { describe, expect, it } from 'vitest'
import type { LogPage } from '../../src/event-store/subscription.ts'
import { TailReads, type WantedTail } from '../../src/event-store/tail-reads.ts'

const page = (more: boolean): LogPage => ({ events: [], more })

/** A database that answers when it is told to. */
const openDatabase = () => {
  const asked: {
    wanted: readonly WantedTail[]
    answer: (pages: readonly LogPage[]) => void
    fail: (error: Error) => void
  }[] = []
  const reads = new TailReads((wanted) => new Promise((answer, fail) => asked.push({ wanted, answer, fail })))
  return { asked, reads }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
}

describe('reads of many callers', () => {
  it('that are asked for in one turn of the event loop share a round trip', async () => {
    const { asked, reads } = openDatabase()
    const all = ['a', 'b', 'c'].map((stream) => reads.read(stream, 7n))
    await turns()
    expect(asked.map(({ wanted }) => wanted.map(({ stream, from }) => [stream, from]))).toEqual([
      [
        ['a', 7n],
        ['b', 7n],
        ['c', 7n],
      ],
    ])
    asked[0]?.answer([page(true), page(false), page(true)])
    expect((await Promise.all(all)).map(({ more }) => more)).toEqual([true, false, true])
  })

  it('are sent after they were asked for: one that comes later never shares what is under way', async () => {
    const { asked, reads } = openDatabase()
    void reads.read('a', 0n)
    await turns()
    const late = reads.read('a', 0n)
    await turns()
    expect(asked).toHaveLength(2)
    asked[1]?.answer([page(true)])
    expect(await late).toEqual(page(true))
  })

  it('wait for each other where two are under way, and are then asked for together', async () => {
    const { asked, reads } = openDatabase()
    for (const stream of ['a', 'b']) {
      void reads.read(stream, 0n)
      await turns()
    }
    const waiting = ['c', 'd'].map((stream) => reads.read(stream, 0n))
    await turns()
    expect(asked).toHaveLength(2)
    asked[0]?.answer([page(false)])
    await turns()
    expect(asked[2]?.wanted.map(({ stream }) => stream)).toEqual(['c', 'd'])
    asked[2]?.answer([page(false), page(true)])
    expect(await Promise.all(waiting)).toEqual([page(false), page(true)])
  })

  it('fail together, and those after them are read', async () => {
    const { asked, reads } = openDatabase()
    const all = ['a', 'b'].map((stream) => reads.read(stream, 0n))
    const outcomes = Promise.allSettled(all)
    await turns()
    asked[0]?.fail(new Error('away'))
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const next = reads.read('c', 0n)
    await turns()
    asked[1]?.answer([page(false)])
    expect(await next).toEqual(page(false))
  })
})
