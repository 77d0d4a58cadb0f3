/** Bundles of a log of some thousands of leaves: nearly each row a run of its own, and clocks that differ. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Queryable, queryableOf } from '../../src/audit/log-store.ts'
import { leafOfEvent } from '../../src/audit/reactor.ts'
import { signLog } from '../../src/audit/sign-log.ts'
import type { EventStore, RecordedEvent } from '../../src/event-store/port.ts'
import { evidenceFiles } from '../../src/exports/evidence.ts'
import type { EvidenceFilter } from '../../src/exports/evidence-events.ts'
import { type LogDatabase, openLogDatabase } from '../audit/log-database.ts'
import { runVerifier, writeBundle } from '../security/evidence-support.ts'

const EVENTS = 6_000
/** Sizes of trees that were signed on the way. */
const SIGNED = [1, 700, 2_048, 4_001]

const events = Array.from(
  { length: EVENTS },
  (_, n): RecordedEvent => ({
    id: randomUUID(),
    stream: `user-${n % 7}`,
    revision: BigInt(Math.floor(n / 7)),
    position: BigInt(n),
    recordedAt: new Date(1_000 * n),
    type: n % 2 === 0 ? 'user:logged_in' : 'user:logged_out',
    data: { n },
    metadata: { schemaVersion: 1, commit: null, boxes: { personal: null, credential: null } },
  }),
)
const storeOf = (stored: readonly RecordedEvent[]): Pick<EventStore, 'read' | 'subscribe'> => ({
  async *read() {},
  async *subscribe() {
    for (let at = 0; at < stored.length; at += 1_000) yield { kind: 'events', events: stored.slice(at, at + 1_000) }
    yield { kind: 'caughtUp' }
  },
})

let database: LogDatabase
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strongroom-evidence-runs-'))
  database = await openLogDatabase()
  let at = 0
  for (const size of [...SIGNED, EVENTS]) {
    await database.append(events.slice(at, size).flatMap((event) => leafOfEvent(event) ?? []))
    await signLog(database.pool, { log: database.log, intervalMs: 0 })
    at = size
  }
})
afterAll(async () => {
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

const bundleOf = async (
  filter: EvidenceFilter,
  {
    query = queryableOf(database.pool),
    stored = events,
  }: { query?: Queryable; stored?: readonly RecordedEvent[] } = {},
) => {
  const { privateKey, publicKey } = database.log.signingKey
  const files = await evidenceFiles(
    {
      store: storeOf(stored),
      vault: { dataKeys: async () => new Map() },
      database: query,
      signingKey: privateKey,
      publicKey,
    },
    {
      filter,
      redact: [],
      olderSizes: [],
      table: false,
      program: { name: 'tests', version: '0' },
      madeAt: new Date(),
      signal: new AbortController().signal,
    },
  )
  const bundle = new Map<string, string>()
  for (const { name, content } of files) {
    let text = ''
    for await (const part of content()) text += part
    bundle.set(name, text)
  }
  return bundle
}

it('of thousands of runs verifies, against every older checkpoint, and is read from the log in batches', async () => {
  const inner = queryableOf(database.pool)
  const asked: number[] = []
  const counting: Queryable = {
    query: (text, values) => {
      if (text.includes('as run (level, first, past, number)')) asked.push((values[0] as readonly unknown[]).length)
      return inner.query(text, values)
    },
  }
  const bundle = await bundleOf({ codes: ['user:logged_in'] }, { query: counting })
  const gaps = EVENTS / 2
  expect((bundle.get('proof') ?? '').split('\n')).toHaveLength(gaps + 1)
  expect(asked.length).toBeLessThan((2 * gaps) / 100)
  // Each gap is read twice, for the check and for the file, and never more than a batch at a time.
  expect(asked.reduce((sum, each) => sum + each)).toBe(2 * gaps)
  expect(Math.max(...asked)).toBeLessThanOrEqual(500)

  const dir = await writeBundle(folder, bundle)
  expect((await runVerifier(folder, [dir])).out).toContain(`${gaps} rows are leaves of the log`)
  const { rows } = await database.pool.query<{ note: string }>('select note from log.checkpoints order by size')
  expect(rows).toHaveLength(SIGNED.length + 1)
  for (const [n, { note }] of rows.entries()) {
    const kept = join(folder, `kept-${n}`)
    await writeFile(kept, note)
    const verdict = await runVerifier(folder, [dir, '--checkpoint', kept])
    expect(verdict.out).toContain(
      `all ${[...SIGNED, EVENTS][n]} leaves of the older checkpoint are in this log, unchanged`,
    )
    expect(verdict.code).toBe(0)
  }
})

/** Recorded by a process whose clock is another. The time of recording stands in no leaf. */
const at = (n: number, time: number): readonly RecordedEvent[] => {
  const event = events[n]
  if (event === undefined) throw new Error('there are more events')
  return events.with(n, { ...event, recordedAt: new Date(time) })
}
const [from, to] = [new Date(5_000_000).toISOString(), new Date(5_100_000).toISOString()]

it.each<[string, EvidenceFilter, readonly RecordedEvent[], string]>([
  ['to the end of the log, whose last event seems early', { from }, at(EVENTS - 1, 0), 'leaf 5000 and leaf 5999'],
  ['from its beginning, whose first event seems late', { to }, at(0, 9_000_000), 'leaf 0 and leaf 5099'],
  [
    'between two times, among which one event seems late',
    { from, to },
    at(5_050, 9_000_000),
    'leaf 5000 and leaf 5099',
  ],
])('filtered by time verifies: %s', async (_, filter, stored, range) => {
  const bundle = await bundleOf(filter, { stored })
  const verdict = await runVerifier(folder, [await writeBundle(folder, bundle)])
  expect(verdict.out).toContain(`no row is missing between ${range}`)
  expect(verdict.code).toBe(0)
})

it.each([498, 499, 500, 999])(
  'is refused where an event without a leaf stands at %s, within a batch or at its end',
  async (place) => {
    const [forged] = events
    if (forged === undefined) throw new Error('there are events')
    const stored = events.toSpliced(place, 0, { ...forged, id: randomUUID() })
    const codes = ['user:logged_in', 'user:logged_out']
    await expect(bundleOf({ codes }, { stored })).rejects.toThrow('an event without a leaf stands before event')
  },
)

it('is refused where the stored hashes are changed while it is written', async () => {
  const inner = queryableOf(database.pool)
  let reads = 0
  const changing: Queryable = {
    async query<Row>(text: string, values: readonly unknown[]) {
      if (!text.includes('as run (level, first, past, number)')) return inner.query<Row>(text, values)
      reads += 1
      // Before the rows, behind them, and both once more for the file.
      return inner.query<Row>(
        reads < 3 ? text : text.replaceAll('string_agg(hash,', 'string_agg(sha256(hash),'),
        values,
      )
    },
  }
  await expect(bundleOf({ from, to }, { query: changing })).rejects.toThrow('were changed while they were exported')
  expect(reads).toBe(3)
})
