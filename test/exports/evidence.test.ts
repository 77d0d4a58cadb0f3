/** A bundle that is filtered so that nearly each row is a run of its own. */
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
    recordedAt: new Date(0),
    type: n % 2 === 0 ? 'user:logged_in' : 'user:logged_out',
    data: { n },
    metadata: { schemaVersion: 1, commit: null, boxes: { personal: null, credential: null } },
  }),
)
const store: Pick<EventStore, 'read' | 'subscribe'> = {
  async *read() {},
  async *subscribe() {
    for (let at = 0; at < EVENTS; at += 1_000) yield { kind: 'events', events: events.slice(at, at + 1_000) }
    yield { kind: 'caughtUp' }
  },
}

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

const bundleOf = async (codes: readonly string[], query: Queryable) => {
  const { privateKey, publicKey } = database.log.signingKey
  const files = await evidenceFiles(
    { store, vault: { dataKeys: async () => new Map() }, database: query, signingKey: privateKey, publicKey },
    {
      filter: { codes },
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
  const bundle = await bundleOf(['user:logged_in'], counting)
  const gaps = EVENTS / 2
  expect((bundle.get('proof') ?? '').split('\n')).toHaveLength(gaps + 1)
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
