import { spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import {
  asRoot,
  existingDataDir,
  freshDataDir,
  isAlive,
  killServer,
  makeClosedFolder,
  NOBODY,
  query,
  REMEMBERED,
  recall,
  remember,
  serverPid,
  start,
  startUser,
  until,
} from '../support/embedded-postgres-users.ts'

const log = pino({ level: 'silent' })
const serverOwner = asRoot ? NOBODY : {}

describe('starting and stopping', () => {
  test('a first start makes the database, below a folder that only we may enter, and a later one finds its data', async () => {
    const dataDir = freshDataDir()
    const first = await start(dataDir)
    expect(first.adopted).toBe(false)
    await remember(first.connection)
    await first.release()
    expect(serverPid(dataDir)).toBeUndefined()

    const later = await start(dataDir)
    expect(later.adopted).toBe(false)
    expect(await recall(later.connection)).toEqual(REMEMBERED)
  })

  test('the database is UTF-8, sorts by code point, survives a crash and is reached through its socket only', async () => {
    const { connection } = await start(await existingDataDir())
    const settings = [
      'server_encoding',
      'fsync',
      'full_page_writes',
      'synchronous_commit',
      'listen_addresses',
      'TimeZone',
    ]
    const list = settings.map((name) => `current_setting('${name}')`).join(', ')
    const [row] = await query(
      connection,
      `select array[${list}] as settings, current_database() as name,
      array(select * from unnest(array['b', 'a', 'B', 'ä']) as letter order by letter) as sorted, upper('ä') as upper`,
    )
    expect(row).toEqual({
      settings: ['UTF8', 'on', 'on', 'on', '', 'UTC'],
      name: 'strongroom',
      sorted: ['B', 'a', 'b', 'ä'],
      upper: 'Ä',
    })
  })

  test('cluster, socket and log are closed to all but the account of the server', async () => {
    const dataDir = await existingDataDir()
    await start(dataDir)
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(statSync(join(dataDir, 'postgres')).mode & 0o777).toBe(0o700)
    expect(statSync(join(dataDir, 'run')).mode & 0o777).toBe(0o700)
    expect(statSync(join(dataDir, 'postgres.log')).mode & 0o777).toBe(0o600)
  })

  test('a failed statement leaves nothing of its values in the log', async () => {
    const dataDir = await existingDataDir()
    const { connection } = await start(dataDir)
    await expect(query(connection, "select 'ada@example.com'::int")).rejects.toThrow('ada@example.com')
    expect(readFileSync(join(dataDir, 'postgres.log'), 'utf8')).not.toContain('ada@example.com')
  })

  test('releasing twice, also at once, is the same as releasing once', async () => {
    const dataDir = await existingDataDir()
    const database = await start(dataDir)
    await Promise.all([database.release(), database.release()])
    await database.release()
    expect(serverPid(dataDir)).toBeUndefined()
  })
})

describe('what a crash leaves behind', () => {
  test('a server whose node was killed is adopted with its data', async () => {
    const dataDir = await existingDataDir()
    const user = startUser(dataDir)
    await remember((await user.started()).connection)
    await user.killHard()
    const orphan = serverPid(dataDir)

    const database = await start(dataDir)
    expect(database.adopted).toBe(true)
    expect(serverPid(dataDir)).toBe(orphan)
    expect(await recall(database.connection)).toEqual(REMEMBERED)
    await database.release()
    expect(isAlive(orphan ?? 0)).toBe(false)
  })

  test('after everything was killed the next start, at once, finds the data', async () => {
    const dataDir = await existingDataDir()
    const user = startUser(dataDir)
    await remember((await user.started()).connection)
    await user.killHard()
    await killServer(dataDir)

    const database = await start(dataDir)
    expect(database.adopted).toBe(false)
    expect(await recall(database.connection)).toEqual(REMEMBERED)
  })

  test('a server that is not ready yet is waited for', async () => {
    const dataDir = await existingDataDir()
    const user = startUser(dataDir)
    const { connection } = await user.started()
    await user.killHard()
    const pid = serverPid(dataDir) ?? 0
    // A stopped process takes connections and answers none, as one does that is still reading its files.
    process.kill(pid, 'SIGSTOP')
    const database = start(dataDir)
    await expect(query({ ...connection, connectionTimeoutMillis: 200 }, 'select')).rejects.toThrow('timeout')
    process.kill(pid, 'SIGCONT')
    expect((await database).adopted).toBe(true)
  })

  test('a server that is shutting down is waited for, and a new one started', async () => {
    const dataDir = await existingDataDir()
    const user = startUser(dataDir)
    const { connection } = await user.started()
    const pid = serverPid(dataDir) ?? 0
    // A smart shutdown lets nobody in and waits for those who are in to go.
    process.kill(pid, 'SIGTERM')
    await until(() =>
      query(connection, 'select').then(
        () => false,
        (error) => error.code === '57P03',
      ),
    )
    const database = start(dataDir)
    await user.killHard()
    expect((await database).adopted).toBe(false)
    expect(serverPid(dataDir)).not.toBe(pid)
  })

  test.each(['postmaster.pid', 'socket lock'])('the number of a dead process in the %s does no harm', async (file) => {
    const dataDir = await existingDataDir()
    const gone = spawn('true')
    const pid = gone.pid ?? 0
    await new Promise((resolve) => gone.once('exit', resolve))
    writeLock(dataDir, file, pid)
    expect((await start(dataDir)).adopted).toBe(false)
  })

  test.each(['postmaster.pid', 'socket lock'])(
    'the number of another program of the same account in the %s does no harm',
    async (file) => {
      const dataDir = await existingDataDir()
      const other = spawn('sleep', ['1000'], { ...serverOwner, stdio: 'ignore' })
      onTestFinished(() => void other.kill('SIGKILL'))
      writeLock(dataDir, file, other.pid ?? 0)
      expect((await start(dataDir)).adopted).toBe(false)
      expect(other.exitCode).toBeNull()
    },
  )

  test('a server that somebody started by hand is left in peace, and the sentence names its process', async () => {
    const dataDir = await existingDataDir()
    const byHand = spawn('sleep', ['1000'], {
      argv0: 'postgres',
      cwd: join(dataDir, 'postgres'),
      stdio: 'ignore',
      ...serverOwner,
    })
    onTestFinished(() => void byHand.kill('SIGKILL'))
    await until(() => readFileSync(`/proc/${byHand.pid}/cmdline`, 'utf8').startsWith('postgres'))
    writeLock(dataDir, 'postmaster.pid', byHand.pid ?? 0)
    await expect(start(dataDir)).rejects.toThrow(`stop it with kill -INT ${byHand.pid} and start again`)
    expect(serverPid(dataDir)).toBe(byHand.pid)
  })

  test('a first start that was killed half-way leaves no half cluster, and its remains go', async () => {
    const dataDir = freshDataDir()
    const user = startUser(dataDir)
    await until(() => existsSync(dataDir) && readdirSync(dataDir).some((name) => name.startsWith('postgres.new-')))
    await user.killHard()
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false)

    expect((await start(dataDir)).adopted).toBe(false)
    // The killed start's initdb may write for a second yet.
    await until(async () => {
      await (await startEmbeddedPostgres({ dataDir, log })).release()
      return !readdirSync(dataDir).some((name) => name.startsWith('postgres.new-'))
    })
  })

  test('a server that dies while it is in use is started again', async () => {
    const dataDir = await existingDataDir()
    const { connection } = await start(dataDir)
    await remember(connection)
    await killServer(dataDir)
    await until(() =>
      recall(connection).then(
        (rows) => rows.length === 1,
        () => false,
      ),
    )
    expect(await recall(connection)).toEqual(REMEMBERED)
  })

  function writeLock(dataDir: string, which: string, pid: number): void {
    const file = which === 'postmaster.pid' ? 'postgres/postmaster.pid' : 'run/.s.PGSQL.5432.lock'
    const path = join(dataDir, file)
    writeFileSync(path, `${pid}\n${join(dataDir, 'postgres')}\n1700000000\n5432\n${join(dataDir, 'run')}\n\n`)
    chmodSync(path, 0o600)
    if (asRoot) chownSync(path, NOBODY.uid, NOBODY.gid)
  }
})

describe('what cannot work says in one sentence what to do', () => {
  const oneSentence = /^[^\n]*[^\n.]$/

  async function problem(dataDir: string): Promise<string> {
    const error = await start(dataDir).catch((thrown: unknown) => thrown)
    if (!(error instanceof Error) || error.name !== 'EmbeddedPostgresError') throw error
    expect(error.message).toMatch(oneSentence)
    return error.message
  }

  test('DATA_DIR is a file, or below one', async () => {
    const file = join(makeClosedFolder(), 'file')
    writeFileSync(file, '')
    expect(await problem(file)).toContain('is not a folder')
    expect(await problem(join(file, 'data'))).toContain('is not a folder')
  })

  test('a cluster of another major version', async () => {
    const dataDir = await existingDataDir()
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '17\n')
    expect(await problem(dataDir)).toContain('is of PostgreSQL 17 and this release brings 18')
  })

  test('a folder in the place of the cluster that is none', async () => {
    const dataDir = freshDataDir()
    mkdirSync(join(dataDir, 'postgres'), { recursive: true })
    expect(await problem(dataDir)).toContain('is not a PostgreSQL data folder')
  })

  test('a server that gives up quotes its reason', async () => {
    const dataDir = await existingDataDir()
    await appendFile(join(dataDir, 'postgres', 'postgresql.conf'), "\nno_such_setting = 'on'\n")
    const sentence = await problem(dataDir)
    expect(sentence).toContain('no_such_setting')
    expect(sentence).toContain(join(dataDir, 'postgres.log'))
  })

  test('a log that is a link elsewhere is not followed', async () => {
    const folder = makeClosedFolder()
    const dataDir = join(folder, 'data')
    mkdirSync(dataDir)
    writeFileSync(join(folder, 'precious'), 'as it was')
    symlinkSync(join(folder, 'precious'), join(dataDir, 'postgres.log'))
    await expect(start(dataDir)).rejects.toThrow()
    expect(readFileSync(join(folder, 'precious'), 'utf8')).toBe('as it was')
  })
})
