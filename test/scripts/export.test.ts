/** `npm run export` and `npm run verify`, as an operator and an auditor run them, and after somebody was at the tables. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { runExportCommand } from '../../scripts/export/command.ts'
import { readConfig } from '../../src/config.ts'
import { runVerifier, untilLogged, untilSigned } from '../security/evidence-support.ts'
import { signUp } from '../security/support.ts'
import { DEFAULTS, startServer, type TestServer, urlOf } from '../support/server.ts'

/** Two leaves a person: enough for a stored subtree. */
const PEOPLE = 9

interface Ran {
  readonly code: number
  readonly out: string
  readonly errors: string
}

let server: TestServer
let folder = ''
let email = ''
let admin: pg.Client

beforeAll(async () => {
  server = await startServer()
  folder = await mkdtemp(join(tmpdir(), 'strongroom-export-script-'))
  admin = new pg.Client({ ...server.database.connection })
  await admin.connect()
  for (let n = 0; n < PEOPLE; n++) email = (await signUp(server)).email
  await untilSigned(server)
  const { rows } = await admin.query('select max(size) as signed from log.checkpoints')
  expect(rows[0]).toEqual({ signed: String(2 * PEOPLE) })
})
afterAll(async () => {
  await admin.end()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const env = (): Readonly<Record<string, string>> => {
  const { connection, eventStore } = server.database
  return {
    ...DEFAULTS,
    PATH: process.env.PATH ?? '',
    DATA_DIR: folder,
    DATABASE_URL: urlOf(connection),
    ...(eventStore === undefined ? {} : { EVENT_STORE_URL: eventStore.connectionString }),
  }
}

const run = (script: string, args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', `scripts/${script}`, ...args],
      { env: env() },
      (error, out, errors) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, errors }),
    )
  })

/** `npm run export` without a process of its own, which takes most of a second to start. */
const runExport = async (args: readonly string[]): Promise<Ran> => {
  let [out, errors] = ['', '']
  const code = await runExportCommand(args, {
    config: () => readConfig(env()),
    out: (text) => {
      out += text
    },
    complain: (text) => {
      errors += text
    },
    openCounter: () => ({ count: () => {}, stop: () => {} }),
    interrupted: new AbortController().signal,
  })
  return { code, out, errors }
}

/** Each run starts Node and translates the sources. */
describe('npm run export', { timeout: 240_000 }, () => {
  it('A09 writes a bundle that verifies, redacted too, with a table, and against an older checkpoint', async () => {
    const { rows } = await admin.query('select note from log.checkpoints order by size limit 1')
    const older = join(folder, 'older')
    await writeFile(older, rows[0]?.note)
    const out = join(folder, 'redacted')
    const options = ['--out', out, '--format', 'csv', '--redact', 'ip', 'email', '--checkpoint', older]
    const { code, errors } = await run('export.ts', options)
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    expect((await readdir(out)).sort()).toEqual(['manifest.json', 'manifest.sig', 'proof', 'rows.csv', 'rows.ndjson'])
    for (const name of ['rows.ndjson', 'rows.csv']) {
      expect(await readFile(join(out, name), 'utf8')).not.toContain(email)
    }
    const verdict = await runVerifier(folder, [out, '--checkpoint', older])
    expect(verdict.out).toContain('which is not shown, was redacted')
    expect(verdict.out).toContain('leaves of the older checkpoint are in this log, unchanged')
    expect(verdict.code).toBe(0)
    const { rows: sizes } = await admin.query(
      'select size from log.checkpoints where size between 1 and 17 order by size',
    )
    expect(await manifestIn(out)).toMatchObject({
      program: { name: 'strongroom', version: packageJson.version },
      filter: { from: null, to: null, user: null, codes: null },
      redacted: ['ip', 'email'],
      coverage: { kind: 'leaves', from: 0, to: 2 * PEOPLE },
      count: 2 * PEOPLE,
      personal: { personal: 0, redacted: 2 * PEOPLE, erased: 0 },
      cuts: sizes.map(({ size }) => Number(size)),
    })
    await vi.waitFor(async () => {
      const { rows: recorded } = await admin.query("select 1 from read.auditlog where code = 'audit:exported'")
      expect(recorded).toHaveLength(1)
    })
    // Events that are no account's are leaves and rows like all others.
    const reconciled = await run('log.ts', ['reconcile'])
    expect(reconciled).toMatchObject({ code: 0, errors: '' })
    expect(reconciled.out).toMatch(new RegExp(`^audit log {3}${2 * PEOPLE + 1} rows agree with the events`, 'm'))

    await writeFile(join(out, 'rows.csv'), 'x', { flag: 'a' })
    expect((await runVerifier(folder, [out])).out).toContain('rows.csv is not the one')
    expect(await run('export.ts', ['--out', out])).toMatchObject({ code: 2 })
  })

  it('refuses to make evidence of a checkpoint, an event, a leaf or a subtree that somebody changed', async () => {
    await vi.waitFor(async () => {
      const { rows } = await admin.query(`select (select max(size) from log.checkpoints) - count(*) as exports
          from read.auditlog where code = 'audit:exported'`)
      expect(rows[0]).toEqual({ exports: String(2 * PEOPLE) })
    })
    // Sizes that somebody may have kept cut the subtrees of a bundle: without them one is read whole.
    await tamper('delete from log.checkpoints where size between 1 and 17')
    const one = async (query: string) => (await admin.query(query)).rows[0]
    const signed = await one('select * from log.checkpoints order by size desc limit 1')
    const leaf = await one('select hash from log.leaves where index = 1')
    const subtree = await one('select hash from log.subtrees where level = 4 and index = 0')
    // Behind the first subtree that is stored, which such a bundle needs.
    const user = await userOf((await one('select event_id from log.leaves where index = 17')).event_id)
    const notSigned = new RegExp(
      `^the last checkpoint, of ${signed.size} leaves, is not signed by this log's key$`,
      'm',
    )
    const cases: readonly (readonly [RegExp, readonly string[], () => Promise<void>, () => Promise<void>])[] = [
      // These first: nothing is recorded of them, so there is no other checkpoint meanwhile.
      [
        notSigned,
        [],
        () => tamper("update log.checkpoints set root = sha256('x') where size = $1", [signed.size]),
        () => tamper('update log.checkpoints set root = $2 where size = $1', [signed.size, signed.root]),
      ],
      [
        notSigned,
        [],
        () => tamper("update log.checkpoints set note = replace(note, size::text, '7') where size = $1", [signed.size]),
        () => tamper('update log.checkpoints set note = $2 where size = $1', [signed.size, signed.note]),
      ],
      [
        /^event \S+ is not what leaf 1 of the log says$/m,
        [],
        () => setType('user:logged_out'),
        () => setType('user:logged_in'),
      ],
      [
        /^event \S+ is not what leaf 1 of the log says$/m,
        [],
        () => tamper("update log.leaves set hash = sha256('x') where index = 1"),
        () => tamper('update log.leaves set hash = $1 where index = 1', [leaf.hash]),
      ],
      [
        /^the stored hashes are not those of the checkpoint of \d+ leaves$/m,
        ['--user', user],
        () => tamper("update log.subtrees set hash = sha256('x') where level = 4 and index = 0"),
        () => tamper('update log.subtrees set hash = $1 where level = 4 and index = 0', [subtree.hash]),
      ],
      [
        /^hashes of the log are missing at level 4, between index 0 and 0$/m,
        ['--user', user],
        () => tamper('delete from log.subtrees where level = 4 and index = 0'),
        () => tamper('insert into log.subtrees (level, index, hash) values (4, 0, $1)', [subtree.hash]),
      ],
    ]
    for (const [complaint, options, change, back] of cases) {
      await change()
      const out = join(folder, 'tampered')
      const { code, errors } = await runExport(['--out', out, ...options])
      await back()
      expect(errors).toMatch(complaint)
      expect(code).toBe(3)
      expect((await readdir(folder)).filter((name) => name.startsWith('tampered'))).toEqual([])
    }
    await untilLogged(server)
  })

  it('writes the rows that its options name, and each such bundle verifies', async () => {
    await untilLogged(server)
    const { rows } = await admin.query('select event_id from log.leaves where index = 9')
    const user = await userOf(String(rows[0]?.event_id))
    const times = (await exported('everything')).rows.map(timeOf)
    const [from = '', to = ''] = [times[5], times[12]]
    const codes = ['user:logged_in', 'audit:exported']
    const given: readonly (readonly [string, readonly string[], (row: Row) => boolean, object])[] = [
      ['from', ['--from', from], (row) => timeOf(row) >= from, { from }],
      ['to', ['--to', to], (row) => timeOf(row) < to, { to }],
      ['between', ['--from', from, '--to', to], (row) => timeOf(row) >= from && timeOf(row) < to, { from, to }],
      ['user', ['--user', user.toUpperCase()], ({ event }) => event.stream === `user-${user}`, { user }],
      ['code', ['--code', ...codes], ({ event }) => codes.includes(event.type), { codes }],
    ]
    const made = []
    for (const [name, options, wanted, filter] of given)
      made.push({ ...(await exported(name, options)), wanted, filter })
    const all = (await exported('everything-later')).rows
    for (const { rows: found, manifest, wanted, filter } of made) {
      const size = Number(manifest.checkpoint.split('\n')[1])
      expect(found.length).toBeGreaterThan(0)
      expect(found.length).toBeLessThan(size)
      expect(found).toEqual(all.filter((row) => row.leafIndex < size && wanted(row)))
      expect(manifest.filter).toEqual({ from: null, to: null, user: null, codes: null, ...filter })
    }
  })

  it('says what is wrong with its options', async () => {
    const out = join(folder, 'nothing')
    expect((await runExport(['--out', out, '--code', 'user:dreamt'])).errors).toBe(
      '--code: there is no code user:dreamt\n',
    )
    for (const [option, complaint] of [
      [['--user', 'x'], '--user: must be the id of a user'],
      [['--from', 'yesterday'], '--from: must be a time such as 2026-01-31T12:00:00Z'],
      [['--to', '2026-01-31'], '--to: must be a time such as 2026-01-31T12:00:00Z'],
      [['--checkpoint', out], `--checkpoint: ${out} holds no checkpoint`],
    ] as const) {
      expect(await runExport(['--out', out, ...option])).toEqual({ code: 2, out: '', errors: `${complaint}\n` })
    }
    expect((await runVerifier(folder, [out])).code).toBe(2)
  })
})

interface Row {
  readonly leafIndex: number
  readonly event: { readonly type: string; readonly stream: string; readonly metadata: { readonly occurredAt: string } }
}

const timeOf = ({ event }: Row): string => event.metadata.occurredAt

const manifestIn = async (out: string) => JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'))

/** A bundle that was written and verified. */
const exported = async (name: string, options: readonly string[] = []) => {
  const out = join(folder, `options-${name}`)
  expect(await runExport(['--out', out, ...options])).toEqual({ code: 0, out: `${out}\n`, errors: '' })
  expect((await runVerifier(folder, [out])).out).toContain('The bundle is as it should be.')
  const lines = (await readFile(join(out, 'rows.ndjson'), 'utf8')).trimEnd().split('\n')
  return { rows: lines.map((line): Row => JSON.parse(line)), manifest: await manifestIn(out) }
}

const tamper = async (statement: string, values: readonly unknown[] = []): Promise<void> => {
  await admin.query('begin')
  await admin.query('set local session_replication_role = replica')
  await admin.query(statement, [...values])
  await admin.query('commit')
}

const userOf = async (eventId: string): Promise<string> => {
  const { rows } = await admin.query('select user_id from read.auditlog where id = $1', [eventId])
  return String(rows[0]?.user_id)
}

/** Of the event behind leaf 1, in whichever store. */
const setType = async (type: string): Promise<void> => {
  const { rows } = await admin.query('select event_id from log.leaves where index = 1')
  const id = String(rows[0]?.event_id)
  const { eventStore } = server.database
  if (eventStore === undefined) return tamper(`update store.events set type = '${type}' where id = '${id}'`)
  Object.assign(eventStore.log.all.find((event) => event.id === id) ?? {}, { type })
}
