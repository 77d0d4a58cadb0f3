/** A history moved to another store is the same history, wherever the move was interrupted, or it is refused. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CannotCopy, copyHistory, verifyHistory } from '../../scripts/copy-events/copy.ts'
import { historyOf } from '../../scripts/copy-events/history.ts'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import type { EventStore, NewEvent, NonEmpty, RecordedEvent } from '../../src/event-store/port.ts'
import { startEventStoreDbFixture } from '../event-store/eventstoredb/server.ts'
import { errorOf, newEvent, newEvents, silent } from '../event-store/helpers.ts'
import { createDatabase } from '../support/postgres.ts'

const never = new AbortController().signal

const allOf = async (store: EventStore): Promise<readonly RecordedEvent[]> => {
  const events: RecordedEvent[] = []
  for await (const event of historyOf(store, never)) events.push(event)
  return events
}

/** What a copy keeps. */
const kept = async (store: EventStore) =>
  (await allOf(store)).map(({ stream, revision, id, type, data, metadata }) => ({
    ...{ stream, revision, id, type, data, metadata },
  }))

/** Appends of different sizes to streams that alternate. */
const fill = async (store: EventStore, appends: readonly (readonly [stream: number, events: number])[]) => {
  const revisions = new Map<number, bigint>()
  for (const [stream, size] of appends) {
    const at = revisions.get(stream)
    const { revision } = await store.append(`user-${stream}`, newEvents(size), at ?? 'none')
    revisions.set(stream, revision)
  }
}

const STORES = {
  memory: async () => new MemoryEventStore().client(),
  postgres: async () => (await placeIn.postgres()).store,
  eventstoredb: async () => (await placeIn.eventstoredb()).store,
}

const placeIn = {
  async postgres() {
    const { connection, drop } = await createDatabase()
    const store = await openEventStore({ place: connection, log: silent })
    onTestFinished(async () => {
      await store.close()
      await drop()
    })
    const { host, user, database } = { host: '', user: '', database: '', ...connection }
    return { store, url: `postgres://${user}@localhost/${database}?host=${encodeURIComponent(host)}` }
  },
  async eventstoredb() {
    const server = await startEventStoreDbFixture()
    const store = await openEventStore({ place: server.connectionString, log: silent })
    onTestFinished(async () => {
      await store.close()
      await server.stop()
    })
    server.writeSystemEvent()
    return { store, url: server.connectionString }
  },
}

const ROUTES = [
  ['memory', 'postgres'],
  ['postgres', 'eventstoredb'],
  ['eventstoredb', 'postgres'],
] as const

describe.for(ROUTES)('from %s to %s', ([source, target]) => {
  test('everything arrives in the same order, and a second run changes nothing', async () => {
    const [from, to] = [await STORES[source](), await STORES[target]()]
    await fill(from, [
      [1, 3],
      [2, 1],
      [1, 2],
      [3, 40],
      [2, 700],
      [2, 1],
    ])
    await from.append('user-odd', [newEvent({ text: 'ünïcødé \u{1f512}', big: 2 ** 53 - 1, n: -1.5e-7 })], 'none')
    const verdict = await copyHistory({ from, to, signal: never })
    expect(verdict).toMatchObject({ events: 748, missing: 0, commitment: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(await kept(to)).toEqual(await kept(from))
    const before = await allOf(to)
    expect(await copyHistory({ from, to, signal: never })).toEqual(verdict)
    expect(await allOf(to)).toEqual(before)
  })

  test('there and back again, the commitment is the same', async () => {
    const [from, to, back] = [await STORES[source](), await STORES[target](), await STORES[source]()]
    await fill(from, [
      [1, 2],
      [2, 2],
      [1, 1],
    ])
    const there = await copyHistory({ from, to, signal: never })
    expect(await copyHistory({ from: to, to: back, signal: never })).toEqual(there)
  })
})

test('a source without events is refused: it is more likely the wrong place than a move of nothing', async () => {
  const error = await errorOf(copyHistory({ from: new MemoryEventStore(), to: new MemoryEventStore(), signal: never }))
  expect(error).toEqual(new CannotCopy('the source holds no event'))
})

/** A target that the copy loses after some appends: before or after the commit. */
const losing = (to: EventStore, after: number, how: 'before' | 'after') => {
  const interrupted = new AbortController()
  let appends = 0
  const append: EventStore['append'] = async (...args) => {
    const last = ++appends > after
    if (last) interrupted.abort(new Error('interrupted'))
    if (last && how === 'before') throw new Error('interrupted')
    return to.append(...args)
  }
  return { to: { append, subscribe: to.subscribe.bind(to) }, signal: interrupted.signal }
}

test('interrupted anywhere, any number of times, it goes on where the target ends', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(4), fc.integer({ min: 1, max: 4 })), { minLength: 1, maxLength: 25 }),
      fc.array(fc.tuple(fc.nat(6), fc.constantFrom('before' as const, 'after' as const)), { maxLength: 5 }),
      async (appends, interruptions) => {
        const [from, to] = [new MemoryEventStore(), new MemoryEventStore()]
        await fill(from, appends)
        const events = await kept(from)
        for (const [after, how] of interruptions) {
          await copyHistory({ from, ...losing(to, after, how) }).catch((error: Error) => {
            expect(error.message).toBe('interrupted')
          })
          expect(events.slice(0, (await kept(to)).length)).toEqual(await kept(to))
        }
        expect(await copyHistory({ from, to, signal: never })).toMatchObject({ events: events.length, missing: 0 })
        expect(await kept(to)).toEqual(events)
      },
    ),
    { numRuns: 60 },
  ))

test.for(['unknown', 'notCommitted'] as const)('an append whose outcome is %s is tried again', async (outcome) => {
  const [from, to] = [new MemoryEventStore(), new MemoryEventStore()]
  await fill(from, [
    [1, 2],
    [2, 2],
  ])
  to.failNextAppend(outcome)
  expect(await copyHistory({ from, to, signal: never })).toMatchObject({ events: 4, missing: 0 })
  expect(await kept(to)).toEqual(await kept(from))
})

const copied = async (change: (event: RecordedEvent, index: number) => Partial<RecordedEvent>) => {
  const [from, to] = [new MemoryEventStore(), new MemoryEventStore()]
  await fill(from, [
    [1, 1],
    [2, 1],
    [1, 1],
  ])
  for (const [index, event] of (await allOf(from)).entries()) {
    const { stream, id, type, data, metadata } = { ...event, ...change(event, index) }
    await to.append(stream, [{ id, type, data, metadata }], event.revision === 0n ? 'none' : event.revision - 1n)
  }
  return { from, to, signal: never }
}

test.for<[field: string, change: Partial<RecordedEvent>]>([
  ['id', { id: newEvent().id }],
  ['type', { type: 'test:other' }],
  ['data', { data: { n: 1 } }],
  ['metadata', { metadata: { forged: true } }],
])('a target whose %s was tampered with is found, and nothing is written into it', async ([field, change]) => {
  const options = await copied((_, index) => (index === 1 ? change : {}))
  await options.from.append('user-9', [newEvent()], 'none')
  const before = await allOf(options.to)
  for (const work of [copyHistory, verifyHistory]) {
    const error = await errorOf(work(options))
    expect(error).toBeInstanceOf(CannotCopy)
    expect((error as Error).message).toContain(`differs in its ${field} `)
  }
  expect(await allOf(options.to)).toEqual(before)
})

test('a target in another order is refused', async () => {
  const [from, to] = [new MemoryEventStore(), new MemoryEventStore()]
  const [one, two] = [newEvent(), newEvent()]
  await from.append('user-1', [one], 'none')
  await from.append('user-2', [two], 'none')
  await to.append('user-2', [two], 'none')
  await to.append('user-1', [one], 'none')
  expect(await errorOf(copyHistory({ from, to, signal: never }))).toBeInstanceOf(CannotCopy)
})

test('a target that holds more than the source is refused', async () => {
  const options = await copied(() => ({}))
  await options.to.append('user-3', [newEvent()], 'none')
  expect(await errorOf(copyHistory(options))).toBeInstanceOf(CannotCopy)
})

test('somebody else who writes into the target meanwhile is noticed', async () => {
  const [from, to] = [new MemoryEventStore(), new MemoryEventStore()]
  await fill(from, [
    [1, 1],
    [2, 1],
    [3, 1],
  ])
  const append = async (stream: string, events: NonEmpty<NewEvent>, expected: 'none' | bigint) => {
    if (stream === 'user-2') await to.append('user-intruder', [newEvent()], 'none')
    return to.append(stream, events, expected)
  }
  const meddled = { append, subscribe: to.subscribe.bind(to) }
  expect(await errorOf(copyHistory({ from, to: meddled, signal: never }))).toBeInstanceOf(CannotCopy)
})

test('a source that grows meanwhile is told, and the next run brings the rest', async () => {
  const [from, to] = [new MemoryEventStore(), new MemoryEventStore()]
  await fill(from, [[1, 1]])
  let grown = false
  const onProgress = (phase: string) => {
    if (phase !== 'verifying' || grown) return
    grown = true
    void from.append('user-2', newEvents(2), 'none')
  }
  expect(await copyHistory({ from, to, signal: never, onProgress })).toMatchObject({ events: 1, missing: 2 })
  expect(await copyHistory({ from, to, signal: never })).toMatchObject({ events: 3, missing: 0 })
})

test('an interrupted reading never passes for the end of a history', async () => {
  const from = new MemoryEventStore()
  await fill(from, [[1, 5]])
  const abort = new AbortController()
  const onProgress = () => abort.abort(new Error('interrupted'))
  const error = await errorOf(verifyHistory({ from, to: new MemoryEventStore(), signal: abort.signal, onProgress }))
  expect(error).toEqual(new Error('interrupted'))
})

describe('as a program', () => {
  const copyEvents = async (args: readonly string[], { interruptAfter }: { interruptAfter?: string } = {}) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/copy-events.ts', ...args])
    let [out, errors] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      if (interruptAfter !== undefined && out.includes(interruptAfter)) child.kill('SIGINT')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
    })
    const [code] = await once(child, 'close')
    return { code, out, errors, lines: out.split('\n').filter((line) => line.startsWith('{')) }
  }

  test('it is interrupted, goes on, verifies, and refuses a target that holds something else', async () => {
    const [from, to] = [await placeIn.postgres(), await placeIn.eventstoredb()]
    await fill(
      from.store,
      Array.from({ length: 400 }, (_, n) => [n, 1] as const),
    )
    const args = ['--from', from.url, '--to', to.url]
    const first = await copyEvents(args, { interruptAfter: 'copying' })
    expect(first).toMatchObject({ code: 130, errors: 'interrupted; run it again to go on\n' })
    const second = await copyEvents(args)
    expect(second.errors).toBe('')
    expect(second.code).toBe(0)
    expect(JSON.parse(second.lines.at(-1) ?? '')).toMatchObject({ result: 'complete', events: 400, missing: 0 })
    expect(await kept(to.store)).toEqual(await kept(from.store))

    await to.store.append('user-foreign', [newEvent()], 'none')
    const third = await copyEvents([...args, '--verify'])
    expect(third.code).toBe(2)
    expect(third.errors).toContain('the target holds more than the source')
  }, 60_000)

  test('it tells what it needs, and never a connection string', async () => {
    const [help, same, wrong, absent] = await Promise.all([
      copyEvents(['--help']),
      copyEvents(['--from', 'esdb://a', '--to', 'esdb://a']),
      copyEvents(['--from', 'mysql://root:hunter2@a', '--to', 'esdb://a']),
      copyEvents(['--from', 'embedded:./no-such-folder', '--to', 'esdb://a']),
    ])
    expect(help.code).toBe(0)
    expect(help.out).toContain('Exit codes')
    expect(same).toMatchObject({ code: 1, errors: '--from and --to are the same store\n' })
    expect(wrong).toMatchObject({ code: 1, errors: 'a store begins with esdb://, postgres:// or embedded:\n' })
    expect(absent).toMatchObject({ code: 1, errors: 'there is no embedded database in ./no-such-folder\n' })
  }, 60_000)
})
