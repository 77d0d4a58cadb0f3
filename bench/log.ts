/** The tamper-evident log: what growing it costs the projections, and how long a proof takes in a large one. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import type { Logger } from 'pino'
import { auditlog } from '../projections/auditlog.ts'
import { sessions } from '../projections/sessions.ts'
import { openCheckpoint } from '../src/audit/checkpoint.ts'
import { startLog } from '../src/audit/log.ts'
import { openLogReader } from '../src/audit/log-reader.ts'
import { appendLeaves, queryableOf } from '../src/audit/log-store.ts'
import { leafHash, verifyInclusion } from '../src/audit/merkle.ts'
import { migrateLog, prepareLog, type SignedLog } from '../src/audit/prepare-log.ts'
import { signLog } from '../src/audit/sign-log.ts'
import type { EventStore, NewEvent, NonEmpty } from '../src/event-store/port.ts'
import { openPostgresEventStore } from '../src/event-store/postgres.ts'
import { Notifications } from '../src/platform/notifications.ts'
import { inTransaction } from '../src/platform/postgres.ts'
import { openForProjections, overAccounts, overAll } from '../src/projector/open-events.ts'
import { runProjection } from '../src/projector/projector.ts'
import type { RunningWorker } from '../src/projector/worker.ts'
import { sealPersonal } from '../src/secrets/boxes.ts'
import type { Vault } from '../src/secrets/vault.ts'
import type { Bench, Benchmark } from './lib/bench.ts'
import type { BenchDatabase } from './lib/database.ts'
import { ratio } from './lib/report.ts'
import { inTurns, quantile } from './lib/rounds.ts'
import { openVaultOf } from './lib/vault.ts'

const ACCOUNTS = 40
const EVENTS_EACH = 500
const LEAVES = 1_000_000
const LEAVES_PER_BATCH = 20_000
const PROOFS = 1_000

export const log: Benchmark = async (bench) => {
  const proofs = await measureProofs(bench)
  const results = await measureShare(bench)
  return [
    {
      title: `log: events per second, ${(ACCOUNTS * EVENTS_EACH).toLocaleString('en')} events from the start`,
      notes: [
        'The two projections (sessions, audit log), each opening the personal boxes, until both are at the end; alone, ' +
          'and with the reactor that grows the log and the signer beside them in the same process, as in the product.',
      ],
      results,
      goals: [
        {
          what: 'projections beside the log / alone',
          measured: ratio(results, 'projections beside the log', 'projections alone'),
          atLeast: 0.85,
          unit: 'x',
        },
      ],
    },
    {
      title: `log: proof that an event is in a log of ${LEAVES.toLocaleString('en')} leaves, milliseconds`,
      notes: [`${PROOFS.toLocaleString('en')} events at random, one after the other, each proof verified.`],
      table: [
        ['what', 'p50', 'p99'],
        ['leaf, checkpoint and path, read and computed', ...[0.5, 0.99].map((q) => quantile(proofs, q).toFixed(2))],
      ],
      goals: [{ what: 'proof, p99', measured: quantile(proofs, 0.99), atMost: 5, unit: ' ms' }],
    },
  ]
}

async function measureProofs({ server, log }: Bench): Promise<readonly number[]> {
  const place = await openPlace(await server.createDatabase(), log)
  try {
    const { pool, signedLog } = place
    const ids: string[] = []
    for (let from = 0; from < LEAVES; from += LEAVES_PER_BATCH) {
      const leaves = Array.from({ length: LEAVES_PER_BATCH }, (_, i) => ({
        eventId: randomUUID(),
        hash: leafHash(String(from + i)),
      }))
      ids.push(...leaves.map(({ eventId }) => eventId))
      await inTransaction(pool, (client) => appendLeaves(queryableOf(client), leaves))
    }
    await signLog(pool, { log: signedLog, intervalMs: 0 })
    const reader = openLogReader(pool)
    const times: number[] = []
    // The first hundred warm up.
    for (let n = -100; n < PROOFS; n++) {
      const began = performance.now()
      const found = await reader.proofOf(ids[Math.floor(Math.random() * ids.length)] ?? '')
      const took = performance.now() - began
      if (found.kind !== 'proven') throw new Error(`the event is ${found.kind}`)
      const root = openCheckpoint(found.checkpoint, signedLog.key)?.root
      if (root === undefined || !verifyInclusion({ ...found, root })) throw new Error('the proof does not verify')
      if (n >= 0) times.push(took)
    }
    return times
  } finally {
    await place.close()
  }
}

async function measureShare({ server, log, repeats }: Bench) {
  const database = await server.createDatabase()
  const place = await openPlace(database, log)
  const notifications = new Notifications(database.connection, log)
  const store = await openPostgresEventStore({ connection: database.connection, notifications, log })
  try {
    const head = await fill(store, place.vault)
    const work = { store, pool: place.pool, notifications, owner: 'bench', log }
    const decodeFor = openForProjections(place.vault)
    const projections = () =>
      [overAccounts(sessions), overAll(auditlog)].map((projection) =>
        runProjection({ ...work, projection, decode: decodeFor(projection) }),
      )
    const grown = () => startLog({ ...work, signedLog: place.signedLog })
    const measure =
      (start: () => { readonly awaited: readonly RunningWorker[]; readonly all: readonly RunningWorker[] }) =>
      async () => {
        await place.forget()
        const began = performance.now()
        const { awaited, all } = start()
        while (awaited.some((running) => running.status().position !== head))
          await new Promise((next) => setTimeout(next, 5))
        const seconds = (performance.now() - began) / 1_000
        await Promise.all(all.map((running) => running.stop()))
        return (ACCOUNTS * EVENTS_EACH) / seconds
      }
    return await inTurns(
      [
        {
          name: 'projections alone',
          measure: measure(() => {
            const awaited = projections()
            return { awaited, all: awaited }
          }),
        },
        {
          name: 'projections beside the log',
          measure: measure(() => {
            const awaited = projections()
            return { awaited, all: [...awaited, grown()] }
          }),
        },
        {
          name: 'the log alone',
          measure: measure(() => {
            const awaited = [grown()]
            return { awaited, all: awaited }
          }),
        },
      ],
      repeats,
    )
  } finally {
    await store.close()
    await notifications.close()
    await place.close()
  }
}

export interface Place {
  readonly pool: pg.Pool
  readonly vault: Vault
  readonly signedLog: SignedLog
  /** Read models and log are as on the first day. */
  forget(): Promise<void>
  close(): Promise<void>
}

export async function openPlace({ connection }: BenchDatabase, log: Logger): Promise<Place> {
  const { pool, vault, close } = await openVaultOf(connection, log)
  const dataDir = await mkdtemp(join(tmpdir(), 'strongroom-bench-log-'))
  await migrateLog(pool)
  const settings = { dataDir, logSigningKeyFile: undefined, http: { publicUrl: 'http://localhost' } }
  const signedLog = await prepareLog(pool, settings)
  return {
    pool,
    vault,
    signedLog,
    async forget() {
      await pool.query('drop schema if exists read cascade; delete from vault.reactors')
      await inTransaction(pool, async (client) => {
        await client.query('set local session_replication_role = replica')
        await client.query('truncate log.leaves, log.subtrees, log.checkpoints')
        await client.query("update log.tree set size = 0, frontier = ''")
      })
    },
    async close() {
      await close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Accounts that sign in and out, with events as the product seals them. Returns the position of the last one. */
export async function fill(store: EventStore, vault: Vault): Promise<bigint> {
  let head = 0n
  for (let n = 0; n < ACCOUNTS; n++) {
    const { userId } = await vault.claim(`lookup ${n}`)
    const key = await vault.dataKey(userId)
    if (key === null) throw new Error('an account without a key')
    let sessionId = randomUUID()
    const events = Array.from({ length: EVENTS_EACH }, (_, i) => {
      if (i % 2 === 0) sessionId = randomUUID()
      return someEvent(key, userId, sessionId, i % 2 === 0)
    })
    for (let from = 0; from < events.length; from += 100) {
      const expected = from === 0 ? 'none' : BigInt(from - 1)
      const batch = events.slice(from, from + 100) as unknown as NonEmpty<NewEvent>
      head = (await store.append(`user-${userId}`, batch, expected)).position
    }
  }
  return head
}

function someEvent(key: Buffer, userId: string, sessionId: string, signsIn: boolean): NewEvent {
  const [id, type] = [randomUUID(), signsIn ? 'user:logged_in' : 'user:logged_out']
  const { box, commit } = sealPersonal(key, { stream: `user-${userId}`, type, eventId: id }, PERSONAL)
  return {
    id,
    type,
    data: signsIn ? { sessionId, method: 'password', challengeId: null, step: null, unfamiliar: [] } : { sessionId },
    metadata: {
      schemaVersion: signsIn ? 2 : 1,
      commandId: randomUUID(),
      correlationId: randomUUID(),
      causationId: null,
      occurredAt: new Date().toISOString(),
      actor: { kind: 'user', id: userId },
      sessionId,
      sessionHash: 'ab'.repeat(20),
      client: CLIENT,
      commit,
      boxes: { personal: box, credential: signsIn ? box : null },
    },
  }
}

const CLIENT = {
  country: 'DE',
  deviceType: 'desktop',
  browser: { name: 'Firefox', version: '140' },
  os: { name: 'Linux', version: null },
  geoVersion: '1',
  uaVersion: '1',
}

const PERSONAL = {
  ip: '203.0.113.7',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  region: 'BE',
  city: 'Berlin',
}
