import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEventStoreDbEventStore } from '../../src/event-store/eventstoredb.ts'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { EventStore, ExpectedRevision, NewEvent, NonEmpty, ReadOptions } from '../../src/event-store/port.ts'
import { openPostgresEventStore } from '../../src/event-store/postgres.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { type EventStoreDbFixture, startEventStoreDbFixture } from './eventstoredb/server.ts'
import { newEvent, newStream, Subscriber, silent } from './helpers.ts'

interface Append {
  readonly kind: 'append'
  readonly stream: number
  /** How many new events, after how many of the last ones of an earlier append to the same stream. */
  readonly fresh: number
  readonly again: number
  /** Relative to where the stream is: 0 fits, less is stale, more is from the future. */
  readonly offset: number
}

type Step =
  | Append
  /** The last append to the stream, word for word. */
  | { readonly kind: 'retry'; readonly stream: number }
  /** One append to each of several streams at once: their order is open, their results are not. */
  | { readonly kind: 'together'; readonly appends: readonly Append[] }
  | {
      readonly kind: 'read'
      readonly stream: number
      readonly from?: number
      readonly backwards: boolean
      readonly limit?: number
    }
  | { readonly kind: 'subscribe'; readonly share: number }

const STREAMS = 4

const stream = fc.nat(STREAMS - 1)
const append: fc.Arbitrary<Append> = fc.record({
  kind: fc.constant('append' as const),
  stream,
  fresh: fc.nat(3),
  again: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) }),
  offset: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.integer({ min: -4, max: 2 }) }),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: append },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry' as const), stream }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('together' as const),
      appends: fc.uniqueArray(append, { selector: (one) => one.stream, minLength: 2, maxLength: STREAMS }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record(
      {
        kind: fc.constant('read' as const),
        stream,
        from: fc.integer({ min: -1, max: 12 }),
        backwards: fc.boolean(),
        limit: fc.nat(6),
      },
      { requiredKeys: ['kind', 'stream', 'backwards'] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('subscribe' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
)

interface Plan {
  readonly name: string
  readonly events: NonEmpty<NewEvent>
  readonly expected: ExpectedRevision
}

/**
 * Runs a program and notes everything that can be seen, but positions and times, which are the store's own. What is
 * sent depends only on the program and on answers that all stores must give alike.
 */
async function run(store: EventStore, program: readonly Step[], names: readonly string[], ids: () => string) {
  const heads = new Map<string, bigint>()
  const last = new Map<string, Plan>()
  const notes: unknown[] = []
  const start = await store.append(`${names[0]}-before`, [newEvent()], 'none')
  const ours = (name: string) => names.includes(name)

  const plan = ({ stream, fresh, again, offset }: Append): Plan | undefined => {
    const name = names[stream] ?? ''
    const repeated = again > 0 ? (last.get(name)?.events.slice(-again) ?? []) : []
    const [first, ...rest] = [...repeated, ...Array.from({ length: fresh }, (_, n) => newEvent({ n }, { id: ids() }))]
    if (!first) return undefined
    const expected = (heads.get(name) ?? -1n) + BigInt(offset)
    return { name, events: [first, ...rest], expected: expected < 0n ? 'none' : expected }
  }

  const perform = async ({ name, events, expected }: Plan) => {
    try {
      const { revision } = await store.append(name, events, expected)
      if (revision > (heads.get(name) ?? -1n)) heads.set(name, revision)
      last.set(name, { name, events, expected })
      return { revision }
    } catch (error) {
      return error instanceof Error ? { error: error.name, message: error.message } : { error }
    }
  }

  const follow = async (after: bigint) => {
    const subscriber = new Subscriber(store, after, (event) => ours(event.stream))
    await subscriber.untilCaughtUp()
    await subscriber.stop()
    return subscriber.seen
  }

  for (const one of program) {
    if (one.kind === 'append') {
      const planned = plan(one)
      notes.push(planned && (await perform(planned)))
    } else if (one.kind === 'retry') {
      const planned = last.get(names[one.stream] ?? '')
      notes.push(planned && (await perform(planned)))
    } else if (one.kind === 'together') {
      const planned = one.appends.map(plan).filter((found) => found !== undefined)
      notes.push(await Promise.all(planned.map(perform)))
    } else if (one.kind === 'read') {
      const options: ReadOptions = {
        backwards: one.backwards,
        ...(one.from === undefined ? {} : { from: BigInt(one.from) }),
        ...(one.limit === undefined ? {} : { limit: one.limit }),
      }
      const seen = []
      for await (const event of store.read(names[one.stream] ?? '', options)) seen.push(visible(event))
      notes.push(seen)
    } else {
      const all = await follow(start.position)
      const cut = all[Math.floor(one.share * all.length)]
      const rest = cut ? await follow(cut.position) : []
      expect(rest).toEqual(all.slice(all.length - rest.length))
      expect(rest).toHaveLength(cut ? all.length - all.indexOf(cut) - 1 : 0)
      // Appends made together may come in any order across streams: compared per stream.
      notes.push(names.map((name) => all.filter((event) => event.stream === name).map(visible)))
    }
  }
  return notes
}

function visible({ id, type, data, metadata, revision }: NewEvent & { revision: bigint }) {
  return { id, type, data, metadata, revision }
}

describe('differential: every production adapter against memory', () => {
  let database: TestDatabase
  let fixture: EventStoreDbFixture
  let postgres: EventStore
  let eventStoreDb: EventStore

  beforeAll(async () => {
    database = await createDatabase()
    fixture = await startEventStoreDbFixture()
    postgres = await openPostgresEventStore({ connection: database.connection, log: silent })
    eventStoreDb = await openEventStoreDbEventStore({ connectionString: fixture.connectionString, log: silent })
  })

  afterAll(async () => {
    await postgres?.close()
    await eventStoreDb?.close()
    await database?.drop()
    await fixture?.stop()
  })

  it('gives the same results for the same random program', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25, size: 'max' }), async (program) => {
        const names = Array.from({ length: STREAMS }, newStream)
        const expected = await run(new MemoryEventStore(), program, names, numbered())
        expect(await run(postgres, program, names, numbered())).toEqual(expected)
        expect(await run(eventStoreDb, program, names, numbered())).toEqual(expected)
      }),
      { numRuns: 150 },
    )
  })
})

/** The same ids in every run. */
function numbered(): () => string {
  let n = 0
  return () => `00000000-0000-4000-8000-${String(n++).padStart(12, '0')}`
}
