import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, it, vi } from 'vitest'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { EventStore, RecordedEvent } from '../../src/event-store/port.ts'
import { eventLines } from '../../src/replay/event-lines.ts'
import { someEvent } from '../accounts/held-store.ts'

const stored = async (): Promise<MemoryEventStore> => {
  const store = new MemoryEventStore()
  for (const [n, type] of ['x:a', 'x:b', 'x:a'].entries()) {
    await store.append(`other-${n}`, [someEvent(randomUUID(), type, { n }, '2026-03-01T12:00:00.000Z')], 'none')
  }
  return store
}
const typesOf = (lines: string): readonly string[] =>
  lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).type)

it('are the wanted events, no more of them than are wanted', async () => {
  const store = await stored()
  const all = { after: 'start', types: null, limit: Number.POSITIVE_INFINITY } as const
  expect(typesOf(await text(eventLines(store, () => null, all)))).toEqual(['x:a', 'x:b', 'x:a'])
  const some = { ...all, types: new Set(['x:a']), limit: 1 }
  expect(typesOf(await text(eventLines(store, () => null, some)))).toEqual(['x:a'])
})

/** Never at its end, and nothing in it that anybody wants. */
const barren = (event: RecordedEvent | undefined) => {
  let looked = 0
  let left = false
  const subscribe: EventStore['subscribe'] = async function* (_, signal) {
    try {
      while (!signal.aborted) {
        looked += 1
        if (event !== undefined) yield { kind: 'events', events: [event] }
        else await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        // As a page takes its time.
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      left = true
    }
  }
  return { store: { subscribe }, looked: () => looked, hasLeft: () => left }
}

it.each(['that finds only others', 'that waits'])('a reading %s ends with its stream', async (kind) => {
  const other = (await (await stored()).read('other-0').next()).value
  const { store, looked, hasLeft } = barren(kind === 'that waits' ? undefined : other)
  const wanted = { after: 'start', types: new Set(['x:never']), limit: 1 } as const
  const lines = eventLines(store, () => null, wanted)
  lines.resume()
  await vi.waitFor(() => expect(looked()).toBeGreaterThan(0))
  lines.destroy()
  if (!lines.closed) await once(lines, 'close')
  await vi.waitFor(() => expect(hasLeft()).toBe(true))
})
