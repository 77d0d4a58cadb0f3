import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { join } from 'node:path'
import type { Binaries } from './binaries.ts'
import { explainSpawnError } from './cluster.ts'
import type { DataDir } from './data-dir.ts'
import { removeStaleLock } from './postmaster.ts'
import { type ServerAccount, spawnIdentity } from './server-account.ts'
import { inheritedPath, openOwnFolder, serverEnvironment } from './server-files.ts'
import { openServerLog } from './server-log.ts'
import { POSTGRES_PORT } from './socket-folder.ts'

/** A server that this process has started and that may not accept connections yet. */
export interface StartedServer {
  readonly pid: number
  /** Undefined while it runs; why it ended, in its own words, afterwards. */
  readonly ended: () => string | undefined
}

export interface ServerPlace {
  readonly dataDir: DataDir
  readonly socketFolder: string
  readonly account: ServerAccount
  readonly binaries: Binaries
  /** See clusterMarker. */
  readonly marker: string
  readonly systemIdentifier: string
}

/**
 * Starts a server, in a process group of its own: Ctrl-C in the terminal must not end it before this process, which
 * still has things to finish. Where another server has the folder already, PostgreSQL itself ends this one.
 * Throws EmbeddedPostgresError where the program cannot be run at all.
 */
export async function startServer(place: ServerPlace): Promise<StartedServer> {
  const { dataDir, socketFolder, account, binaries, marker } = place
  removeStaleLock(join(dataDir.cluster, 'postmaster.pid'), dataDir.cluster, marker)
  removeStaleLock(join(socketFolder, `.s.PGSQL.${POSTGRES_PORT}.lock`), dataDir.cluster, marker)
  const data = openOwnFolder(dataDir.cluster, account)
  const socket = openOwnFolder(socketFolder, account)
  const log = openServerLog(dataDir.log, account)
  try {
    const settings = {
      ...SETTINGS,
      unix_socket_directories: inheritedPath(socketFolder, 4, account),
      cluster_name: marker,
    }
    const child = spawn(
      binaries.postgres,
      [
        '-D',
        inheritedPath(dataDir.cluster, 3, account),
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      {
        cwd: dataDir.cluster,
        env: serverEnvironment(),
        detached: true,
        stdio: ['ignore', log.descriptor, log.descriptor, data, socket],
        ...spawnIdentity(account),
      },
    )
    await once(child, 'spawn')
    child.unref()
    const pid = child.pid ?? 0
    return { pid, ended: watch(child, () => log.reasonOf(pid), log.close) }
  } catch (error) {
    log.close()
    throw explainSpawnError(error)
  } finally {
    closeSync(data)
    closeSync(socket)
  }
}

function watch(child: ChildProcess, reason: () => string, done: () => void): () => string | undefined {
  let ended: string | undefined
  child.once('exit', () => {
    ended = reason()
    done()
  })
  return () => ended
}

/** Reasons to end that pass by themselves: another server has, or had a moment ago, what this one needs. */
export function passesByItself(reason: string): boolean {
  return /lock file .* already exists|lock file .* is empty|pre-existing shared memory block|is another postmaster/i.test(
    reason,
  )
}

/**
 * A small durable server that nobody reaches but through its socket. All of it is on the command line, so a new release
 * brings its own; who needs other sizes sets DATABASE_URL.
 */
const SETTINGS = {
  listen_addresses: '',
  port: String(POSTGRES_PORT),
  unix_socket_permissions: '0700',
  max_connections: '100',
  // With about ten connections at work the whole family of processes stays below 200 MiB.
  shared_buffers: '96MB',
  maintenance_work_mem: '64MB',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  // No replicas: only what a crash needs is logged, and filling a new table with COPY logs next to nothing.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_replication_slots: '0',
  max_logical_replication_workers: '0',
  max_wal_size: '512MB',
  // Three processes fewer.
  io_method: 'sync',
  autovacuum_max_workers: '2',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Loaded now, so a server goes on when something tidies away the programs it was started from.
  shared_preload_libraries: 'plpgsql',
  logging_collector: 'off',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
  // Starts, stops, crashes. Failed statements are their callers' affair, and would put personal data into a file.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
} as const
