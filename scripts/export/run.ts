/** Writes the bundle beside its place and moves it there when it is whole. */
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import packageJson from '../../package.json' with { type: 'json' }
import { isAccessType } from '../../src/account/access-events.ts'
import { isEventType } from '../../src/account/events.ts'
import { parseCheckpoint } from '../../src/audit/checkpoint.ts'
import { LogMissing, queryableOf, readTree } from '../../src/audit/log-store.ts'
import { migrateLog, prepareLog } from '../../src/audit/prepare-log.ts'
import type { Config } from '../../src/config.ts'
import { openEventStore } from '../../src/event-store/open.ts'
import { openAccessRecorder, type WholeFilter } from '../../src/exports/access-recorder.ts'
import { evidenceFiles } from '../../src/exports/evidence.ts'
import type { EvidenceFilter } from '../../src/exports/evidence-events.ts'
import type { Redaction } from '../../src/exports/evidence-rows.ts'
import { openLog } from '../../src/platform/log.ts'
import { loadMasterKey } from '../../src/secrets/master-key.ts'
import { openVault } from '../../src/secrets/vault.ts'
import type { Counter } from '../operate/counter.ts'
import { mustHaveMasterKey } from '../operate/master-key.ts'
import { withVaultDatabase } from '../operate/vault-database.ts'

export interface ExportOptions {
  readonly out: string
  readonly format: 'ndjson' | 'csv'
  readonly from?: string
  readonly to?: string
  readonly user?: string
  readonly code?: readonly string[]
  readonly redact?: Redaction
  readonly checkpoint?: string
}

export class DirectoryInUse extends Error {
  override readonly name = 'DirectoryInUse'
}

export class InvalidOption extends Error {
  override readonly name = 'InvalidOption'
}

/** Resolves with where it is. Throws InvalidOption, DirectoryInUse, LogMissing, LogContradicted, and as scripts/operate says. */
export const runExport = async (
  config: Config,
  options: ExportOptions,
  openCounter: () => Counter,
  signal: AbortSignal,
): Promise<string> => {
  const filter = filterOf(options)
  const out = resolve(options.out)
  await mustBeFree(out)
  const olderSizes = options.checkpoint === undefined ? [] : [await sizeOf(options.checkpoint)]
  mustHaveMasterKey(config)
  const log = openLog('warn')
  await withVaultDatabase(config, log, async (db, { pool, connection }) => {
    await migrateLog(pool)
    const database = queryableOf(pool)
    if ((await readTree(database)) === undefined) throw new LogMissing()
    const { signingKey } = await prepareLog(pool, config)
    const vault = await openVault(db, await loadMasterKey(config))
    const store = await openEventStore({ place: config.eventStoreUrl ?? connection, log })
    const aside = `${out}.${randomUUID()}.part`
    try {
      const files = await evidenceFiles(
        { store, vault, database, signingKey: signingKey.privateKey, publicKey: signingKey.publicKey },
        {
          filter,
          redact: options.redact ?? [],
          olderSizes,
          table: options.format === 'csv',
          program: { name: packageJson.name, version: packageJson.version },
          madeAt: new Date(),
          signal,
        },
      )
      const recorder = openAccessRecorder({ store, vault, now: Date.now })
      const { user, codes, ...times } = filter
      await recorder.exported(
        { tokenId: null, correlationId: randomUUID() },
        {
          // What is undefined is left out when it becomes JSON.
          filter: { ...times, user, ...(codes === undefined ? {} : { codes: [...codes] }) } as WholeFilter,
          userId: user ?? null,
          format: 'bundle',
          schema: 'native',
        },
      )
      await mkdir(aside, { recursive: true, mode: 0o700 })
      const counter = openCounter()
      try {
        for (const { name, content } of files) {
          const target = createWriteStream(join(aside, name), { mode: 0o600, flags: 'wx' })
          await pipeline(Readable.from(counted(content(), name, counter)), target, { signal })
        }
      } finally {
        counter.stop()
      }
      await rmdir(out).catch(() => {})
      await rename(aside, out)
    } catch (error) {
      await rm(aside, { recursive: true, force: true })
      signal.throwIfAborted()
      throw error
    } finally {
      await store.close()
    }
  })
  return out
}

async function* counted(
  content: AsyncIterable<string | Buffer>,
  name: string,
  counter: Counter,
): AsyncGenerator<string | Buffer> {
  let lines = 0
  for await (const part of content) {
    if (name === 'rows.ndjson') {
      for (let at = part.indexOf('\n'); at >= 0; at = part.indexOf('\n', at + 1)) lines += 1
      counter.count(lines)
    }
    yield part
  }
}

const mustBeFree = async (out: string): Promise<void> => {
  try {
    if ((await readdir(out)).length === 0) return
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    throw new DirectoryInUse(`${out} is no folder that can be written to (${code})`)
  }
  throw new DirectoryInUse(`there is something in ${out} already: name a folder that is empty or does not exist`)
}

const sizeOf = async (file: string): Promise<number> => {
  const text = await readFile(file, 'utf8').catch(() => null)
  const checkpoint = text === null ? null : parseCheckpoint(text.slice(0, text.indexOf('\n\n') + 1))
  if (checkpoint === null) throw new InvalidOption(`--checkpoint: ${file} holds no checkpoint`)
  return checkpoint.size
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const filterOf = ({ from, to, user, code }: ExportOptions): EvidenceFilter => {
  const id = user?.toLowerCase()
  if (id !== undefined && !UUID.test(id)) throw new InvalidOption('--user: must be the id of a user')
  const unknown = code?.find((one) => !isEventType(one) && !isAccessType(one))
  if (unknown !== undefined) throw new InvalidOption(`--code: there is no code ${unknown}`)
  return { from: instantOf('--from', from), to: instantOf('--to', to), user: id, codes: code }
}

const instantOf = (option: string, text: string | undefined): string | undefined => {
  if (text === undefined) return undefined
  const at = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw new InvalidOption(`${option}: must be a time such as 2026-01-31T12:00:00Z`)
  return new Date(at).toISOString()
}
