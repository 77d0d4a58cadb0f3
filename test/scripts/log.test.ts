/** `npm run log`, as an operator runs it beside a server, and after somebody has been at the tables. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { openCheckpoint } from '../../src/audit/checkpoint.ts'
import { parseVerifierKey } from '../../src/audit/note.ts'
import { signUp, untilProjected } from '../security/support.ts'
import { DEFAULTS, startServer, type TestServer, urlOf } from '../support/server.ts'

interface Ran {
  readonly code: number
  readonly out: string
  readonly errors: string
}

let server: TestServer
let dataDir = ''
let admin: pg.Client

beforeAll(async () => {
  server = await startServer()
  dataDir = await mkdtemp(join(tmpdir(), 'strongroom-log-script-'))
  admin = new pg.Client({ ...server.database.connection })
  await admin.connect()
  for (let i = 0; i < 2; i++) await signUp(server)
  await untilProjected(server)
  await vi.waitFor(
    async () => {
      const { rows } = await admin.query(
        'select (select size from log.tree) as size, (select max(size) from log.checkpoints) as signed',
      )
      expect(rows[0]).toEqual({ size: '4', signed: '4' })
    },
    { timeout: 20_000 },
  )
})
afterAll(async () => {
  await admin.end()
  await server.stop()
  await rm(dataDir, { recursive: true, force: true })
})

const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ran> => {
  const { connection, eventStore } = server.database
  const env = {
    ...DEFAULTS,
    PATH: process.env.PATH ?? '',
    DATA_DIR: dataDir,
    DATABASE_URL: urlOf(connection),
    ...(eventStore === undefined ? {} : { EVENT_STORE_URL: eventStore.connectionString }),
    ...more,
  }
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', 'scripts/log.ts', ...args], { env }, (error, out, errors) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, errors }),
    )
  })
}

const tamper = async (statement: string): Promise<void> => {
  await admin.query('begin')
  await admin.query('set local session_replication_role = replica')
  await admin.query(statement)
  await admin.query('commit')
}

/** Each run starts Node and translates the sources. */
describe('npm run log', { timeout: 240_000 }, () => {
  it('status tells how large the log is, who signs it and what was signed', async () => {
    const { code, out, errors } = await run(['status'])
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    expect(out).toMatch(/^leaves {6}4$/m)
    expect(out).toMatch(/^checkpoint {2}4 leaves, \d{4}-/m)
    expect(out).toMatch(/^reactor {5}running, at the end of the events$/m)
    expect(parseVerifierKey(/^key {9}(\S+)$/m.exec(out)?.[1] ?? '')).not.toBeNull()
  })

  it('checkpoint prints the signed note and nothing else', async () => {
    const [{ out }, status] = [await run(['checkpoint']), await run(['status'])]
    const key = parseVerifierKey(/^key {9}(\S+)$/m.exec(status.out)?.[1] ?? '')
    expect(key === null ? null : openCheckpoint(out, key)).toMatchObject({ size: 4 })
  })

  it('reconcile finds that all agrees, and then names the first thing that was changed', async () => {
    const good = await run(['reconcile'])
    expect(good.errors).toBe('')
    expect(good.out).toMatch(/^log {9}4 leaves and \d checkpoints agree with the events$/m)
    expect(good.out).toMatch(/^audit log {3}4 rows agree with the events, up to position \d+$/m)
    expect(good.code).toBe(0)

    await tamper("update read.auditlog set outcome = 'failure' where sequence = 2")
    const shown = await run(['reconcile'])
    expect(shown.code).toBe(3)
    expect(shown.out).toMatch(/^log {9}4 leaves/m)
    expect(shown.out).toMatch(/^audit log {3}the row of event \S+ is not what its event says: column outcome$/m)
    await tamper("update read.auditlog set outcome = 'success'")

    await tamper("update log.leaves set hash = decode(repeat('00', 32), 'hex') where index = 2")
    const damaged = await run(['reconcile'])
    expect(damaged.code).toBe(3)
    expect(damaged.out).toMatch(/^log {9}event \S+ \(revision 0 of user-\S+\) is not what leaf 2 says$/m)
    expect(damaged.out).toMatch(/^audit log {3}4 rows agree/m)

    await tamper('delete from read.auditlog where sequence = 2')
    expect((await run(['reconcile'])).out).toMatch(/^audit log {3}the audit log has no row for event/m)
  })

  it('says in one sentence what is wrong', async () => {
    expect(await run(['status'], { DATABASE_URL: '' })).toMatchObject({ code: 2, out: '' })
    expect((await run(['status'], { DATABASE_URL: '' })).errors).toContain('there is no database in')
    expect(await run(['nonsense'])).toMatchObject({ code: 2 })
    const wrongKey = await run(['reconcile'], { MASTER_KEY: Buffer.alloc(32, 1).toString('base64') })
    expect(wrongKey).toMatchObject({ code: 1, out: '' })
    expect(wrongKey.errors).toMatch(/^the vault was written under master key/)
  })
})
