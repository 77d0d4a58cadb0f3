import { readFileSync } from 'node:fs'

/**
 * The user the server runs as: ourselves, or somebody else because PostgreSQL refuses to run as root. Everything in
 * the cluster and the socket's directory belongs to this user.
 */
export type ServerAccount =
  | { readonly kind: 'self'; readonly uid: number }
  | { readonly kind: 'other'; readonly uid: number; readonly gid: number }

/**
 * Whom to run the server as. An ordinary user runs it as itself. Root runs it as the owner of the cluster, where there
 * is one that is not root (so one start with sudo does not lock the ordinary user out), and else as `nobody`.
 */
export function chooseServerAccount(
  ourUid: number,
  clusterOwner: { readonly uid: number; readonly gid: number } | undefined,
): ServerAccount {
  if (ourUid !== 0) return { kind: 'self', uid: ourUid }
  if (clusterOwner !== undefined && clusterOwner.uid !== 0) return { kind: 'other', ...clusterOwner }
  return { kind: 'other', ...nobody() }
}

/** What `spawn` needs to know to run a program as this account. */
export function spawnIdentity(account: ServerAccount): { uid: number; gid: number } | Record<string, never> {
  return account.kind === 'other' ? { uid: account.uid, gid: account.gid } : {}
}

function nobody(): { uid: number; gid: number } {
  const line = readPasswd()
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'))
  const [, , uid, gid] = line?.split(':') ?? []
  // macOS writes -2, which the system calls take as an unsigned number. 65534 is Linux's nobody, wherever it is listed.
  return { uid: Number(uid ?? 65_534) >>> 0, gid: Number(gid ?? 65_534) >>> 0 }
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8')
  } catch {
    return ''
  }
}
