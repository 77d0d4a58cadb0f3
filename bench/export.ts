/** Exports beside a bare COPY of the same table; and how fast an evidence bundle is made, and verified. */
import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { Kysely, PostgresDialect } from 'kysely'
import { to as copyTo } from 'pg-copy-streams'
import { auditlog } from '../projections/auditlog.ts'
import { startLog } from '../src/audit/log.ts'
import { queryableOf } from '../src/audit/log-store.ts'
import { signLog } from '../src/audit/sign-log.ts'
import { openPostgresEventStore } from '../src/event-store/postgres.ts'
import { EXPORT_SETTINGS, EXPORT_TIMEOUT_MS, openRowCopier } from '../src/exports/copy-rows.ts'
import { evidenceFiles } from '../src/exports/evidence.ts'
import { lineSafeStream } from '../src/exports/json-lines.ts'
import type { Database } from '../src/platform/database.ts'
import { Notifications } from '../src/platform/notifications.ts'
import { openPool } from '../src/platform/postgres.ts'
import { overAll } from '../src/projector/open-events.ts'
import { registerProjections } from '../src/projector/schema.ts'
import { auditExportQuery } from '../src/queries/audit-events.ts'
import { makeUp } from './contenders/made-up.ts'
import type { Bench, Benchmark } from './lib/bench.ts'
import { ratio } from './lib/report.ts'
import { inTurns } from './lib/rounds.ts'
import { openPlace } from './log.ts'

const ROWS = 1_000_000
/** Events in the bundle, of made-up people. */
const BUNDLED = 200_000

export const exportRows: Benchmark = async (bench) => {
  const { results, firstByteMs, grownMb } = await measureRows(bench)
  const evidence = await measureEvidence(bench)
  return [
    {
      title: `export: rows per second, ${ROWS.toLocaleString('en')} rows of the audit log`,
      notes: ['The streams are read and thrown away. The bare COPY writes the columns as they are, in no order.'],
      results,
      table: [
        ['what', ''],
        ['first byte, milliseconds, the slowest', firstByteMs.toFixed(0)],
        ['resident memory grown by, MB, at most', grownMb.toFixed(0)],
      ],
      goals: [
        { what: 'CSV / bare COPY', measured: ratio(results, 'export as CSV', 'bare COPY'), atLeast: 0.8, unit: 'x' },
        {
          what: 'NDJSON / bare COPY',
          measured: ratio(results, 'export as NDJSON', 'bare COPY'),
          atLeast: 0.5,
          unit: 'x',
        },
        { what: 'first byte', measured: firstByteMs, atMost: 200, unit: ' ms' },
        { what: 'memory', measured: grownMb, atMost: 50, unit: ' MB' },
      ],
    },
    {
      title: `export: an evidence bundle of ${evidence.rows.toLocaleString('en')} rows, rows per second`,
      notes: [
        'Out of the event store, boxes opened, leaves computed anew. Verified by scripts/verify.mjs, its start included.',
      ],
      results: evidence.results,
      table: [
        ['what', ''],
        ['resident memory grown by while it is written, MB, at most', evidence.grownMb.toFixed(0)],
      ],
      goals: [
        {
          what: 'bundle, rows per second',
          measured: evidence.results.find(({ name }) => name === 'bundle written')?.median ?? 0,
          atLeast: 20_000,
          unit: '',
        },
      ],
    },
  ]
}

async function measureRows({ server, log, repeats }: Bench) {
  const { connection } = await server.createDatabase()
  const plain = openPool(connection, { applicationName: 'bench', max: 2, log, statementTimeoutMs: EXPORT_TIMEOUT_MS })
  const pool = openPool(connection, {
    applicationName: 'bench exports',
    max: 2,
    log,
    statementTimeoutMs: EXPORT_TIMEOUT_MS,
    settings: EXPORT_SETTINGS,
  })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: plain }) })
  try {
    await registerProjections(plain, [overAll(auditlog)])
    await plain.query(FILL, [ROWS])
    await plain.query('vacuum analyze')
    let firstByteMs = 0
    let grownMb = 0
    const rows = openRowCopier(pool)
    const drain = async (began: number, stream: Readable, isExport: boolean): Promise<number> => {
      const before = process.memoryUsage().rss
      let first = true
      for await (const _ of stream) {
        if (first && isExport) firstByteMs = Math.max(firstByteMs, performance.now() - began)
        first = false
        if (isExport) grownMb = Math.max(grownMb, (process.memoryUsage().rss - before) / 1e6)
      }
      return ROWS / ((performance.now() - began) / 1_000)
    }
    const wish = { userId: null, filter: {}, named: true } as const
    const results = await inTurns(
      [
        {
          name: 'bare COPY',
          async measure() {
            const client = await plain.connect()
            try {
              return await drain(
                performance.now(),
                client.query(copyTo('copy (select * from read.auditlog) to stdout (format csv)')),
                false,
              )
            } finally {
              client.release(true)
            }
          },
        },
        {
          name: 'export as CSV',
          async measure() {
            const began = performance.now()
            return drain(began, await rows.start(auditExportQuery(db, { ...wish, format: 'csv' }), 'csv'), true)
          },
        },
        {
          name: 'export as NDJSON',
          async measure() {
            const began = performance.now()
            const lines = await rows.start(auditExportQuery(db, { ...wish, format: 'lines' }), 'lines')
            // As they leave: what is the end of a line for some readers only is escaped on the way.
            return drain(began, lineSafeStream(lines), true)
          },
        },
      ],
      repeats,
    )
    return { results, firstByteMs, grownMb }
  } finally {
    await pool.end()
    await db.destroy()
  }
}

async function measureEvidence({ server, log, repeats }: Bench) {
  const database = await server.createDatabase()
  const place = await openPlace(database, log)
  const notifications = new Notifications(database.connection, log)
  const store = await openPostgresEventStore({ connection: database.connection, notifications, log })
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-bench-evidence-'))
  try {
    await makeUp(store, place.vault, BUNDLED)
    const head = await store.tail()
    const { pool, signedLog } = place
    const growing = startLog({ store, pool, notifications, owner: 'bench', log, signedLog })
    while (growing.status().position !== head) await new Promise((next) => setTimeout(next, 20))
    await growing.stop()
    await signLog(pool, { log: signedLog, intervalMs: 0 })
    let rows = 0
    let made = 0
    let dir = ''
    let grownMb = 0
    const write = async (): Promise<number> => {
      dir = join(folder, String(made++))
      await mkdir(dir)
      const before = process.memoryUsage().rss
      const watching = setInterval(() => {
        grownMb = Math.max(grownMb, (process.memoryUsage().rss - before) / 1e6)
      }, 50)
      const began = performance.now()
      const files = await evidenceFiles(
        {
          store,
          vault: place.vault,
          database: queryableOf(pool),
          signingKey: signedLog.signingKey.privateKey,
          publicKey: signedLog.signingKey.publicKey,
        },
        {
          filter: {},
          redact: [],
          olderSizes: [],
          table: false,
          program: { name: 'bench', version: '0' },
          madeAt: new Date(),
          signal: new AbortController().signal,
        },
      )
      for (const { name, content } of files) {
        await pipeline(Readable.from(content(), { objectMode: false }), createWriteStream(join(dir, name)))
      }
      clearInterval(watching)
      const { rows: counted } = await pool.query<{ size: string }>('select size::text from log.tree')
      rows = Number(counted[0]?.size)
      return rows / ((performance.now() - began) / 1_000)
    }
    const verify = async (): Promise<number> => {
      const began = performance.now()
      await promisify(execFile)(process.execPath, ['scripts/verify.mjs', dir])
      return rows / ((performance.now() - began) / 1_000)
    }
    const results = await inTurns(
      [
        { name: 'bundle written', measure: write },
        { name: 'bundle verified', measure: verify },
      ],
      repeats,
    )
    return { results, rows, grownMb }
  } finally {
    await store.close()
    await notifications.close()
    await place.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Rows of about 450 bytes, of a thousand users. */
const FILL = `
  insert into read.auditlog
  select gen_random_uuid(), md5((n % 1000)::text)::uuid, n, n, 'user:logged_in', 'Logged in', 'success',
         timestamptz '2026-01-01' + n * interval '1 second', '192.0.2.' || n % 250, 'DE', 'BE', 'Berlin', 'desktop',
         'Firefox', '128.0', 'Linux', null,
         'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', gen_random_uuid(),
         md5(n::text) || '00000000', null, '{"kind":"user","id":"' || md5((n % 1000)::text)::uuid || '"}',
         '{"sessionId":"' || gen_random_uuid() || '","method":"password","challengeId":null,"step":null,"unfamiliar":[]}'
    from generate_series(1, $1::int) n`
