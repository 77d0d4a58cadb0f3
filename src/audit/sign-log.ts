/**
 * Signs a checkpoint of the log as it is, if it may. Nothing that contradicts an earlier checkpoint is ever signed: in
 * the transaction that stores the new one, the last one has to be ours, and the new tree has to be shown to continue
 * it, by the same proof and the same verification that an auditor would use.
 */
import type pg from 'pg'
import { inTransaction } from '../platform/postgres.ts'
import { type Checkpoint, signCheckpoint } from './checkpoint.ts'
import { type Frontier, rootOf } from './frontier.ts'
import { LogContradicted, LogMissing, lastCheckpoint, openStored, queryableOf, readTree, runsIn } from './log-store.ts'
import { EMPTY_ROOT, verifyConsistency } from './merkle.ts'
import type { SignedLog } from './prepare-log.ts'
import { consistencyProof, HashesMissing, storedRoot } from './proofs.ts'

export type SignOutcome =
  | { readonly kind: 'signed'; readonly checkpoint: Checkpoint }
  /** The last checkpoint is of this size; or somebody else has just signed. */
  | { readonly kind: 'current'; readonly checkpoint: Checkpoint }
  /** The last one is younger than the interval: come again then. */
  | { readonly kind: 'early'; readonly waitMs: number; readonly checkpoint: Checkpoint }

export interface SignOptions {
  readonly log: SignedLog
  /** Least time between two checkpoints, in milliseconds, among all processes. */
  readonly intervalMs: number
  /**
   * The largest checkpoint that this process knows to have been signed: the database must not have forgotten it.
   */
  readonly newest?: Checkpoint | undefined
}

/** Throws LogContradicted, LogMissing, and what PostgreSQL throws. Any number of processes may call it at once. */
export const signLog = (pool: pg.Pool, { log, intervalMs, newest }: SignOptions): Promise<SignOutcome> =>
  inTransaction(pool, async (client) => {
    const transaction = queryableOf(client)
    // One at a time, or two could pass over the interval together. Readers are not kept waiting. And a checkpoint that
    // somebody was shown must survive a crash, whatever the server's default.
    await client.query(
      `set local synchronous_commit = on; set local idle_in_transaction_session_timeout = '5s';
       lock table log.checkpoints in share row exclusive mode`,
    )
    const last = await lastCheckpoint(transaction)
    const tree = await readTree(transaction)
    if (tree === undefined) throw new LogMissing()
    const { frontier } = tree
    const before = last === undefined ? undefined : openStored(last, log.key)
    if (newest !== undefined && newest.size > (before?.size ?? 0)) {
      throw new LogContradicted(`the checkpoint of ${newest.size} leaves, which this process has signed, is gone`)
    }
    if (before !== undefined && last !== undefined) {
      if (before.size === frontier.size && before.root.equals(rootOf(frontier)))
        return { kind: 'current', checkpoint: before }
      const [age] = await transaction.query<{ ms: number }>(
        'select (extract(epoch from clock_timestamp() - $1::timestamptz) * 1000)::float8 as ms',
        [last.signedAt],
      )
      const waitMs = Math.min(intervalMs, Math.ceil(intervalMs - (age?.ms ?? intervalMs)))
      if (waitMs > 0) return { kind: 'early', waitMs, checkpoint: before }
    }
    const root = rootOf(frontier)
    await mustContinue(runsIn(transaction), before ?? { origin: log.key.name, size: 0, root: EMPTY_ROOT }, frontier)
    const checkpoint = { origin: log.key.name, size: frontier.size, root }
    const note = signCheckpoint(checkpoint, log.key, log.signingKey.privateKey)
    await client.query('insert into log.checkpoints (size, root, note) values ($1, $2, $3)', [
      frontier.size,
      root,
      note,
    ])
    return { kind: 'signed', checkpoint }
  })

const mustContinue = async (read: ReturnType<typeof runsIn>, before: Checkpoint, frontier: Frontier): Promise<void> => {
  const claim = {
    firstSize: before.size,
    firstRoot: before.root,
    secondSize: frontier.size,
    secondRoot: rootOf(frontier),
  }
  if (before.size > frontier.size) {
    throw new LogContradicted(
      `the log has ${frontier.size} leaves, fewer than the ${before.size} of its last checkpoint`,
    )
  }
  try {
    // From nothing everything follows: the first checkpoint is held against what is stored.
    const right =
      before.size === 0
        ? (await storedRoot(read, frontier.size)).equals(claim.secondRoot)
        : verifyConsistency({ ...claim, proof: await consistencyProof(read, before.size, frontier.size) })
    if (right) return
  } catch (error) {
    if (!(error instanceof HashesMissing)) throw error
    throw new LogContradicted(error.message)
  }
  throw new LogContradicted(
    `the log of ${frontier.size} leaves does not continue the one of its checkpoint of ${before.size} leaves`,
  )
}
