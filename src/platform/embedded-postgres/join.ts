import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { noRoom } from './data-dir.ts'
import { EmbeddedPostgresError } from './error.ts'
import { findPostmaster } from './postmaster.ts'
import { openPresence, type Presence, type PresenceAnswer } from './presence.ts'
import { passesByItself, type ServerPlace, type StartedServer, startServer } from './server.ts'

export interface Joined {
  readonly presence: Presence
  /** Somebody else started the server. */
  readonly adopted: boolean
}

/** How long to go on without a sign of life from a server. */
const PATIENCE_MS = 10_000
/** How long to go on with a server that says it is on its way up (it may have a crash to recover from) or down. */
const PATIENCE_WITH_ALIVE_MS = 120_000
const LOOK_AGAIN_MS = 15
const START_AGAIN_MS = 200

/**
 * Becomes a user of the cluster's server, starting it where none runs.
 *
 * Whatever others do meanwhile (start it too, stop it as the last to leave, die), the answer is to look again: at most
 * one server can have the folder, PostgreSQL itself sees to that, and nobody is let in while it is being stopped.
 * Throws EmbeddedPostgresError.
 */
export async function joinServer(place: ServerPlace, log: Logger): Promise<Joined> {
  const began = Date.now()
  let lastSign = began
  let server: StartedServer | undefined
  let trouble = 'it does not answer'
  for (;;) {
    const answer = await openPresence(place.socketFolder, place.systemIdentifier)
    if (answer.kind === 'open') return welcome(place, server, answer.presence, log)
    if (answer.kind === 'busy') trouble = answer.reason
    if (answer.kind === 'busy' && answer.alive) lastSign = Date.now()

    const ended = server?.ended()
    if (ended !== undefined) {
      if (!passesByItself(ended)) throw cannotStart(place, ended)
      trouble = ended
      server = undefined
      await delay(START_AGAIN_MS)
    } else if (server === undefined && mayStart(answer, place)) {
      server = await startServer(place)
    }

    if (Date.now() - lastSign > PATIENCE_MS || Date.now() - began > PATIENCE_WITH_ALIVE_MS)
      throw givenUp(place, trouble)
    await delay(LOOK_AGAIN_MS)
  }
}

function welcome(place: ServerPlace, server: StartedServer | undefined, presence: Presence, log: Logger): Joined {
  const postmaster = findPostmaster(place.dataDir.cluster, place.marker)
  const pid = postmaster.kind === 'live' ? postmaster.pid : undefined
  const adopted = server === undefined || server.pid !== pid
  log.debug({ pid, adopted, dataDir: place.dataDir.root }, 'the embedded database is up')
  return { presence, adopted }
}

function mayStart(answer: PresenceAnswer, { dataDir, marker }: ServerPlace): boolean {
  return answer.kind === 'nobody' && findPostmaster(dataDir.cluster, marker).kind !== 'live'
}

function cannotStart({ dataDir }: ServerPlace, reason: string): EmbeddedPostgresError {
  if (/no space left on device/i.test(reason)) return noRoom(dataDir.root)
  return new EmbeddedPostgresError(
    `the embedded PostgreSQL cannot start (${reason}): put that right and start again; its log is ${dataDir.log}`,
  )
}

function givenUp({ dataDir, marker }: ServerPlace, trouble: string): EmbeddedPostgresError {
  const postmaster = findPostmaster(dataDir.cluster, marker)
  if (postmaster.kind !== 'live') {
    return new EmbeddedPostgresError(
      `the embedded PostgreSQL of ${dataDir.root} does not come up (${trouble}): wait a little and start again; its log ` +
        `is ${dataDir.log}`,
    )
  }
  const whose = postmaster.ours ? '' : ', which was not started by Strongroom,'
  return new EmbeddedPostgresError(
    `PostgreSQL process ${postmaster.pid}${whose} has ${dataDir.cluster} and lets nobody in (${trouble}): stop it with ` +
      `kill -INT ${postmaster.pid} and start again; its log is ${dataDir.log}`,
  )
}
