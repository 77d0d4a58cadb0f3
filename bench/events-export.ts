/** The history as analysts download it, beside reading it through the port, and beside a bare COPY of its table. */
import { get, type IncomingMessage } from 'node:http'
import { Kysely, PostgresDialect } from 'kysely'
import { to as copyTo } from 'pg-copy-streams'
import { openPostgresEventStore } from '../src/event-store/postgres.ts'
import type { Database } from '../src/platform/database.ts'
import { migrate } from '../src/platform/migrations.ts'
import { Notifications } from '../src/platform/notifications.ts'
import { openPool } from '../src/platform/postgres.ts'
import { readLog } from '../src/replay/read-log.ts'
import { openAccessTokens, type Scope } from '../src/secrets/access-tokens.ts'
import { loadMasterKey } from '../src/secrets/master-key.ts'
import { openVault } from '../src/secrets/vault.ts'
import { vaultMigrations } from '../src/secrets/vault-schema.ts'
import { strongroom } from './contenders/sites.ts'
import type { Benchmark } from './lib/bench.ts'
import { ratio } from './lib/report.ts'
import { inTurns } from './lib/rounds.ts'
import { fill } from './log.ts'

const MASTER_KEY = Buffer.alloc(32, 1).toString('base64')

const COPY = 'bare COPY of the table'
const PORT = 'read through the port, decoded'
const CLOSED = 'GET /v1/events as NDJSON'
const OPENED = 'the same with personal data'

export const eventsExport: Benchmark = async ({ server, log, repeats }) => {
  const database = await server.createDatabase()
  const { connection } = database
  const pool = openPool(connection, { applicationName: 'bench', max: 4, log })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  await migrate(pool, 'vault', vaultMigrations)
  const vault = await openVault(
    db,
    await loadMasterKey({ masterKey: MASTER_KEY, masterKeyFile: undefined, dataDir: '' }),
  )
  const notifications = new Notifications(connection, log)
  const store = await openPostgresEventStore({ connection, notifications, log })
  await fill(store, vault)
  await pool.query('vacuum analyze store.events')
  // No projectors: they would read the same events meanwhile.
  const site = await strongroom(database, { MASTER_KEY, ROLES: 'api' })
  try {
    const count = Number((await pool.query<{ count: string }>('select count(*) from store.events')).rows[0]?.count)
    const tokens = openAccessTokens(db, Date.now)
    const headersFor = async (...scopes: Scope[]) => ({
      Authorization: `Bearer ${(await tokens.create('bench', scopes)).token}`,
      Accept: 'application/x-ndjson',
    })
    const [closed, opened] = [await headersFor('events:read'), await headersFor('events:read', 'events:pii')]
    let firstByteMs = 0
    const downloading = (headers: Readonly<Record<string, string>>) => async () => {
      const began = performance.now()
      const { lines, firstMs } = await download(`${site.url}/v1/events`, headers)
      if (lines !== count) throw new Error(`${lines} lines of ${count} events`)
      firstByteMs = Math.max(firstByteMs, firstMs)
      return perSecond(count, began)
    }
    const results = await inTurns(
      [
        {
          name: COPY,
          async measure() {
            const began = performance.now()
            const client = await pool.connect()
            try {
              for await (const _ of client.query(copyTo('copy store.events to stdout'))) {
                // Thrown away.
              }
            } finally {
              client.release(true)
            }
            return perSecond(count, began)
          },
        },
        {
          name: PORT,
          async measure() {
            const began = performance.now()
            let read = 0
            for await (const _ of readLog(store, 'start', new AbortController().signal)) read++
            if (read !== count) throw new Error(`${read} of ${count} events`)
            return perSecond(count, began)
          },
        },
        { name: CLOSED, measure: downloading(closed) },
        { name: OPENED, measure: downloading(opened) },
      ],
      repeats,
    )
    const share = (name: string, to: string) => [`${name} / ${to}`, `${ratio(results, name, to).toFixed(2)}x`]
    return [
      {
        title: `events-export: events per second, ${count.toLocaleString('en')} events`,
        notes: [
          'Each is read to its end and thrown away. Over HTTP every event is brought to its newest version and validated; ' +
            'with personal data its box is opened as well.',
        ],
        results,
        table: [
          ['what', ''],
          share(CLOSED, PORT),
          share(CLOSED, COPY),
          share(OPENED, PORT),
          ['first byte, milliseconds, the slowest', firstByteMs.toFixed(0)],
        ],
        goals: [{ what: 'first byte', measured: firstByteMs, atMost: 200, unit: ' ms' }],
      },
    ]
  } finally {
    await site.stop()
    await store.close()
    await notifications.close()
    await db.destroy()
  }
}

const perSecond = (count: number, began: number): number => count / ((performance.now() - began) / 1_000)

async function download(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly lines: number; readonly firstMs: number }> {
  const began = performance.now()
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers, agent: false }, resolve).once('error', reject)
  })
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode}`)
  let lines = 0
  let firstMs = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (firstMs === 0) firstMs = performance.now() - began
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++
  }
  return { lines, firstMs }
}
