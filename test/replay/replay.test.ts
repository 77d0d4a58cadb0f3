/** Reading the past: bounded, by positions and by times, and by the projections' own functions. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import { type RecordedEvent, StoreUnavailable } from '../../src/event-store/port.ts'
import type { Projection, RowOperation } from '../../src/projector/row-operation.ts'
import { openMemoryTables } from '../../src/replay/memory-tables.ts'
import { lengthAt, parseMoment, recordedBy } from '../../src/replay/moment.ts'
import { lastEventOf, readLog, revisionAfter } from '../../src/replay/read-log.ts'
import { newEvent, newEvents } from '../event-store/helpers.ts'

const never = new AbortController().signal

const allOf = async (events: AsyncIterable<RecordedEvent>): Promise<readonly RecordedEvent[]> => {
  const all: RecordedEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

describe('readLog', () => {
  it('ends with the last event that is there, and begins behind the position', async () => {
    const store = new MemoryEventStore()
    expect(await allOf(readLog(store, 'start', never))).toEqual([])
    await store.append('a', newEvents(3), 'none')
    await store.append('b', newEvents(2), 'none')
    const all = await allOf(readLog(store, 'start', never))
    expect(all.map(({ position }) => position)).toEqual([1n, 2n, 3n, 4n, 5n])
    expect(await allOf(readLog(store, 3n, never))).toEqual(all.slice(3))
    expect(await allOf(readLog(store, 99n, never))).toEqual([])
  })

  it('throws what it was aborted for, and never passes a cut history for a whole one', async () => {
    const store = new MemoryEventStore()
    await store.append('a', newEvents(3), 'none')
    const abort = new AbortController()
    const reading = readLog(store, 'start', abort.signal)
    await reading.next()
    abort.abort(new Error('enough'))
    await expect(reading.next()).rejects.toThrow('enough')
    const closing = readLog(store, 'start', never)
    await closing.next()
    await store.close()
    await expect(allOf(closing)).rejects.toThrow(StoreUnavailable)
  })
})

describe('a moment', () => {
  it.each(['', '-1', '1.0', '9223372036854775808', '2026-01-31', 'now', '2026-01-31T12:00:00'])('is not %j', (text) => {
    expect(parseMoment(text)).toBeNull()
  })

  it('is a position of any size, or a time of any zone', () => {
    expect(parseMoment('9223372036854775807')).toEqual({ kind: 'position', position: 2n ** 63n - 1n })
    expect(parseMoment('2026-01-31T12:00:00+02:00')).toEqual({ kind: 'time', at: Date.UTC(2026, 0, 31, 10) })
  })

  it('of a stream is found wherever it lies between the others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), async (ours) => {
        const store = new MemoryEventStore()
        const revisions = { a: -1n, b: -1n }
        const until = [0n]
        for (const our of ours) {
          const stream = our ? 'a' : 'b'
          await store.append(stream, [newEvent()], revisions[stream] < 0n ? 'none' : revisions[stream])
          revisions[stream] += 1n
          until.push(revisions.a + 1n)
        }
        const last = await lastEventOf(store, 'a')
        for (const [position, length] of until.entries()) {
          const moment = { kind: 'position', position: BigInt(position) } as const
          expect(await lengthAt(store, 'a', moment)).toBe(last === null ? null : length)
          if (last !== null) expect(await revisionAfter(store, last, BigInt(position))).toBe(length)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('of time is the last event recorded by then, though a clock was set back', async () => {
    const times = [0, 10, 30, 20, 40, 200_000]
    let next = 0
    const store = new MemoryEventStore(() => new Date(times[next++] ?? 0))
    for (const [index] of times.entries())
      await store.append('a', [newEvent()], index === 0 ? 'none' : BigInt(index - 1))
    for (const [at, length] of [
      [-1, 0n],
      [0, 1n],
      [19, 2n],
      [20, 4n],
      [29, 4n],
      [30, 4n],
      [100_000, 5n],
      [200_000, 6n],
    ] as const) {
      expect(await lengthAt(store, 'a', { kind: 'time', at })).toBe(length)
      expect((await allOf(recordedBy(readLog(store, 'start', never), at))).length).toBe(Number(length))
    }
  })
})

describe('tables in memory', () => {
  it('hold what the operations say, in the types of a query', () => {
    const projection: Projection<RowOperation> = {
      name: 'things',
      version: 1,
      tables: [
        {
          name: 'things',
          columns: {
            id: { type: 'uuid' },
            owner: { type: 'text' },
            position: { type: 'bigint' },
            at: { type: 'timestamptz', nullable: true },
          },
          primaryKey: ['id'],
          indexes: [],
        },
      ],
      apply: (operation) => [operation],
    }
    const tables = openMemoryTables(projection)
    const table = 'things'
    const row = (id: string, owner: string) => ({ id, owner, position: 2n ** 60n, at: '2026-01-31T12:00:00.000Z' })
    const shown = (id: string, owner: string, at: Date | null = new Date('2026-01-31T12:00:00.000Z')) => ({
      ...{ id, owner, at },
      position: String(2n ** 60n),
    })
    for (const [id, owner] of [
      ['1', 'a'],
      ['2', 'a'],
      ['3', 'b'],
    ] as const) {
      tables.apply({ op: 'insert', table, row: row(id, owner) })
    }
    tables.apply({ op: 'insert', table, row: row('1', 'c') })
    tables.apply({ op: 'update', table, key: { id: '2' }, set: { at: null } })
    tables.apply({ op: 'update', table, key: { id: '9' }, set: { at: null } })
    expect(tables.rows(table)).toEqual([shown('1', 'c'), shown('2', 'a', null), shown('3', 'b')])
    tables.apply({ op: 'update', table, where: { owner: 'a' }, set: { owner: 'd' } })
    tables.apply({ op: 'delete', table, where: { owner: 'b' } })
    expect(tables.rows(table)).toEqual([shown('1', 'c'), shown('2', 'd', null)])
  })
})
