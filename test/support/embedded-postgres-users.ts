import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'

export const asRoot = process.getuid?.() === 0
export const NOBODY = { uid: 65_534, gid: 65_534 }

const reportSchema = z.discriminatedUnion('step', [
  z.object({
    step: z.literal('started'),
    connection: z.object({ host: z.string(), port: z.number(), user: z.string(), database: z.string() }),
    adopted: z.boolean(),
    ms: z.number(),
  }),
  z.object({ step: z.literal('released') }),
  z.object({ step: z.literal('failed'), sentence: z.string().optional(), error: z.string() }),
])
export type Report = z.infer<typeof reportSchema>
export type Started = Extract<Report, { step: 'started' }>

export interface DatabaseUser {
  readonly process: ChildProcess
  /** The first thing it reports. */
  readonly outcome: Promise<Report>
  /** Fails the test unless it got the database. */
  started(): Promise<Started>
  release(): Promise<void>
  killHard(): Promise<void>
}

/** A process of its own that uses the embedded database of this folder. It is gone at the end of the test. */
export function startUser(
  dataDir: string,
  options: { uid?: number; gid?: number; env?: Record<string, string>; cwd?: string } = {},
): DatabaseUser {
  const { env = {}, ...identity } = options
  const script = fileURLToPath(new URL('./embedded-postgres-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, dataDir], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
    ...identity,
  })
  const ended = once(child, 'exit')
  const reports = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Report> => {
    const { value, done } = await reports.next()
    if (done === true) throw new Error('the process ended without a word')
    return reportSchema.parse(JSON.parse(value))
  }
  const outcome = next()
  outcome.catch(() => {})
  const killHard = async () => {
    child.kill('SIGKILL')
    await ended
  }
  onTestFinished(killHard)
  return {
    process: child,
    outcome,
    async started() {
      const report = await outcome
      if (report.step !== 'started') throw new Error(`it did not start: ${JSON.stringify(report)}`)
      return report
    },
    async release() {
      child.stdin.write('\n')
      const report = await next()
      if (report.step !== 'released') throw new Error(`it did not release: ${JSON.stringify(report)}`)
      await ended
    },
    killHard,
  }
}

/**
 * The folder of everything that this test file makes. A shell waits for the end of this process, however it comes
 * (Ctrl-C, kill -9), ends the servers left in it and removes it. What a lock file names is ended only if it is a
 * PostgreSQL: tests put other numbers there.
 */
const base = makeBase()

function makeBase(): string {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-embedded-'))
  chmodSync(folder, 0o755)
  const script = `cat
    find "$1" -name postmaster.pid | while read -r file; do
      pid=$(head -n 1 "$file")
      grep -q postgres "/proc/$pid/cmdline" && kill -KILL "$pid"
    done
    until rm -rf "$1"; do sleep 0.2; done`
  const reaper = spawn('/bin/sh', ['-c', script, 'sh', folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  reaper.unref()
  // A socket underneath, which would keep this process from ending.
  if (reaper.stdin instanceof Socket) reaper.stdin.unref()
  return folder
}

/** A folder for the rest of this test file. */
export function makeFolder(name: string): string {
  const folder = mkdtempSync(join(base, `${name}-`))
  chmodSync(folder, 0o755)
  return folder
}

/**
 * A fresh folder below one that only we (or its new owner) may enter, as /root is. Whatever server is left in it at the
 * end of the test is killed, and the folder goes.
 */
export function makeClosedFolder(owner?: { uid: number; gid: number }): string {
  const closed = mkdtempSync(join(base, 'c-'))
  const folder = join(closed, 'x')
  mkdirSync(folder)
  if (owner !== undefined) for (const path of [closed, folder]) chownSync(path, owner.uid, owner.gid)
  chmodSync(closed, 0o700)
  onTestFinished(async () => {
    for (const name of ['data', '.']) await killServer(join(folder, name))
    rmSync(closed, { recursive: true, force: true })
  })
  return folder
}

/** The server's process number, if its cluster says that there is one. */
export function serverPid(dataDir: string): number | undefined {
  const file = join(dataDir, 'postgres', 'postmaster.pid')
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : undefined
}

/** Kills the server and all its helpers as a power cut would. */
export async function killServer(dataDir: string): Promise<void> {
  const pid = serverPid(dataDir)
  if (pid === undefined || !commandOf(pid).includes('postgres')) return
  // The server leads a process group, and its helpers lead their own: they end when they see that it is gone.
  process.kill(pid, 'SIGKILL')
  await until(() => !isAlive(pid))
}

export function isAlive(pid: number): boolean {
  // A process that has ended stays listed until its parent looks; it has no command line then.
  return commandOf(pid) !== ''
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** Waits until a condition holds; the test's own time limit ends it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(10)
}

/** Runs one statement on a connection of its own. */
export async function query(connection: pg.ClientConfig, statement: string): Promise<unknown[]> {
  const client = new pg.Client(connection)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

const log = pino({ level: 'silent' })

/** A user in this process, which leaves at the end of the test if it has not left before. */
export async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const database = await startEmbeddedPostgres({ dataDir, log })
  onTestFinished(() => database.release())
  return database
}

export function freshDataDir(): string {
  return join(makeClosedFolder(), 'data')
}

/**
 * With a database that was stopped in order. Making one takes a second or more of both cores, so it is made once and
 * copied.
 */
export async function existingDataDir(): Promise<string> {
  madeOnce ??= makeOnce()
  const dataDir = freshDataDir()
  execFileSync('cp', ['-a', await madeOnce, dataDir])
  return dataDir
}

let madeOnce: Promise<string> | undefined

async function makeOnce(): Promise<string> {
  const dataDir = join(makeFolder('template'), 'data')
  await (await startEmbeddedPostgres({ dataDir, log })).release()
  return dataDir
}

export const remember = (connection: pg.ClientConfig) => query(connection, 'create table memory as select 42 as answer')
export const recall = (connection: pg.ClientConfig) => query(connection, 'select answer from memory')
export const REMEMBERED = [{ answer: 42 }]
