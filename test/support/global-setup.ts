import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { type Binaries, prepareBinaries } from '../../src/platform/embedded-postgres/binaries.ts'
import {
  chooseServerAccount,
  type ServerAccount,
  spawnIdentity,
} from '../../src/platform/embedded-postgres/server-account.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The one real PostgreSQL of this run; test/support/postgres.ts makes databases on it. */
    postgresServer: { host: string; user: string }
  }
}

const START_LIMIT_MS = 60_000

/** Starts one PostgreSQL for the whole test run. It ends and its folder goes when this process does, however it does. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const account = chooseServerAccount(process.getuid?.() ?? 0, undefined)
  // Short whatever TMPDIR is: the path of a Unix socket holds 107 bytes.
  const folder = mkdtempSync(join(tmpdir().length > 60 ? '/tmp' : tmpdir(), 'strongroom-test-'))
  if (account.kind === 'other') await chown(folder, account.uid, account.gid)
  const binaries = await prepareBinaries(account, folder)
  const keeper = startKeeper(folder, account, binaries)
  const server = { host: folder, user: 'strongroom' }
  await untilAnswering(server, keeper, folder)
  project.provide('postgresServer', server)
  return async () => {
    keeper.stdin?.end()
    if (keeper.exitCode === null) await once(keeper, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * A shell that owns the server and lives until its standard input closes. The system closes that pipe when the test
 * run ends in whatever way, kill -9 included, so no run leaves a server or a folder behind. One signal might come
 * before the server listens for it.
 */
function startKeeper(folder: string, account: ServerAccount, { initdb, postgres }: Binaries): ChildProcess {
  const script = `
    exec >>"$1/log" 2>&1
    "$2" --pgdata "$1/data" --username strongroom --auth trust --no-sync --encoding UTF8 --locale C \\
      --locale-provider builtin --builtin-locale C.UTF-8 || exit 1
    "$3" -D "$1/data" -k "$1" -c listen_addresses= -c max_connections=300 -c shared_buffers=128MB \\
      -c fsync=off -c full_page_writes=off -c synchronous_commit=on -c log_min_messages=fatal &
    exec >/dev/null 2>&1
    cat
    while kill -QUIT $!; do sleep 0.1; done
    cd / && rm -rf "$1"`
  return spawn('/bin/sh', ['-c', script, 'sh', folder, initdb, postgres], {
    cwd: folder,
    // A process group of its own: Ctrl-C must reach the test run first, while its tests still have a server.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    ...spawnIdentity(account),
  })
}

async function untilAnswering(server: pg.ClientConfig, keeper: ChildProcess, folder: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS
  for (;;) {
    const client = new pg.Client({ ...server, database: 'postgres' })
    // Handled by the rejection below; without a listener it would end the process.
    client.on('error', () => {})
    try {
      await client.connect()
      await client.end()
      return
    } catch (error) {
      if (keeper.exitCode !== null || Date.now() > deadline) {
        const log = readFileSync(join(folder, 'log'), 'utf8')
        throw new Error(`the PostgreSQL of the tests did not start; its log says:\n${log}`, { cause: error })
      }
      await delay(25)
    }
  }
}
