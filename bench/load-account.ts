/** What a long history costs: loading an account of 100,000 events beside one of 10. */
import { randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect } from 'kysely'
import { type Accounts, openAccounts, streamOf } from '../src/accounts/accounts.ts'
import { openSnapshots } from '../src/accounts/snapshots.ts'
import type { EventStore, NewEvent, NonEmpty } from '../src/event-store/port.ts'
import { openPostgresEventStore } from '../src/event-store/postgres.ts'
import type { Database } from '../src/platform/database.ts'
import { migrate } from '../src/platform/migrations.ts'
import { Notifications } from '../src/platform/notifications.ts'
import { openPool } from '../src/platform/postgres.ts'
import { sealPersonal } from '../src/secrets/boxes.ts'
import { openVault, type Vault } from '../src/secrets/vault.ts'
import { vaultMigrations } from '../src/secrets/vault-schema.ts'
import type { Benchmark } from './lib/bench.ts'
import { ratio } from './lib/report.ts'
import { inTurns } from './lib/rounds.ts'

const SHORT = 10
const LONG = 100_000
const PER_APPEND = 500
const ROUND_MS = 2_000

export const loadAccount: Benchmark = async ({ server, log, repeats }) => {
  const { connection } = await server.createDatabase()
  const pool = openPool(connection, { applicationName: 'bench', max: 10, log })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  await migrate(pool, 'vault', vaultMigrations)
  const vault = await openVault(db, { key: Buffer.alloc(32, 1), id: 'bench' })
  const notifications = new Notifications(connection, log)
  const store = await openPostgresEventStore({ connection, notifications, log })
  try {
    const short = await fill(store, vault, SHORT)
    const long = await fill(store, vault, LONG)
    const snapshots = openSnapshots({ db, vault, log })
    const whole = await timeOf(() => openAccounts(store).load(long))
    const warm = openAccounts(store, snapshots)
    await warm.load(long)
    while ((await snapshots.find(long)) === null) await new Promise((next) => setTimeout(next, 20))
    const forgetful = openAccounts(store, snapshots)
    const cold = (): Accounts => {
      vault.evictAll()
      for (const userId of [short, long]) forgetful.evict(userId)
      return forgetful
    }
    const results = await inTurns(
      [
        { name: `known, ${SHORT} events`, measure: () => loadsPerSecond(() => warm, short) },
        { name: `known, ${LONG} events`, measure: () => loadsPerSecond(() => warm, long) },
        { name: `never seen, ${SHORT} events`, measure: () => loadsPerSecond(cold, short) },
        { name: `never seen, ${LONG} events`, measure: () => loadsPerSecond(cold, long) },
      ],
      repeats,
    )
    await snapshots.close()
    return [
      {
        title: 'load-account: loads per second, one after the other',
        notes: [
          'Known: the process has the folded state and reads the tail. Never seen: it knows neither the account nor its ' +
            `key, and begins with the snapshot. Without a snapshot the long one took ${Math.round(whole)} ms once.`,
        ],
        results,
        goals: [
          {
            what: `time of ${LONG} / of ${SHORT} events, known`,
            measured: ratio(results, `known, ${SHORT} events`, `known, ${LONG} events`),
            atMost: 1.2,
            unit: 'x',
          },
          {
            what: `time of ${LONG} / of ${SHORT} events, never seen`,
            measured: ratio(results, `never seen, ${SHORT} events`, `never seen, ${LONG} events`),
            atMost: 1.2,
            unit: 'x',
          },
        ],
      },
    ]
  } finally {
    await store.close()
    await notifications.close()
    await db.destroy()
  }
}

async function loadsPerSecond(accounts: () => Accounts, userId: string): Promise<number> {
  const began = performance.now()
  let count = 0
  while (performance.now() - began < ROUND_MS) {
    await accounts().load(userId)
    count++
  }
  return count / ((performance.now() - began) / 1_000)
}

const timeOf = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** An account that has signed in and out, until it has so many events; the last session is open. */
async function fill(store: EventStore, vault: Vault, count: number): Promise<string> {
  const { userId } = await vault.claim(`of ${count} events`)
  const key = await vault.dataKey(userId)
  if (key === null) throw new Error('an account without a key')
  let sessionId = randomUUID()
  for (let from = 0; from < count; from += PER_APPEND) {
    const events = Array.from({ length: Math.min(PER_APPEND, count - from) }, (_, i) => {
      if (from + i === 0) return someEvent(key, userId, 'user:registered', {})
      if ((from + i) % 2 === 0) return someEvent(key, userId, 'user:logged_out', { sessionId })
      sessionId = randomUUID()
      const data = { sessionId, method: 'password', challengeId: null, step: null, unfamiliar: [] }
      return someEvent(key, userId, 'user:logged_in', data)
    })
    const expected = from === 0 ? 'none' : BigInt(from - 1)
    await store.append(streamOf(userId), events as unknown as NonEmpty<NewEvent>, expected)
  }
  return userId
}

function someEvent(key: Buffer, userId: string, type: string, data: NewEvent['data']): NewEvent {
  const id = randomUUID()
  const { box, commit } = sealPersonal(key, { stream: streamOf(userId), type, eventId: id }, PERSONAL)
  return {
    id,
    type,
    data,
    metadata: {
      schemaVersion: type === 'user:logged_in' ? 2 : 1,
      commandId: randomUUID(),
      correlationId: randomUUID(),
      causationId: null,
      occurredAt: new Date().toISOString(),
      actor: { kind: 'user', id: userId },
      sessionId: null,
      sessionHash: 'ab'.repeat(20),
      client: null,
      commit,
      boxes: { personal: box, credential: type === 'user:logged_out' ? null : box },
    },
  }
}

const PERSONAL = {
  ip: '203.0.113.7',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0)',
  region: 'BE',
  city: 'Berlin',
}
