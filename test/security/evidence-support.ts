/** Bundles as an auditor gets them, over HTTP, and judges them: by the one file that they copy. */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import { pino } from 'pino'
import { expect, vi } from 'vitest'
import { queryableOf, runsIn } from '../../src/audit/log-store.ts'
import type { Hash } from '../../src/audit/merkle.ts'
import { consistencyProof } from '../../src/audit/proofs.ts'
import { loadSigningKey } from '../../src/audit/signing-key.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import { type EvidenceWish, evidenceFiles } from '../../src/exports/evidence.ts'
import type { Database } from '../../src/platform/database.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { loadMasterKey } from '../../src/secrets/master-key.ts'
import { openVault } from '../../src/secrets/vault.ts'
import { testLogKeyFile } from '../support/log-key.ts'
import { TEST_MASTER_KEY, type TestServer } from '../support/server.ts'
import { unzip } from '../support/unzip.ts'
import { sql, untilProjected } from './support.ts'
import type { TestToken } from './tokens.ts'

/** Its files by their names. */
export type Bundle = ReadonlyMap<string, string>

export interface Verdict {
  readonly code: number
  readonly out: string
}

/** Waits until the read models and the log have all events, and a checkpoint has all of the log. */
export const untilSigned = async (server: TestServer): Promise<void> => {
  await untilProjected(server)
  await untilLogged(server)
}

/** Waits until the log has all events, and a checkpoint has all of the log. */
export const untilLogged = async (server: TestServer): Promise<void> => {
  const behind = `select 1 from log.tree where size > (select coalesce(max(size), 0) from log.checkpoints)
                  union all select 1 from vault.reactors where name = 'log' and not caught_up`
  await vi.waitFor(async () => expect(await sql(server, behind)).toEqual([]), { timeout: 50_000 })
}

/** `filter`: further parameters, each with its `&`. */
export const downloadBundle = async (server: TestServer, auditor: TestToken, filter: string): Promise<Bundle> => {
  const response = await fetch(`${server.url}/v1/audit/export?format=bundle${filter}`, { headers: auditor.headers })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/zip'])
  const files = unzip(Buffer.from(await response.arrayBuffer()))
  return new Map([...files].map(([name, content]) => [name, content.toString('utf8')]))
}

/** What `npm run export` can do and HTTP cannot: hide fields. */
export const makeBundle = (server: TestServer, wish: Pick<EvidenceWish, 'filter' | 'redact'>): Promise<Bundle> =>
  withPool(server, async (pool) => {
    const log = pino({ level: 'silent' })
    const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
    const vault = await openVault(
      db,
      await loadMasterKey({ masterKey: TEST_MASTER_KEY, masterKeyFile: undefined, dataDir: '' }),
    )
    const { eventStore, connection } = server.database
    const store = await openEventStore({ place: eventStore?.connectionString ?? connection, log })
    const key = await loadSigningKey({ logSigningKeyFile: testLogKeyFile(), dataDir: '' }, { make: false })
    if (key === undefined) throw new Error('the tests have a key')
    try {
      const { signal } = new AbortController()
      const program = { name: 'tests', version: '0' }
      const files = await evidenceFiles(
        { store, vault, database: queryableOf(pool), signingKey: key.privateKey, publicKey: key.publicKey },
        { ...wish, olderSizes: [], table: true, program, madeAt: new Date(), signal },
      )
      const bundle = new Map<string, string>()
      for (const { name, content } of files) {
        let text = ''
        for await (const part of content()) text += part
        bundle.set(name, text)
      }
      return bundle
    } finally {
      await store.close()
    }
  })

export const storedConsistencyProof = (server: TestServer, first: number, second: number): Promise<readonly Hash[]> =>
  withPool(server, (pool) => consistencyProof(runsIn(queryableOf(pool)), first, second))

const withPool = async <T>({ database }: TestServer, work: (pool: pg.Pool) => Promise<T>): Promise<T> => {
  const pool = openPool(database.connection, { applicationName: 'evidence', max: 2, log: pino({ level: 'silent' }) })
  try {
    return await work(pool)
  } finally {
    await pool.end()
  }
}

export const verifyBundle = async (folder: string, bundle: Bundle, ...options: readonly string[]): Promise<Verdict> =>
  runVerifier(folder, [await writeBundle(folder, bundle), ...options])

/** Unpacks it into a folder below `folder`. */
export const writeBundle = async (folder: string, bundle: Bundle): Promise<string> => {
  const dir = join(await mkdtemp(join(folder, 'bundle-')), 'bundle')
  await mkdir(dir)
  for (const [name, content] of bundle) await writeFile(join(dir, name), content)
  return dir
}

/**
 * As an auditor does: a copy of the one file, alone in a folder below `folder` and with nothing in its environment, from
 * where it reaches neither our sources nor a package.
 */
export const runVerifier = async (folder: string, args: readonly string[]): Promise<Verdict> => {
  const cwd = await mkdtemp(join(folder, 'verifier-'))
  await copyFile('scripts/verify.mjs', join(cwd, 'verify.mjs'))
  return new Promise((resolve) => {
    execFile(process.execPath, ['verify.mjs', ...args], { cwd, env: {} }, (error, out) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out }),
    )
  })
}
