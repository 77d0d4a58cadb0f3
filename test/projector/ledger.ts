import { createHash } from 'node:crypto'
import type { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { JsonObject, RecordedEvent } from '../../src/event-store/port.ts'
import type { Projection } from '../../src/projector/row-operation.ts'

/**
 * A line per event and a row per stream that is not gone. Written a second time, or in another order, an event leaves
 * another table: `gone` takes away what came before it.
 */
export const ledger: Projection<RecordedEvent> = {
  name: 'ledger',
  version: 1,
  tables: [
    {
      name: 'lines',
      columns: { position: { type: 'bigint' }, stream: { type: 'text' }, revision: { type: 'integer' } },
      primaryKey: ['position'],
      indexes: ['(stream, revision)'],
    },
    {
      name: 'heads',
      columns: { stream: { type: 'text' }, revision: { type: 'integer' }, note: { type: 'text', nullable: true } },
      primaryKey: ['stream'],
      indexes: [],
    },
  ],
  apply: ({ stream, type, position, revision, data }) => {
    const at = Number(revision)
    if (type === 'poison') throw new TypeError(`cannot take ${data.secret}`)
    // Not a number of its type's range: PostgreSQL, not this program, finds the fault.
    if (type === 'indigestible') {
      return [{ op: 'insert', table: 'lines', row: { position, stream, revision: 2 ** 40 } }]
    }
    if (type === 'gone') {
      return [
        { op: 'delete', table: 'lines', where: { stream } },
        { op: 'delete', table: 'heads', where: { stream } },
      ]
    }
    return [
      { op: 'insert', table: 'lines', row: { position, stream, revision: at } },
      at === 0
        ? { op: 'insert', table: 'heads', row: { stream, revision: at, note: null } }
        : { op: 'update', table: 'heads', key: { stream }, set: { revision: at } },
    ]
  },
}

/** Appends `count` events to `streams` streams in turn, the same ones every time. */
export async function fill(store: MemoryEventStore, count: number, streams = 7): Promise<bigint> {
  let position = 0n
  for (let index = 0; index < count; index += 1) {
    position = await append(store, `s${index % streams}`, 'happened')
  }
  return position
}

export async function append(
  store: MemoryEventStore,
  stream: string,
  type: string,
  data: JsonObject = {},
): Promise<bigint> {
  let head = -1n
  for await (const event of store.read(stream, { backwards: true, limit: 1 })) head = event.revision
  const hex = createHash('sha256').update(`${stream}@${head}`).digest('hex')
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
  const { position } = await store.append(stream, [{ id, type, data, metadata: {} }], head < 0n ? 'none' : head)
  return position
}

/** Events that come and go in many streams: the same story every time, for processes that share no memory. */
export async function fillStory(store: MemoryEventStore, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await append(store, `s${(index * 7) % 13}`, index % 11 === 10 ? 'gone' : 'happened')
  }
}

/** What `tables` gives once every event of the store was applied one by one. */
export async function expectedTables(store: MemoryEventStore): Promise<{ lines: unknown[]; heads: unknown[] }> {
  const lines = new Map<bigint, { position: string; stream: string; revision: number }>()
  const heads = new Map<string, { stream: string; revision: number; note: null }>()
  const done = new AbortController()
  for await (const message of store.subscribe('start', done.signal)) {
    if (message.kind === 'caughtUp') break
    for (const { position, stream, revision, type } of message.events) {
      if (type === 'gone') {
        for (const [key, line] of lines) if (line.stream === stream) lines.delete(key)
        heads.delete(stream)
        continue
      }
      lines.set(position, { position: String(position), stream, revision: Number(revision) })
      if (revision === 0n || heads.has(stream)) heads.set(stream, { stream, revision: Number(revision), note: null })
    }
  }
  done.abort()
  return { lines: [...lines.values()], heads: [...heads.values()].sort((a, b) => (a.stream < b.stream ? -1 : 1)) }
}
