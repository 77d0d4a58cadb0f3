/**
 * The tamper-evident log of one installation, as a process with the role `projector` runs it: a reactor that gives every
 * event its leaf, and beside it, in transactions of its own, the signer.
 */

import { type ReactorOptions, runReactor } from '../projector/reactor.ts'
import type { RunningWorker } from '../projector/worker.ts'
import type { SignedLog } from './prepare-log.ts'
import { type LoggedEvent, leafOfEvent, logReactor } from './reactor.ts'
import { runSigner } from './signer.ts'

export interface LogOptions extends Omit<ReactorOptions<LoggedEvent>, 'reactor' | 'decode'> {
  readonly signedLog: SignedLog
}

/**
 * Runs it until it is stopped. Returns at once. It counts as halted also while nothing is signed because the log
 * contradicts its checkpoints. Of the pool three connections at once are used.
 */
export const startLog = ({ signedLog, ...options }: LogOptions): RunningWorker => {
  const log = options.log.child({ part: 'log' })
  const signer = runSigner({ signedLog, pool: options.pool, notifications: options.notifications, log })
  const reactor = runReactor({ ...options, reactor: logReactor, decode: leafOfEvent })
  return {
    ...reactor,
    status: () => (signer.refusal() === null ? reactor.status() : { ...reactor.status(), state: 'halted' }),
    async stop() {
      // The signer last: it may sign what the reactor finished.
      await reactor.stop()
      await signer.stop()
    },
  }
}
