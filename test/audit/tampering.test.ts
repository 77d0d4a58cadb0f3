/**
 * Who was at the tables is found out: one installation on a real PostgreSQL, a copy of it for each edit, and of each what
 * `npm run log -- reconcile`, `npm run export` with the verifier, and the signer say to it. Where one of them says nothing,
 * that is told as well: docs/auditors.md has the same in a table.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runExportCommand } from '../../scripts/export/command.ts'
import { runLogCommand } from '../../scripts/log/command.ts'
import { signCheckpoint } from '../../src/audit/checkpoint.ts'
import { EMPTY_FRONTIER, grow } from '../../src/audit/frontier.ts'
import { appendLeaves, LogContradicted, queryableOf } from '../../src/audit/log-store.ts'
import { formatVerifierKey, parseVerifierKey, type VerifierKey, verifierKeyOf } from '../../src/audit/note.ts'
import { prepareLog } from '../../src/audit/prepare-log.ts'
import { signLog } from '../../src/audit/sign-log.ts'
import { loadSigningKey } from '../../src/audit/signing-key.ts'
import { InvalidConfiguration, readConfig } from '../../src/config.ts'
import { inTransaction, openPool } from '../../src/platform/postgres.ts'
import { silent } from '../event-store/helpers.ts'
import { type Bundle, runVerifier, untilSigned, verifyBundle } from '../security/evidence-support.ts'
import { signUp } from '../security/support.ts'
import { testLogKeyFile } from '../support/log-key.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { DEFAULTS, startServer, urlOf } from '../support/server.ts'
import { someLeaves } from './log-database.ts'

/** Registered and logged in, each of them: with 24 leaves there is a stored subtree, and a row of single leaves behind it. */
const PEOPLE = 12
const LEAVES = 2 * PEOPLE

let original: TestDatabase
let folder = ''
let key: VerifierKey
let privateKey: KeyObject

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strongroom-tampering-'))
  original = await createDatabase()
  const server = await startServer({ database: original })
  try {
    for (let n = 0; n < PEOPLE; n++) await signUp(server)
    await untilSigned(server)
  } finally {
    await server.stop()
  }
  const own = await loadSigningKey({ logSigningKeyFile: testLogKeyFile(), dataDir: '' }, { make: false })
  if (own === undefined) throw new Error('the tests have a key')
  privateKey = own.privateKey
  key = await withPool(original, async (pool) => {
    const { rows } = await pool.query('select verifier_key, size from log.tree')
    expect(rows[0].size).toBe(String(LEAVES))
    const parsed = parseVerifierKey(rows[0].verifier_key)
    if (parsed === null) throw new Error('the key is none')
    return parsed
  })
}, 90_000)
afterAll(async () => {
  await original.drop()
  await rm(folder, { recursive: true, force: true })
})

const withPool = async <T>({ connection }: TestDatabase, work: (pool: pg.Pool) => Promise<T>): Promise<T> => {
  const pool = openPool(connection, { applicationName: 'tampering', max: 2, log: silent })
  try {
    return await work(pool)
  } finally {
    await pool.end()
  }
}

/** With the triggers off, as a superuser may. */
type Tamper = (statement: string, values?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>
type Edit = (tamper: Tamper) => Promise<unknown>

const edit = (database: TestDatabase, change: Edit): Promise<void> =>
  withPool(database, (pool) =>
    inTransaction(pool, async (client) => {
      await client.query('set local session_replication_role = replica')
      await change(async (statement, values = []) => (await client.query(statement, [...values])).rows)
    }),
  )

interface Said {
  readonly code: number
  readonly text: string
}

interface Installation {
  readonly database: TestDatabase
  readonly keyFile: string
}

const surroundingsOf = ({ database, keyFile }: Installation, say: (text: string) => void) => ({
  config: () =>
    readConfig({
      ...DEFAULTS,
      DATA_DIR: folder,
      DATABASE_URL: urlOf(database.connection),
      LOG_SIGNING_KEY_FILE: keyFile,
    }),
  out: say,
  complain: say,
  openCounter: () => ({ count: () => {}, stop: () => {} }),
  interrupted: new AbortController().signal,
})

const reconcile = async (installation: Installation): Promise<Said> => {
  let text = ''
  const code = await runLogCommand(
    ['reconcile'],
    surroundingsOf(installation, (more) => {
      text += more
    }),
  )
  return { code, text }
}

let exports = 0
/** And what the verifier says to it where there is one. */
const exportAndVerify = async (
  installation: Installation,
  options: readonly string[] = [],
): Promise<Said & { readonly dir: string }> => {
  let text = ''
  const dir = join(folder, `export-${exports++}`)
  const code = await runExportCommand(
    ['--out', dir, ...options],
    surroundingsOf(installation, (more) => {
      text += more
    }),
  )
  if (code !== 0) return { code, text, dir }
  const verdict = await runVerifier(folder, [dir, '--key', formatVerifierKey(key)])
  return { code: verdict.code, text: verdict.out, dir }
}

/** As a server does: it starts, the log has grown by a leaf, and then it signs. */
const sign = ({ database, keyFile }: Installation): Promise<string> =>
  withPool(database, async (pool) => {
    const settings = { logSigningKeyFile: keyFile, dataDir: folder, http: { publicUrl: DEFAULTS.PUBLIC_URL } }
    try {
      const log = await prepareLog(pool, settings)
      await inTransaction(pool, (client) => appendLeaves(queryableOf(client), someLeaves(1)))
      return (await signLog(pool, { log, intervalMs: 0 })).kind
    } catch (error) {
      if (error instanceof LogContradicted || error instanceof InvalidConfiguration) return error.message
      throw error
    }
  })

/** In a copy, to which one thing was done. */
const withCopy = async (change: Edit, work: (installation: Installation) => Promise<void>): Promise<void> => {
  const database = await createDatabase(original)
  try {
    await edit(database, change)
    await work({ database, keyFile: testLogKeyFile() })
  } finally {
    await database.drop()
  }
}

interface Case {
  readonly edit: Edit
  /** What is named; left out: nothing is. */
  readonly reconcile?: RegExp
  readonly export?: RegExp
  readonly exportCode?: number
  readonly signer?: RegExp
}

const event = (n: number): string => `(select event_id from log.leaves where index = ${n})`
const user = (n: number): string => `(select user_id from read.auditlog where id = ${event(n)})`
const metadata = (path: string, value: string): string =>
  `update store.events set metadata = jsonb_set(metadata::jsonb, '${path}', '${value}')::text where id = ${event(5)}`
/** Two events in each other's place. */
const exchange = async (tamper: Tamper, one: string, other: string): Promise<void> => {
  const [a] = await tamper(`select position from store.events where id = ${one}`)
  const [b] = await tamper(`select position from store.events where id = ${other}`)
  await tamper(`update store.events set position = -1 where id = ${one}`)
  await tamper(`update store.events set position = $1 where id = ${other}`, [a?.position])
  await tamper('update store.events set position = $1 where position = -1', [b?.position])
}
/** A row like that of leaf 5, with an id of its own. */
const forgedRow = (position: string): string =>
  `insert into read.auditlog
   select (jsonb_populate_record(shown, jsonb_build_object('id', gen_random_uuid(), 'position', ${position}))).*
     from read.auditlog shown where id = ${event(5)}`

const nothing: Edit = async () => {}

const untouched: Record<string, Case> = {
  'nothing at all': { edit: nothing },
  'the time of recording, which is the store’s own and stands in no leaf': {
    edit: (tamper) => tamper(`update store.events set recorded_at = '2020-01-01' where id = ${event(5)}`),
  },
}

const cut: Edit = async (tamper) => {
  await tamper(`delete from read.auditlog where id in (select event_id from log.leaves where index >= 20)`)
  await tamper(`delete from store.events where id in (select event_id from log.leaves where index >= 20)`)
  await tamper('delete from log.leaves where index >= 20')
  const leaves = await tamper('select hash from log.leaves order by index')
  const hashes = leaves.map(({ hash }) => hash as Buffer)
  const { roots } = grow(EMPTY_FRONTIER, hashes).frontier
  await tamper('update log.tree set size = 20, frontier = $1', [Buffer.concat(roots)])
}

const ofEvents: Record<string, Case> = {
  'data changed': {
    edit: (tamper) =>
      tamper(`update store.events set data = replace(data, '"password"', '"totp"') where id = ${event(5)}`),
    reconcile: /^log {9}event \S+ \(revision 1 of user-\S+\) is not what leaf 5 says\n.*: column data\n$/s,
    export: /^event \S+ is not what leaf 5 of the log says\n$/,
  },
  'data that is no JSON': {
    edit: (tamper) => tamper(`update store.events set data = '{' where id = ${event(5)}`),
    reconcile: /^the event of type user:logged_in at position \d+ cannot be decoded\n$/,
    export: /^the event of type user:logged_in at position \d+ cannot be decoded\n$/,
  },
  'metadata changed': {
    edit: (tamper) => tamper(metadata('{client,country}', '"NZ"')),
    reconcile: /is not what leaf 5 says\n.*: column country\n$/s,
    export: /^event \S+ is not what leaf 5 of the log says\n$/,
  },
  'the time changed': {
    edit: (tamper) => tamper(metadata('{occurredAt}', '"2020-01-01T00:00:00.000Z"')),
    reconcile: /is not what leaf 5 says\n.*: column occurred_at\n$/s,
    export: /^event \S+ is not what leaf 5 of the log says\n$/,
  },
  'a box changed': {
    edit: (tamper) => tamper(metadata('{boxes,personal}', '"v1.AAAA"')),
    reconcile: /is not what leaf 5 says\naudit log {3}event \S+ cannot be read/,
    export: /^event \S+ is not what leaf 5 of the log says\n$/,
  },
  'one deleted': {
    edit: (tamper) => tamper(`delete from store.events where id = ${event(5)}`),
    reconcile: /^log {9}leaf 5 is of event \S+, and the store has event .*\naudit log {3}rows .* of no event: 1\n$/s,
    export: /^leaf 5 of the log has no event where the store should have it\n$/,
  },
  'one inserted': {
    edit: async (tamper) => {
      const [at] = await tamper(`select position from store.events where id = ${event(5)}`)
      await tamper('update store.events set position = -position where position >= $1', [at?.position])
      await tamper(
        `insert into store.events select $1, stream, 100, gen_random_uuid(), type, data, metadata, recorded_at
           from store.events where id = ${event(5)}`,
        [at?.position],
      )
      await tamper('update store.events set position = 1 - position where position < 0')
    },
    reconcile: /^log {9}leaf 5 is of event \S+, and the store has event \S+ \(revision 100 of/,
    export: /^an event without a leaf stands before event \S+\n$/,
  },
  'one swapped with its neighbour': {
    edit: (tamper) => exchange(tamper, event(5), event(6)),
    reconcile: /^log {9}leaf 5 is of event .*\naudit log .*: column position\n$/s,
    export: /^leaf 5 of the log has no event where the store should have it\n$/,
  },
  'the tail cut': {
    edit: (tamper) => tamper(`delete from store.events where id = ${event(LEAVES - 1)}`),
    reconcile: /^log {9}leaf 23, of event \S+, has no event in the store any more\n.*of no event: 1\n$/s,
    export: /^leaf 23 of the log has no event where the store should have it\n$/,
  },
  'the tail cut, of rows, leaves and tree as well': {
    edit: cut,
    reconcile: /^log {9}there is a checkpoint of 24 leaves, and the log has 20\naudit log {3}20 rows agree/,
    export: /^leaf 20 of the log has no event where the store should have it\n$/,
    signer: /^the log has 21 leaves, fewer than the 24 of its last checkpoint$/,
  },
}

const ofRows: Record<string, Case> = {
  'one changed': {
    edit: (tamper) => tamper(`update read.auditlog set outcome = 'failure' where id = ${event(5)}`),
    reconcile:
      /^log .* agree with the events\naudit log {3}the row of event \S+ is not what its event says: column outcome\n$/,
  },
  'one given to somebody else': {
    edit: (tamper) => tamper(`update read.auditlog set user_id = ${user(7)} where id = ${event(5)}`),
    reconcile: /column user_id\n$/,
  },
  'one deleted': {
    edit: (tamper) => tamper(`delete from read.auditlog where id = ${event(5)}`),
    reconcile: /\naudit log {3}the audit log has no row for event \S+\n$/,
  },
  'one inserted between the others': {
    edit: (tamper) => tamper(forgedRow('shown.position')),
    reconcile: /\naudit log {3}rows of the audit log that are of no event: 1\n$/,
  },
  'one inserted behind the others, where it is shown first': {
    edit: (tamper) => tamper(forgedRow('9223372036854775807')),
    reconcile: /\naudit log {3}rows of the audit log behind position \d+, the last that was handled: 1\n$/,
  },
}

const zeros = (bytes: number): string => `decode(repeat('00', ${bytes}), 'hex')`
const forge = (size: number, by: () => { readonly key: VerifierKey; readonly privateKey: KeyObject }): Edit => {
  const root = Buffer.alloc(32, 1)
  return (tamper) => {
    const { key: name, privateKey: signer } = by()
    const note = signCheckpoint({ origin: name.name, size, root }, name, signer)
    return tamper('insert into log.checkpoints (size, root, note) values ($1, $2, $3)', [size, root, note])
  }
}
const stranger = () => {
  const made = generateKeyPairSync('ed25519')
  return { key: verifierKeyOf(key.name, made.publicKey), privateKey: made.privateKey }
}

const anotherKey: Edit = async (tamper) => {
  const forger = stranger()
  await tamper('update log.tree set verifier_key = $1', [formatVerifierKey(forger.key)])
  for (const { size, root } of await tamper('select size, root from log.checkpoints')) {
    const checkpoint = { origin: key.name, size: Number(size), root: root as Buffer }
    const note = signCheckpoint(checkpoint, forger.key, forger.privateKey)
    await tamper('update log.checkpoints set note = $1 where size = $2', [note, size])
  }
}

const ofTheLog: Record<string, Case> = {
  'a leaf changed that lies below a stored subtree': {
    edit: (tamper) => tamper(`update log.leaves set hash = ${zeros(32)} where index = 5`),
    reconcile: /^log {9}event \S+ \(revision 1 of user-\S+\) is not what leaf 5 says\naudit log {3}24 rows agree/,
    export: /^event \S+ is not what leaf 5 of the log says\n$/,
  },
  'a leaf changed that the consistency proof reads': {
    edit: (tamper) => tamper(`update log.leaves set hash = ${zeros(32)} where index = 17`),
    reconcile: /is not what leaf 17 says/,
    export: /^event \S+ is not what leaf 17 of the log says\n$/,
    signer: /^the log of 25 leaves does not continue the one of its checkpoint of 24 leaves$/,
  },
  'a leaf deleted': {
    edit: (tamper) => tamper('delete from log.leaves where index = 17'),
    reconcile: /^log {9}leaf 17, of event .*, is not in the log\n/,
    export: /^an event without a leaf stands before event \S+\n$/,
    signer: /^hashes of the log are missing at level 0/,
  },
  'a leaf inserted': {
    edit: (tamper) => tamper(`insert into log.leaves values (99, gen_random_uuid(), ${zeros(32)})`),
    reconcile: /^log {9}there is a leaf 99, which a log of 24 leaves does not have\n/,
  },
  // A bundle of everything needs no stored subtree, and is right without.
  'a subtree changed': {
    edit: (tamper) => tamper(`update log.subtrees set hash = ${zeros(32)} where level = 4 and index = 0`),
    reconcile: /^log {9}the stored subtree 0 at level 4 is not that of its leaves\n/,
    signer: /^the log of 25 leaves does not continue/,
  },
  'the edge changed': {
    edit: (tamper) =>
      tamper('update log.tree set frontier = decode(repeat($1, octet_length(frontier)), $2)', ['00', 'hex']),
    reconcile: /^log {9}the right edge of the log is not that of its leaves\n/,
    signer: /^the log of 25 leaves does not continue/,
  },
  'the size of the tree changed': {
    edit: (tamper) => tamper('update log.tree set size = 23'),
    reconcile: /^the right edge of the log does not fit its size, 23\n$/,
    export: /^the right edge of the log does not fit its size, 23\n$/,
    signer: /^the right edge of the log does not fit its size, 23$/,
  },
  'the last checkpoint changed': {
    edit: (tamper) => tamper(`update log.checkpoints set root = ${zeros(32)} where size = 24`),
    reconcile: /^log {9}the checkpoint of 24 leaves is not of the events in the store\n/,
    export: /^the last checkpoint, of 24 leaves, is not signed by this log's key\n$/,
    signer: /^the last checkpoint, of 24 leaves, is not signed by this log's key$/,
  },
  'the signature of the last checkpoint changed': {
    edit: (tamper) =>
      tamper("update log.checkpoints set note = replace(note, E'\\n24\\n', E'\\n23\\n') where size = 24"),
    reconcile: /^log {9}the checkpoint of 24 leaves is not signed by the log's key\n/,
    export: /^the last checkpoint, of 24 leaves, is not signed by this log's key\n$/,
    signer: /^the last checkpoint, of 24 leaves, is not signed by this log's key$/,
  },
  'an earlier checkpoint changed': {
    edit: (tamper) => tamper(`update log.checkpoints set root = ${zeros(32)} where size = 0`),
    reconcile: /^log {9}the checkpoint of 0 leaves is not of the events in the store\n/,
  },
  'a checkpoint larger than the log, of a stranger': {
    edit: forge(1_000, stranger),
    reconcile: /^log {9}there is a checkpoint of 1000 leaves, and the log has 24\n/,
    export: /^the last checkpoint, of 1000 leaves, is not signed by this log's key\n$/,
    signer: /^the last checkpoint, of 1000 leaves, is not signed by this log's key$/,
  },
  'a checkpoint larger than the log, of the log’s own key': {
    edit: forge(1_000, () => ({ key, privateKey })),
    reconcile: /^log {9}there is a checkpoint of 1000 leaves, and the log has 24\n/,
    export: /^leaf 24 of the log has no event where the store should have it\n$/,
    signer: /^the log has 25 leaves, fewer than the 1000 of its last checkpoint$/,
  },
  'another key, with which every checkpoint was signed anew': {
    edit: anotherKey,
    reconcile: /^log {9}the key of the log, \S+, is not that of the signing key at hand\naudit log {3}24 rows agree/,
    export: /holds another key than the one this log is signed with/,
    exportCode: 2,
    signer: /holds another key than the one this log is signed with/,
  },
}

const sections = {
  'a history that nobody changed': untouched,
  'of the events': ofEvents,
  'of the audit log that people see': ofRows,
  'of the log': ofTheLog,
}

describe.each(Object.entries(sections))('%s', (_, cases) => {
  it.each(Object.entries(cases))('%s', async (_name, { edit: change, ...wanted }) => {
    await withCopy(change, async (installation) => {
      const reconciled = await reconcile(installation)
      expect(reconciled.text).toMatch(wanted.reconcile ?? AGREES)
      expect(reconciled.code).toBe(wanted.reconcile === undefined ? 0 : 3)
      const exported = await exportAndVerify(installation)
      expect(exported.text).toMatch(wanted.export ?? VERIFIES)
      expect(exported.code).toBe(wanted.export === undefined ? 0 : (wanted.exportCode ?? 3))
      expect(await sign(installation)).toMatch(wanted.signer ?? /^signed$/)
    })
  })
})

it('all that tells of the end cut together is found by nobody here, and by whoever has kept a checkpoint', async () => {
  const kept = join(folder, 'kept-before')
  await withPool(original, async (pool) => {
    const { rows } = await pool.query('select note from log.checkpoints where size = $1', [LEAVES])
    await writeFile(kept, rows[0].note)
  })
  const cutAll: Edit = async (tamper) => {
    await cut(tamper)
    await tamper('delete from log.checkpoints where size > 20')
  }
  await withCopy(cutAll, async (installation) => {
    const { code, text } = await reconcile(installation)
    expect(text).toMatch(/^log {9}20 leaves and \d+ checkpoints agree with the events\naudit log {3}20 rows agree/)
    expect(code).toBe(0)
    const { dir, ...exported } = await exportAndVerify(installation)
    expect(exported).toEqual({ code: 0, text: expect.stringMatching(VERIFIES) })
    const verdict = await runVerifier(folder, [dir, '--key', formatVerifierKey(key), '--checkpoint', kept])
    expect(verdict.out).toMatch(/- the checkpoint is inconsistent with the older one: that had 24 leaves/)
    expect(verdict.code).toBe(1)
  })
})

describe('the signing key', () => {
  it('replaced by another is named by all, and signs nothing', async () => {
    const other = join(folder, 'other.key')
    const { privateKey: strange } = generateKeyPairSync('ed25519')
    await writeFile(other, strange.export({ format: 'pem', type: 'pkcs8' }))
    await withCopy(nothing, async ({ database }) => {
      const installation = { database, keyFile: other }
      const { code, text } = await reconcile(installation)
      expect(text).toMatch(
        /^log {9}the key of the log, \S+, is not that of the signing key at hand\naudit log {3}24 rows/,
      )
      expect(code).toBe(3)
      const exported = await exportAndVerify(installation)
      expect(exported.text).toContain(`${other} holds another key than the one this log is signed with`)
      expect(exported.code).toBe(2)
      expect(await sign(installation)).toContain('holds another key than the one this log is signed with')
    })
  })

  it('that is not there is not made, and reconciling says that it trusts the one in the database', async () => {
    await withCopy(anotherKey, async ({ database }) => {
      const { code, text } = await reconcile({ database, keyFile: '' })
      expect(text).toMatch(
        /^log {9}24 leaves .* agree with the events\n {12}there is no signing key here: .*\naudit log {3}24/,
      )
      expect(code).toBe(0)
      expect(await readdir(folder)).not.toContain('log-signing.key')
    })
  })
})

describe('a bundle', () => {
  let bundle: Bundle
  let lines: readonly string[]
  beforeAll(async () => {
    await withCopy(nothing, async (installation) => {
      const { code, dir } = await exportAndVerify(installation)
      expect(code).toBe(0)
      const names = await readdir(dir)
      bundle = new Map(
        await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name), 'utf8')] as const)),
      )
      lines = (bundle.get('rows.ndjson') ?? '').split('\n').slice(0, -1)
    })
  })
  const withLines = (changed: readonly string[]): Bundle =>
    new Map(bundle).set('rows.ndjson', changed.map((line) => `${line}\n`).join(''))
  const line = (n: number): string => lines[n] ?? missing()
  const mustBeWrong = async (edited: Bundle, complaint: RegExp, ...options: readonly string[]): Promise<void> => {
    const { code, out } = await verifyBundle(folder, edited, '--key', formatVerifierKey(key), ...options)
    expect(out).toMatch(complaint)
    expect(out).toMatch(/The bundle must not be trusted\.\n$/)
    expect(code).toBe(1)
  }

  it.each<[string, () => readonly string[], RegExp]>([
    [
      'a row changed',
      () => lines.with(5, line(5).replace('"user:logged_in"', '"user:logged_out"')),
      /- changed row: row 6, event \S+, is not what its leaf 5 says\n/,
    ],
    ['a row missing', () => lines.toSpliced(5, 1), /- missing row: leaf 5 is inside the range and not in the bundle\n/],
    ['two rows swapped', () => lines.toSpliced(5, 2, line(6), line(5)), /- swapped row: row 7 is leaf 5/],
    ['a row doubled', () => lines.toSpliced(5, 0, line(5)), /- doubled row: row 7 is leaf 5/],
    ['the tail cut', () => lines.slice(0, 20), /- cut tail: missing rows: leaves 20 to 23/],
  ])('%s', async (_, changed, complaint) => {
    await mustBeWrong(withLines(changed()), complaint)
  })

  it('under a wrong key, and after a checkpoint that it contradicts', async () => {
    const wrong = formatVerifierKey(stranger().key)
    await mustBeWrong(bundle, /- wrong key, or changed checkpoint/, '--key', wrong)
    const kept = join(folder, 'kept')
    await writeFile(kept, signCheckpoint({ origin: key.name, size: 10, root: Buffer.alloc(32, 1) }, key, privateKey))
    const inconsistent = /- the checkpoint is inconsistent with the older one: the first 10 leaves are not those/
    await mustBeWrong(bundle, inconsistent, '--checkpoint', kept)
  })
})

const missing = (): never => {
  throw new Error('it is not there')
}

const AGREES =
  /^log {9}24 leaves and \d+ checkpoints agree with the events\naudit log {3}24 rows agree with the events, up to position \d+\n$/
const VERIFIES = /The bundle is as it should be\.\n$/
