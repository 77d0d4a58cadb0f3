import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { queryableOf, readTree } from '../../src/audit/log-store.ts'
import { formatVerifierKey } from '../../src/audit/note.ts'
import { migrateLog, prepareLog } from '../../src/audit/prepare-log.ts'
import { loadSigningKey } from '../../src/audit/signing-key.ts'
import { InvalidConfiguration } from '../../src/config.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { testLogKeyFile } from '../support/log-key.ts'
import { createDatabase } from '../support/postgres.ts'
import { settingsOf } from './log-database.ts'

let dataDir = ''
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'strongroom-log-key-'))
  return () => rm(dataDir, { recursive: true, force: true })
})
const load = (make = true, logSigningKeyFile?: string) => loadSigningKey({ dataDir, logSigningKeyFile }, { make })
const path = () => join(dataDir, 'log-signing.key')

describe('the key that signs the log', () => {
  it('is made once, for its owner alone, and is the same ever after', async () => {
    const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => load()))
    for (const other of others)
      expect(other?.publicKey.equals(first?.publicKey ?? generateKeyPairSync('ed25519').publicKey)).toBe(true)
    expect((await stat(path())).mode & 0o777).toBe(0o600)
    expect(await readdir(dataDir)).toStrictEqual(['log-signing.key'])
    expect(await readFile(path(), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/)
  })

  it('is not made where a log is there already', async () => {
    expect(await load(false)).toBeUndefined()
    expect(await readdir(dataDir)).toStrictEqual([])
  })

  it('is that of LOG_SIGNING_KEY_FILE where one is named', async () => {
    expect((await load(true, testLogKeyFile()))?.source).toBe(`LOG_SIGNING_KEY_FILE: ${testLogKeyFile()}`)
    expect(await readdir(dataDir)).toStrictEqual([])
  })

  it('is refused where the file is not there, or holds something else, without showing what', async () => {
    await expect(load(true, join(dataDir, 'missing'))).rejects.toThrow(
      /LOG_SIGNING_KEY_FILE: .* cannot be read \(ENOENT\)/,
    )
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ format: 'pem', type: 'pkcs8' })
    const public_ = generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' })
    for (const text of ['', 'secret words', rsa, public_]) {
      await writeFile(path(), text)
      await expect(load()).rejects.toThrow(InvalidConfiguration)
      await expect(load()).rejects.toThrow(
        `${path()} must hold an Ed25519 private key in PEM (make one: openssl genpkey`,
      )
      expect(await readFile(path(), 'utf8')).toBe(text)
    }
  })
})

describe('the start of a log', () => {
  const withDatabase = async (work: (pool: ReturnType<typeof openPool>) => Promise<void>) => {
    const database = await createDatabase()
    const pool = openPool(database.connection, { applicationName: 'log test', max: 8, log: pino({ level: 'silent' }) })
    try {
      await migrateLog(pool)
      await work(pool)
    } finally {
      await pool.end()
      await database.drop()
    }
  }

  it('names it once, with one key, however many start at once', () =>
    withDatabase(async (pool) => {
      const logs = await Promise.all(Array.from({ length: 6 }, () => prepareLog(pool, settingsOf(dataDir))))
      expect(new Set(logs.map(({ key }) => formatVerifierKey(key))).size).toBe(1)
      const tree = await readTree(queryableOf(pool))
      expect(tree?.verifierKey).toBe(
        formatVerifierKey(
          logs[0]?.key ?? { name: '', id: Buffer.of(), publicKey: generateKeyPairSync('ed25519').publicKey },
        ),
      )
    }))

  it('keeps the name when PUBLIC_URL changes', () =>
    withDatabase(async (pool) => {
      const first = await prepareLog(pool, settingsOf(dataDir))
      const second = await prepareLog(pool, { ...settingsOf(dataDir), http: { publicUrl: 'http://elsewhere' } })
      expect(second.key).toStrictEqual(first.key)
    }))

  it('is refused later with another key, and changes nothing then', () =>
    withDatabase(async (pool) => {
      const { key } = await prepareLog(pool, settingsOf(dataDir))
      const other = prepareLog(pool, settingsOf(dataDir, testLogKeyFile()))
      await expect(other).rejects.toThrow(InvalidConfiguration)
      await expect(other).rejects.toThrow(
        `holds another key than the one this log is signed with, ${formatVerifierKey(key)}`,
      )
      expect((await readTree(queryableOf(pool)))?.verifierKey).toBe(formatVerifierKey(key))
    }))

  it('is refused later where the key is lost, and makes no new one', () =>
    withDatabase(async (pool) => {
      await prepareLog(pool, settingsOf(dataDir))
      await rm(path())
      await expect(prepareLog(pool, settingsOf(dataDir))).rejects.toThrow('is not in')
      expect(await readdir(dataDir)).toStrictEqual([])
    }))
})
