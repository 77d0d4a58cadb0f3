/** One history has one tree, whichever store keeps it: leaves hold nothing that a store has chosen. */
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { EMPTY_FRONTIER, grow, rootOf } from '../../src/audit/frontier.ts'
import { leafOfEvent } from '../../src/audit/reactor.ts'
import { openEventStoreDbEventStore } from '../../src/event-store/eventstoredb.ts'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { EventStore, JsonObject, NewEvent, NonEmpty, Position } from '../../src/event-store/port.ts'
import { openPostgresEventStore } from '../../src/event-store/postgres.ts'
import { readLog } from '../../src/replay/read-log.ts'
import { type EventStoreDbFixture, startEventStoreDbFixture } from '../event-store/eventstoredb/server.ts'
import { silent } from '../event-store/helpers.ts'
import { hostileText, storableJson } from '../support/hostile.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let fixture: EventStoreDbFixture
let stores: readonly EventStore[]

beforeAll(async () => {
  database = await createDatabase()
  fixture = await startEventStoreDbFixture()
  stores = [
    new MemoryEventStore(),
    await openPostgresEventStore({ connection: database.connection, log: silent }),
    await openEventStoreDbEventStore({ connectionString: fixture.connectionString, log: silent }),
  ]
})
afterAll(async () => {
  for (const store of stores ?? []) await store.close()
  await database?.drop()
  await fixture?.stop()
})

const box = fc.option(
  fc.uint8Array({ minLength: 20, maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
)

/** As our envelopes are, and as somebody else's might be; numbers that a store might spell in its own way too. */
const event = fc.record({
  id: fc.uuid({ version: 4 }),
  type: fc.constantFrom('user:logged_in', 'user:erased', 'audit:exported', 'other:happened'),
  data: fc.tuple(storableJson, fc.double({ min: -1e15, max: 1e15, noNaN: true })).map(([json, n]) => ({ ...json, n })),
  metadata: fc.oneof(
    fc.record({
      boxes: fc.record({ personal: box, credential: box }),
      commit: fc.option(hostileText),
      client: storableJson,
    }),
    storableJson,
  ),
})

const appends = fc.array(
  fc.record({
    stream: fc.constantFrom('user-a', 'user-b', 'access-c', 'other-d'),
    events: fc.array(event, { minLength: 1, maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 6 },
)

const treeOf = async (
  store: EventStore,
  after: Position | 'start',
): Promise<{ readonly root: string; readonly end: Position | 'start' }> => {
  let end = after
  let frontier = EMPTY_FRONTIER
  for await (const recorded of readLog(store, after, new AbortController().signal)) {
    end = recorded.position
    const leaf = leafOfEvent(recorded)
    if (leaf !== null) frontier = grow(frontier, [leaf.hash]).frontier
  }
  return { root: `${frontier.size} ${rootOf(frontier).toString('hex')}`, end }
}

it('memory, PostgreSQL and the fixture of EventStoreDB give the same leaves in the same order', async () => {
  const ends = new Map<EventStore, Position | 'start'>(stores.map((store) => [store, 'start']))
  await fc.assert(
    fc.asyncProperty(appends, async (history) => {
      const run = randomUUID()
      // Ids that were used in an earlier run, or shrunk into one another, are no events of their own.
      const named = history.map(({ stream, events }) => ({
        stream: `${stream}-${run}`,
        events: events.map((one) => ({ ...one, id: randomUUID() }) as NewEvent & { data: JsonObject }),
      }))
      const roots: string[] = []
      for (const store of stores) {
        const revisions = new Map<string, bigint>()
        for (const { stream, events } of named) {
          const { revision } = await store.append(
            stream,
            events as unknown as NonEmpty<NewEvent>,
            revisions.get(stream) ?? 'none',
          )
          revisions.set(stream, revision)
        }
        const { root, end } = await treeOf(store, ends.get(store) ?? 'start')
        ends.set(store, end)
        roots.push(root)
      }
      expect(new Set(roots).size, roots.join('\n')).toBe(1)
    }),
    { numRuns: 25 },
  )
}, 60_000)
