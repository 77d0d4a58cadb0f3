import { execFileSync } from 'node:child_process'
import { linkSync, readFileSync, readlinkSync, renameSync, rmSync, type Stats } from 'node:fs'
import { basename, join } from 'node:path'
import { codeOf } from './error.ts'

/** What the postmaster.pid of a cluster says, checked against the processes that there are. */
export type Postmaster =
  | { readonly kind: 'none' }
  /** `ours`: started by Strongroom on this very folder. Otherwise a PostgreSQL that somebody started by hand. */
  | { readonly kind: 'live'; readonly pid: number; readonly ours: boolean }
  /** Left by a server that is gone. The system has given its number to some other program, or to none. */
  | { readonly kind: 'stale' }

/**
 * The name our server carries in its command line: the folder itself, not its path. So a process number in a lock file
 * can be told from a recycled one, also by root in a container, who may read other users' command lines and no more.
 */
export function clusterMarker(stats: Stats): string {
  return `strongroom-${stats.dev}-${stats.ino}`
}

export function findPostmaster(cluster: string, marker: string): Postmaster {
  const pid = readPid(join(cluster, 'postmaster.pid'))
  if (pid === undefined) return { kind: 'none' }
  const owner = identify(pid, cluster, marker)
  return owner === 'other program' ? { kind: 'stale' } : { kind: 'live', pid, ours: owner === 'ours' }
}

/** Whether this process number is still a server of the cluster. */
export function isRunning(pid: number, cluster: string, marker: string): boolean {
  return identify(pid, cluster, marker) !== 'other program'
}

/**
 * Removes a lock file (of the cluster or of the socket) whose process number now belongs to another program. PostgreSQL
 * removes one of a dead process itself, but takes any living process of its user for the holder.
 */
export function removeStaleLock(file: string, cluster: string, marker: string): void {
  const pid = readPid(file)
  if (pid === undefined || identify(pid, cluster, marker) !== 'other program') return
  // A server that starts at this moment may have put its own file in the place: what was taken is looked at again.
  const taken = `${file}.stale-${process.pid}`
  try {
    renameSync(file, taken)
    if (readPid(taken) !== pid) linkSync(taken, file)
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes(codeOf(error))) throw error
  } finally {
    rmSync(taken, { force: true })
  }
}

/** The process number in a lock file's first line. PostgreSQL writes it negative in single-user mode. */
function readPid(file: string): number | undefined {
  try {
    const pid = Math.abs(Number.parseInt(readFileSync(file, 'utf8'), 10))
    // Between making the file and writing it there is a moment in which it is empty.
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function identify(pid: number, cluster: string, marker: string): 'ours' | 'by hand' | 'other program' {
  const command = commandLine(pid)
  if (command.includes(`cluster_name=${marker}`)) return 'ours'
  const isPostgres = /^postgres\b/.test(basename(command.split(/[\0 ]/)[0] ?? ''))
  // Servers of other Strongrooms, in their command line or in the titles of their helpers.
  if (!isPostgres || /\bstrongroom-\d+-\d+\b/.test(command)) return 'other program'
  const folder = workingFolder(pid)
  return folder === undefined || folder === cluster ? 'by hand' : 'other program'
}

/** Empty where there is no such process, or only what the system keeps of one that has ended. */
function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' })
  } catch {
    return ''
  }
}

/** A server works in its data folder. Undefined where the system does not let us look. */
function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}
