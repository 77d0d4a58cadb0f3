/** `npm run export` and `npm run verify`, as an operator and an auditor run them, and after somebody was at the tables. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { signUp, untilProjected } from '../security/support.ts'
import { DEFAULTS, startServer, type TestServer, urlOf } from '../support/server.ts'

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
  for (let n = 0; n < 2; n++) email = (await signUp(server)).email
  await untilProjected(server)
  await vi.waitFor(
    async () => {
      const { rows } = await admin.query('select max(size) as signed from log.checkpoints')
      expect(rows[0]).toEqual({ signed: '4' })
    },
    { timeout: 20_000 },
  )
})
afterAll(async () => {
  await admin.end()
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const run = (script: string, args: readonly string[]): Promise<Ran> => {
  const { connection, eventStore } = server.database
  const env = {
    ...DEFAULTS,
    PATH: process.env.PATH ?? '',
    DATA_DIR: folder,
    DATABASE_URL: urlOf(connection),
    ...(eventStore === undefined ? {} : { EVENT_STORE_URL: eventStore.connectionString }),
  }
  const loader = script.endsWith('.ts') ? ['--import', 'tsx'] : []
  return new Promise((resolve) => {
    execFile(process.execPath, [...loader, `scripts/${script}`, ...args], { env }, (error, out, errors) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, errors }),
    )
  })
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
    const verdict = await run('verify.mjs', [out, '--checkpoint', older])
    expect(verdict.out).toContain('which is not shown, was redacted')
    expect(verdict.out).toContain('leaves of the older checkpoint are in this log, unchanged')
    expect(verdict.code).toBe(0)
    await vi.waitFor(async () => {
      const { rows: recorded } = await admin.query("select 1 from read.auditlog where code = 'audit:exported'")
      expect(recorded).toHaveLength(1)
    })
    // Events that are no account's are leaves and rows like all others.
    const reconciled = await run('log.ts', ['reconcile'])
    expect(reconciled).toMatchObject({ code: 0, errors: '' })
    expect(reconciled.out).toMatch(/^audit log {3}5 rows agree with the events/m)

    await writeFile(join(out, 'rows.csv'), 'x', { flag: 'a' })
    expect((await run('verify.mjs', [out])).out).toContain('rows.csv is not the one')
    expect(await run('export.ts', ['--out', out])).toMatchObject({ code: 2 })
  })

  it('refuses to make evidence of an event or a leaf that somebody changed', async () => {
    const changes = [
      [() => setType('user:logged_out'), () => setType('user:logged_in')],
      [() => tamper("update log.leaves set hash = sha256('x') where index = 1")],
    ] as const
    for (const [change, back] of changes) {
      await change()
      const out = join(folder, 'tampered')
      const { code, errors } = await run('export.ts', ['--out', out])
      expect(errors).toMatch(/^event \S+ is not what leaf 1 of the log says$/m)
      expect(code).toBe(3)
      expect(await readdir(folder)).not.toContain('tampered')
      await back?.()
    }
  })

  it('says what is wrong with its options', async () => {
    const out = join(folder, 'nothing')
    expect((await run('export.ts', ['--out', out, '--code', 'user:dreamt'])).errors).toBe(
      '--code: there is no code user:dreamt\n',
    )
    expect((await run('verify.mjs', [out])).code).toBe(2)
  })
})

const tamper = async (statement: string): Promise<void> => {
  await admin.query('begin')
  await admin.query('set local session_replication_role = replica')
  await admin.query(statement)
  await admin.query('commit')
}

/** Of the event behind leaf 1, in whichever store. */
const setType = async (type: string): Promise<void> => {
  const { rows } = await admin.query('select event_id from log.leaves where index = 1')
  const id = String(rows[0]?.event_id)
  const { eventStore } = server.database
  if (eventStore === undefined) return tamper(`update store.events set type = '${type}' where id = '${id}'`)
  Object.assign(eventStore.log.all.find((event) => event.id === id) ?? {}, { type })
}
