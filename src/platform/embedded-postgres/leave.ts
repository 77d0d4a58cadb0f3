import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { findPostmaster, isRunning } from './postmaster.ts'
import type { Presence } from './presence.ts'
import type { ServerPlace } from './server.ts'

const STOP_LIMIT_MS = 60_000
const LOOK_AGAIN_MS = 15

/** Gives up a presence, and stops the server where it was the last. Never throws: what is left over is adoptable. */
export async function leaveServer(place: ServerPlace, presence: Presence, log: Logger): Promise<void> {
  try {
    const others = await presence.leave()
    if (others === 'last') await stopServer(place, log)
    if (others === 'strangers') log.info('the embedded database goes on running: other programs are connected to it')
  } catch (error) {
    log.warn({ err: error }, 'the embedded database was lost while it was to be stopped')
  } finally {
    // Only now: until here nobody else could come in.
    await presence.close()
  }
}

/** A fast shutdown: open transactions are rolled back, everything is written, the next start has nothing to recover. */
async function stopServer({ dataDir, marker }: ServerPlace, log: Logger): Promise<void> {
  const postmaster = findPostmaster(dataDir.cluster, marker)
  if (postmaster.kind !== 'live' || !postmaster.ours) {
    // In another container on the same volume, say, whose process numbers mean nothing here.
    log.warn('the embedded database goes on running: its process cannot be told for sure')
    return
  }
  process.kill(postmaster.pid, 'SIGINT')
  const deadline = Date.now() + STOP_LIMIT_MS
  while (isRunning(postmaster.pid, dataDir.cluster, marker)) {
    if (Date.now() > deadline) {
      log.warn({ pid: postmaster.pid }, 'the embedded database is still shutting down')
      return
    }
    await delay(LOOK_AGAIN_MS)
  }
}
