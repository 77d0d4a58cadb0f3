import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { prepareBinaries } from './embedded-postgres/binaries.ts'
import { ensureCluster, POSTGRES_USER, statCluster, systemIdentifier } from './embedded-postgres/cluster.ts'
import { type DataDir, explainFileError, prepareDataDir } from './embedded-postgres/data-dir.ts'
import { EmbeddedPostgresError } from './embedded-postgres/error.ts'
import { joinServer } from './embedded-postgres/join.ts'
import { leaveServer } from './embedded-postgres/leave.ts'
import { clusterMarker } from './embedded-postgres/postmaster.ts'
import type { Presence } from './embedded-postgres/presence.ts'
import type { ServerPlace } from './embedded-postgres/server.ts'
import { chooseServerAccount } from './embedded-postgres/server-account.ts'
import { ensureSocketFolder, POSTGRES_PORT } from './embedded-postgres/socket-folder.ts'
import type { PostgresConnection } from './postgres.ts'

export interface EmbeddedPostgresOptions {
  /** Made where it is missing. Everything of the database is below it. */
  readonly dataDir: string
  readonly log: Logger
}

export interface EmbeddedPostgres {
  /** The application's database, as its superuser. Close every pool on it before `release`. */
  readonly connection: PostgresConnection
  /** The server was running already: another process uses it too, or one that was killed has left it. */
  readonly adopted: boolean
  /** Stops the server unless another process uses it, and waits for its end. May be called again. Never throws. */
  release(): Promise<void>
}

const DATABASE = 'strongroom'

/**
 * The PostgreSQL server of a DATA_DIR: the one that runs there already, or a new one on the data that is there, or on a
 * fresh cluster. It is shared by all processes that use this DATA_DIR; whoever leaves last stops it. Should it die in
 * between, it is started again.
 * Throws EmbeddedPostgresError, whose message is one sentence that says what to do.
 */
export async function startEmbeddedPostgres({
  dataDir: path,
  log,
}: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const uid = ourUid()
  try {
    const place = await preparePlace(prepareDataDir(path), uid)
    const { presence, adopted } = await joinServer(place, log)
    await presence.ensureDatabase(DATABASE)
    return {
      connection: { host: place.socketFolder, port: POSTGRES_PORT, user: POSTGRES_USER, database: DATABASE },
      adopted,
      release: staySignedIn(place, presence, log),
    }
  } catch (error) {
    throw explainFileError(error, path)
  }
}

function ourUid(): number {
  const uid = process.getuid?.()
  if (uid !== undefined) return uid
  throw new EmbeddedPostgresError(
    'the bundled PostgreSQL is reached through a Unix socket, which this system does not have: set DATABASE_URL to a ' +
      'PostgreSQL of your own, or run Strongroom in WSL or a container',
  )
}

async function preparePlace(dataDir: DataDir, uid: number): Promise<ServerPlace> {
  const account = chooseServerAccount(uid, statCluster(dataDir))
  const binaries = await prepareBinaries(account, dataDir.root)
  await ensureCluster(dataDir, account, binaries)
  const stats = statCluster(dataDir)
  if (stats === undefined) throw new EmbeddedPostgresError(`${dataDir.cluster} was removed just now: start again`)
  return {
    dataDir,
    account,
    binaries,
    socketFolder: ensureSocketFolder(dataDir, account),
    marker: clusterMarker(stats),
    systemIdentifier: systemIdentifier(dataDir),
  }
}

const RETRY_AFTER_MS = 1_000
const RETRY_AT_MOST_AFTER_MS = 30_000

/** Keeps the presence up, also over the server's death, until the returned function is called, which leaves. */
function staySignedIn(place: ServerPlace, first: Presence, log: Logger): () => Promise<void> {
  const leaving = new AbortController()
  const { signal } = leaving
  const aborted = new Promise<'leaving'>((resolve) => signal.addEventListener('abort', () => resolve('leaving')))

  async function stay(): Promise<Presence | undefined> {
    let presence: Presence | undefined = first
    while (presence !== undefined) {
      if ((await Promise.race([presence.lost, aborted])) === 'leaving') return presence
      log.warn({ dataDir: place.dataDir.root }, 'the connection to the embedded database is lost')
      presence = await rejoin()
    }
    return undefined
  }

  async function rejoin(): Promise<Presence | undefined> {
    for (let wait = RETRY_AFTER_MS; !signal.aborted; wait = Math.min(wait * 2, RETRY_AT_MOST_AFTER_MS)) {
      try {
        return (await joinServer(place, log)).presence
      } catch (error) {
        log.error({ err: error }, 'the embedded database cannot be started again')
        await delay(wait, undefined, { signal }).catch(() => {})
      }
    }
    return undefined
  }

  const staying = stay()
  let left: Promise<void> | undefined
  return () => {
    leaving.abort()
    left ??= staying.then((presence) => (presence === undefined ? undefined : leaveServer(place, presence, log)))
    return left
  }
}
