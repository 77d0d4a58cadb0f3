import { closeSync, constants, fchownSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import { codeOf } from './error.ts'
import type { ServerAccount } from './server-account.ts'

const ROTATE_AT_BYTES = 1024 * 1024
const READ_AT_MOST_BYTES = 64 * 1024

/** The server's log, open for one server to write to. */
export interface ServerLog {
  readonly descriptor: number
  /** Why the server of this process number ended, in its own words. */
  reasonOf(pid: number): string
  close(): void
}

/**
 * Opens the log for a server that is about to start. One that has grown past a mebibyte moves to `<path>.1`, over an
 * older one, so the two never grow for ever.
 */
export function openServerLog(path: string, account: ServerAccount): ServerLog {
  rotate(path)
  const flags = constants.O_APPEND | constants.O_CREAT | constants.O_RDWR | constants.O_NOFOLLOW
  const descriptor = openSync(path, flags, 0o600)
  // Root may start on an ordinary user's DATA_DIR once, and must not leave a log there that this user cannot write.
  if (account.kind === 'other') fchownSync(descriptor, account.uid, account.gid)
  const start = fstatSync(descriptor).size
  return {
    descriptor,
    reasonOf: (pid) => findReason(readFrom(descriptor, start), pid),
    close: () => closeSync(descriptor),
  }
}

function rotate(path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= ROTATE_AT_BYTES) return
  try {
    renameSync(path, `${path}.1`)
  } catch (error) {
    // Another process that starts beside us has just done it.
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

function readFrom(descriptor: number, start: number): string {
  const buffer = Buffer.alloc(READ_AT_MOST_BYTES)
  return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, start))
}

/** What a server in order tells those who come too early or too late. */
const TOLD_TO_NEWCOMERS = /FATAL: +the database system is /

/**
 * The first line with which a server gives up. Lines carry its process number, except those from before it has read its
 * settings and those of the system's loader; two servers may be writing at once, so the marked ones come first.
 */
function findReason(text: string, pid: number): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !TOLD_TO_NEWCOMERS.test(line))
  const fatal = /(?:FATAL|PANIC): +(.*)/
  const own = lines.filter((line) => line.includes(`[${pid}]`))
  const line = own.find((entry) => fatal.test(entry)) ?? lines.find((entry) => fatal.test(entry)) ?? lines.at(-1)
  const reason = line === undefined ? 'it gave no reason' : (fatal.exec(line)?.[1] ?? line)
  if (!reason.endsWith('contains errors')) return reason
  // Of a bad settings file the last words name only the file, and the ones before say what is wrong in it.
  const detail = lines.map((entry) => /LOG: +(.*)/.exec(entry)?.[1]).find((entry) => entry !== undefined)
  return detail === undefined ? reason : `${reason}: ${detail}`
}
