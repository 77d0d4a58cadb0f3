import { closeSync, constants, fchmodSync, fchownSync, openSync } from 'node:fs'
import { codeOf, EmbeddedPostgresError } from './error.ts'
import type { ServerAccount } from './server-account.ts'

/**
 * Opens a folder that is or becomes the server's own: owned by its account and closed to everybody else. The
 * descriptor is the caller's to close.
 *
 * Owner and mode are set through the descriptor and no link is followed: root may be working in a folder of another
 * user here, who must not get it to give away a folder of the system.
 */
export function openOwnFolder(path: string, account: ServerAccount): number {
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    if (account.kind === 'other') fchownSync(folder, account.uid, account.gid)
    fchmodSync(folder, 0o700)
    return folder
  } catch (error) {
    closeSync(folder)
    if (account.kind === 'other' && ['EPERM', 'EINVAL'].includes(codeOf(error))) throw rootCannotBecome(error)
    throw error
  }
}

/** A container may call somebody root and not let it be anybody else. */
export function rootCannotBecome(cause: unknown): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'PostgreSQL refuses to run as root and this system does not let root run it as another user: run Strongroom as an ' +
      'ordinary user, or set DATABASE_URL to a PostgreSQL of your own',
    { cause },
  )
}

/**
 * The path by which the server reaches a folder that it inherits as the open descriptor `slot`.
 *
 * Root's DATA_DIR often lies below a folder that only root may enter (/root). The server runs as another user, and would
 * fail on the real path; through the descriptor it starts inside and no parent is asked. PostgreSQL changes into its
 * data folder once and opens everything relative to it, so this holds for backends, reload and restart after a crash.
 */
export function inheritedPath(path: string, slot: number, account: ServerAccount): string {
  return account.kind === 'other' && process.platform === 'linux' ? `/proc/self/fd/${slot}` : path
}

/** What the server's programs see of our environment: nothing that could steer PostgreSQL (PGDATA, PGPORT, ...). */
export function serverEnvironment(): Record<string, string> {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
}
