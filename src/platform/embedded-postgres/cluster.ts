import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  fsyncSync,
  lchownSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { isAlive } from './alive.ts'
import type { Binaries } from './binaries.ts'
import { type DataDir, noRoom } from './data-dir.ts'
import { codeOf, EmbeddedPostgresError } from './error.ts'
import { type ServerAccount, spawnIdentity } from './server-account.ts'
import { inheritedPath, openOwnFolder, rootCannotBecome, serverEnvironment } from './server-files.ts'

/** The major version of the bundled PostgreSQL. A cluster works with its own major version only. */
export const POSTGRES_MAJOR = '18'

/** The superuser's name. There is no password: who can enter the socket's folder is in. */
export const POSTGRES_USER = 'strongroom'

/** What the cluster is, if there is one. */
export function statCluster({ cluster }: DataDir): Stats | undefined {
  return lstatSync(cluster, { throwIfNoEntry: false })
}

/**
 * Sees to it that there is a cluster of our version that the server's account can use: makes one where there is none.
 * Of several processes that do so at once, one wins and the others use its cluster.
 * Throws EmbeddedPostgresError.
 */
export async function ensureCluster(dataDir: DataDir, account: ServerAccount, binaries: Binaries): Promise<void> {
  removeLeftovers(dataDir.root)
  const stats = statCluster(dataDir)
  if (stats === undefined) await createCluster(dataDir, account, binaries)
  else if (stats.uid !== account.uid) takeOver(dataDir, stats, account)
  checkVersion(dataDir)
}

/** The number that initdb gave the cluster: tells whether a server that answers is the one of this folder. */
export function systemIdentifier({ cluster }: DataDir): string {
  return readFileSync(join(cluster, 'global', 'pg_control'))
    .readBigUInt64LE(0)
    .toString()
}

function checkVersion({ cluster }: DataDir): void {
  let version: string
  try {
    version = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim()
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw error
    throw new EmbeddedPostgresError(
      `${cluster} is not a PostgreSQL data folder: put the right one back, or move it away to start with an empty database`,
    )
  }
  if (version === POSTGRES_MAJOR) return
  throw new EmbeddedPostgresError(
    `${cluster} is of PostgreSQL ${version} and this release brings ${POSTGRES_MAJOR}: dump it with pg_dump and the ` +
      'release that made it, then restore the dump into a new DATA_DIR, or run that release',
  )
}

function takeOver(dataDir: DataDir, stats: Stats, account: ServerAccount): void {
  if (account.kind === 'self') {
    throw new EmbeddedPostgresError(
      `${dataDir.cluster} belongs to user id ${stats.uid} and this process runs as ${account.uid} (was Strongroom started ` +
        `as root before?): start it as that user, or as root, or give all of it to this user with chown -R`,
    )
  }
  // Root's own cluster, such as one restored from a backup: no server can be running on it, since none runs as root.
  giveTree(dataDir.cluster, account.uid, account.gid)
}

function giveTree(path: string, uid: number, gid: number): void {
  if (lstatSync(path).isDirectory()) {
    for (const name of readdirSync(path)) giveTree(join(path, name), uid, gid)
  }
  lchownSync(path, uid, gid)
}

/** Builds the cluster beside its place and renames, so that a crash half-way leaves nothing that looks like one. */
async function createCluster(dataDir: DataDir, account: ServerAccount, binaries: Binaries): Promise<void> {
  const unfinished = mkdtempSync(join(dataDir.root, `${UNFINISHED}${process.pid}-`))
  try {
    await runInitdb(unfinished, account, binaries)
    renameSync(unfinished, dataDir.cluster)
    syncFolder(dataDir.root)
  } catch (error) {
    // Another process was faster: whatever went wrong here, there is a cluster now.
    if (statCluster(dataDir) === undefined) throw error
  } finally {
    removeIfPossible(unfinished)
  }
}

const UNFINISHED = 'postgres.new-'
const ABANDONED_AFTER_MS = 10 * 60_000

/**
 * Removes what a killed first start left behind, and not what another process is making at this moment. What cannot go
 * now, because an orphaned initdb is still writing there, goes at a later start.
 */
function removeLeftovers(root: string): void {
  for (const name of readdirSync(root)) {
    if (!name.startsWith(UNFINISHED)) continue
    const path = join(root, name)
    const age = Date.now() - (lstatSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0)
    const maker = Number.parseInt(name.slice(UNFINISHED.length), 10)
    if (age > ABANDONED_AFTER_MS || !isAlive(maker)) removeIfPossible(path)
  }
}

function removeIfPossible(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch (error) {
    if (!['ENOTEMPTY', 'EACCES', 'EPERM', 'EBUSY'].includes(codeOf(error))) throw error
  }
}

async function runInitdb(folder: string, account: ServerAccount, { initdb }: Binaries): Promise<void> {
  const descriptor = openOwnFolder(folder, account)
  try {
    const child = spawn(initdb, [`--pgdata=${inheritedPath(folder, 3, account)}`, ...INITDB_OPTIONS], {
      cwd: folder,
      env: serverEnvironment(),
      // Ctrl-C ends this process in order; it should not find initdb killed half-way.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', descriptor],
      ...spawnIdentity(account),
    })
    let complaints = ''
    child.stderr?.on('data', (chunk) => {
      complaints += chunk
    })
    const [status] = await once(child, 'close')
    if (status !== 0) throw initdbFailed(dirname(folder), complaints)
  } catch (error) {
    throw explainSpawnError(error)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Sorting and comparing by code point, upper and lower case by Unicode, all from PostgreSQL itself: the same on every
 * machine, so an index never breaks when the system's C library changes.
 */
const INITDB_OPTIONS = [
  `--username=${POSTGRES_USER}`,
  '--auth-local=trust',
  '--auth-host=reject',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--no-instructions',
]

function initdbFailed(dataDir: string, complaints: string): EmbeddedPostgresError {
  const lines = complaints.split('\n')
  const line = lines.find((text) => /error: |FATAL: |PANIC: /.test(text)) ?? lines.find((text) => text.trim() !== '')
  const reason = line?.replace(/^.*(error|FATAL|PANIC): +/, '').trim() ?? 'it gave no reason'
  if (/no space left on device/i.test(reason)) return noRoom(dataDir)
  return new EmbeddedPostgresError(
    `PostgreSQL could not make its data folder in ${dataDir} (${reason}): put that right and start again, ` +
      'or set DATABASE_URL to a PostgreSQL of your own',
  )
}

/** Explains why one of PostgreSQL's programs did not even start; any other error comes back as it is. */
export function explainSpawnError(error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error && String(error.syscall).startsWith('spawn'))) return error
  const say = (problem: string) =>
    new EmbeddedPostgresError(`${problem}, or set DATABASE_URL to a PostgreSQL of your own`, { cause: error })
  switch (codeOf(error)) {
    case 'ENOENT':
      // The file is there (npm installed it), so what is missing is the loader it names.
      return say(
        'the bundled PostgreSQL needs the GNU C library, which this system lacks (Alpine and NixOS do): use a system with it',
      )
    case 'EPERM':
    case 'EINVAL':
      return rootCannotBecome(error)
    default:
      return say(`the bundled PostgreSQL cannot be run here (${codeOf(error)}): check the folder node_modules`)
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
