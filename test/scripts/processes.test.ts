/** The scripts around read models and events as processes: exit codes, what goes where, and Ctrl-C in mid-work. */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { start } from '../../src/main.ts'
import { inTurn, signIn, signUp, sql } from '../security/support.ts'
import { holdBuilds } from '../support/hold-builds.ts'
import { objectsOf, type Ran, runScript, startScript } from '../support/script.ts'
import { DEFAULTS, startServer, type TestServer, urlOf } from '../support/server.ts'

/** Each run starts Node and translates the sources. */
const SLOW = 120_000
const PATIENT = { timeout: 60_000, interval: 20 }
const NOBODY = '0a000000-0000-4000-8000-00000000dead'

/** Nobody projects beside it, so the scripts do all the work. */
let server: TestServer
let env: Readonly<Record<string, string>>
let folder: string
let userId: string

beforeAll(async () => {
  server = await startServer({ env: { ROLES: 'api' } })
  folder = await mkdtemp(join(tmpdir(), 'strongroom-scripts-'))
  env = { DATABASE_URL: urlOf(server.database.connection), DATA_DIR: folder }
  const { browser, email } = await signUp(server)
  userId = ((await browser.get('/v1/me')).body as { user: { id: string } }).user.id
  await inTurn(2, () => signIn(server, email))
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const projections = (...args: readonly string[]): Promise<Ran> => runScript('projections', args, env)

const builds = async () =>
  (await sql(server, 'select name, build, stage from read.projections order by name, build')).map(
    ({ name, build, stage }) => `${name} ${build} ${stage}`,
  )

/** Of any script that has gone there must be none. */
const expectNothingHeld = async (): Promise<void> => {
  expect(await sql(server, 'select name, owner from read.projections where owner is not null')).toEqual([])
  await expect
    .poll(
      () => sql(server, "select pid, query from pg_stat_activity where application_name = 'strongroom operator'"),
      PATIENT,
    )
    .toEqual([])
}

describe('their words', { timeout: SLOW }, () => {
  it('tell what they understand, and name what is wrong with an argument', async () => {
    const [help, missing, format] = await Promise.all([
      projections('--help'),
      runScript('rebuild', [], env),
      projections('park', 'sessions', 'ada@example.com'),
    ])
    expect(help).toMatchObject({ code: 0, errors: '' })
    expect(help.out).toMatch(/status[\s\S]+rebuild[\s\S]+Exit codes/)
    expect(missing).toMatchObject({ code: 2, out: '', errors: expect.stringContaining("'name'") })
    expect(format).toMatchObject({ code: 2, out: '', errors: expect.stringContaining('ada@example.com') })
  })

  it('tell a wrong setting by its name, and what is away, without a stack or a password', async () => {
    const [setting, away] = await Promise.all([
      runScript('projections', ['status'], { ...env, SCRYPT_LOG_N: 'many' }),
      runScript('rebuild', ['sessions'], { ...env, DATABASE_URL: 'postgres://nobody:hunter2@127.0.0.1:1/x' }),
    ])
    expect(setting).toMatchObject({ code: 2, out: '', errors: expect.stringContaining('SCRYPT_LOG_N') })
    expect(away).toMatchObject({ code: 1, out: '', errors: expect.stringContaining('cannot be reached') })
    for (const { errors } of [setting, away]) expect(errors).not.toMatch(/\n +at |hunter2/)
  })
})

describe('the life of a read model by its scripts', { timeout: SLOW }, () => {
  it('rebuild, status, verify, diff and rollback, each with its exit code, as JSON lines', async () => {
    expect(await runScript('rebuild', ['nothing'], env)).toMatchObject({
      ...{ code: 3, out: '', errors: 'there is no projection nothing\n' },
    })
    const rebuilt = await runScript('rebuild', ['sessions', '--json'], env)
    expect(rebuilt.code).toBe(0)
    expect(objectsOf(rebuilt.out)).toMatchObject([{ name: 'sessions', build: 2, report: { equal: true } }])
    expect(objectsOf(rebuilt.errors)).toContainEqual({
      ...{ phase: expect.any(String), events: 4, total: 4 },
      etaSeconds: expect.toBeOneOf([null, 0]),
    })
    const [status, diff] = await Promise.all([
      projections('--json', 'status'),
      projections('--json', 'diff', 'sessions'),
    ])
    const verified = await projections('--json', 'verify', 'sessions')
    expect(status).toMatchObject({ code: 0, errors: '' })
    expect(objectsOf(status.out)).toMatchObject([
      { name: 'auditlog' },
      { name: 'sessions', position: expect.any(String) },
    ])
    expect(verified).toMatchObject({ code: 0 })
    expect(objectsOf(verified.out)).toMatchObject([{ name: 'sessions', equal: true }])
    expect(diff).toMatchObject({ code: 0, errors: '' })
    expect(objectsOf(diff.out)).toMatchObject([{ name: 'sessions', equal: true }])
    expect(await projections('rollback', 'sessions')).toMatchObject({ code: 0 })
    expect(await builds()).toEqual(['auditlog 1 live', 'sessions 1 live', 'sessions 2 kept'])
    await expectNothingHeld()
  })

  it('park and unpark; of somebody there is not, nothing is parked', async () => {
    expect(await projections('park', 'sessions', NOBODY)).toMatchObject({ code: 3, out: '' })
    expect(await projections('park', 'sessions', userId)).toMatchObject({ code: 0, errors: '' })
    expect(await sql(server, 'select stream from read.parked')).toEqual([{ stream: `user-${userId}` }])
    expect(await projections('--json', 'unpark', 'sessions', userId)).toMatchObject({
      ...{ code: 0, out: '{"name":"sessions","released":1}\n' },
    })
    expect(await sql(server, 'select stream from read.parked')).toEqual([])
    await expectNothingHeld()
  })
})

describe('Ctrl-C', { timeout: SLOW }, () => {
  const untilAtWork = (build: string) =>
    expect
      .poll(
        () =>
          sql(
            server,
            `select 1 from read.projections where ${build} and stage = 'building' and owner is not null and events > 0`,
          ),
        PATIENT,
      )
      .toHaveLength(1)

  it('in a rebuild: 130, no lease is left, what was asked for stays asked for, and the next run goes on', async () => {
    const release = await holdBuilds(server)
    const script = startScript('rebuild', ['auditlog'], env)
    await untilAtWork("name = 'auditlog'")
    script.interrupt()
    expect(await script.ended).toMatchObject({ code: 130, out: '', errors: expect.stringMatching(/interrupted\n$/) })
    await expectNothingHeld()
    expect(await builds()).toContain('auditlog 2 building')
    await release()
    const next = await runScript('rebuild', ['auditlog'], env)
    expect(next).toMatchObject({ code: 0, errors: expect.stringContaining('under way') })
    expect(await builds()).toEqual(expect.arrayContaining(['auditlog 1 kept', 'auditlog 2 live']))
  })

  it('in a verification: 130, and its tables are gone', async () => {
    const before = await builds()
    const tables = () => sql(server, "select tablename from pg_tables where schemaname = 'read' order by 1")
    const tablesBefore = await tables()
    const release = await holdBuilds(server)
    const script = startScript('projections', ['verify', 'sessions'], env)
    await untilAtWork("purpose = 'verify'")
    script.interrupt()
    expect(await script.ended).toMatchObject({ code: 130, out: '', errors: expect.stringMatching(/interrupted\n$/) })
    expect(await builds()).toEqual(before)
    expect(await tables()).toEqual(tablesBefore)
    await expectNothingHeld()
    await release()
  })

  it('in a replay and in a check of the events: 130, and no half of a file', async () => {
    const holder = new pg.Client(server.database.connection)
    await holder.connect()
    try {
      // Their reading waits, as on a slow disk.
      await holder.query('begin; lock table store.events in access exclusive mode')
      // The server reads too, and waits too: theirs are told by a name of their own.
      const url = new URL(env.DATABASE_URL ?? '')
      url.searchParams.set('application_name', 'script')
      const named = { ...env, DATABASE_URL: url.href }
      const out = join(folder, 'events.ndjson')
      const scripts = [
        startScript('replay', ['--out', out], named),
        startScript('replay', ['--state', 'sessions', '--user', userId], named),
        startScript('events', ['check'], named),
      ]
      const waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'script'"
      await expect.poll(() => sql(server, waiting), PATIENT).toHaveLength(3)
      for (const script of scripts) script.interrupt()
      for (const script of scripts) {
        expect(await script.ended).toEqual({ code: 130, out: '', errors: 'interrupted\n' })
      }
    } finally {
      await holder.end()
    }
    expect((await readdir(folder)).filter((name) => name.startsWith('events'))).toEqual([])
    await expectNothingHeld()
  })

  it('in a script that has started the embedded database: the database ends with it', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'strongroom-embedded-'))
    const rest = { DATA_DIR: dataDir }
    try {
      const running = await start(readConfig({ ...DEFAULTS, ...rest }))
      await running.stop()
      const postmaster = join(dataDir, 'postgres', 'postmaster.pid')
      expect(existsSync(postmaster)).toBe(false)
      const script = startScript('replay', ['--out', join(dataDir, 'events.ndjson')], rest)
      await expect.poll(() => existsSync(postmaster), PATIENT).toBe(true)
      script.interrupt()
      expect(await script.ended).toMatchObject({ code: 130, out: '' })
      expect(existsSync(postmaster)).toBe(false)
      expect((await readdir(dataDir)).filter((name) => name.startsWith('events'))).toEqual([])
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})
