/** Erasure as a process runs it: every one forgets keys, and one with the role `projector` deletes what there is. */
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { EventStore } from '../event-store/port.ts'
import { mailFolderIn } from '../mailer/mail-files.ts'
import type { Database } from '../platform/database.ts'
import type { Notifications } from '../platform/notifications.ts'
import { type ReactorOptions, runReactor } from '../projector/reactor.ts'
import type { RunningWorker, WorkedBatch } from '../projector/worker.ts'
import type { Vault } from '../secrets/vault.ts'
import { ERASED_CHANNEL, type Erased, erasureReactor, readErasure } from './reactor.ts'
import { startSweeper } from './sweeper.ts'

export interface ErasureOptions {
  readonly store: EventStore
  readonly db: Kysely<Database>
  readonly dataDir: string
  /** Of the reactor. Two connections at once are used. */
  readonly pool: ReactorOptions<Erased>['pool']
  readonly notifications: Notifications
  readonly owner: string
  readonly log: Logger
  readonly observe?: (batch: WorkedBatch) => void
  /** As SweeperOptions and WorkerOptions have them. */
  readonly settleSeconds?: number
  readonly leaseSeconds?: number
}

/** Runs the reactor and a sweeper until it is stopped. Returns at once. */
export const startErasure = (options: ErasureOptions): RunningWorker => {
  const log = options.log.child({ part: 'erasure' })
  const sweeper = startSweeper({ ...options, log, mailFolder: mailFolderIn(options.dataDir) })
  const reactor = runReactor({ ...options, log, reactor: erasureReactor(sweeper.wake), decode: readErasure })
  return {
    status: reactor.status,
    async stop() {
      await reactor.stop()
      await sweeper.stop()
    },
  }
}

/**
 * Forgets keys when they are deleted. The event tells it sooner (src/accounts/live.ts), but between the event and the
 * deletion a process that did not hear the event could have fetched the key again. Returns the way to stop.
 */
export const forgetErasedKeys = (
  notifications: Notifications,
  vault: Pick<Vault, 'evict' | 'evictAll'>,
): Promise<() => void> =>
  notifications.listen(ERASED_CHANNEL, (userId) => (userId === undefined ? vault.evictAll() : vault.evict(userId)))
