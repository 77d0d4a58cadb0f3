/**
 * Snapshots of long accounts, in the vault: there a row goes with its user. Each is sealed under the user's data key, so
 * that nobody who can write the table can make a state of their own (it says who is let in), and so that an erasure
 * reaches the copies in backups too.
 */
import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database } from '../platform/database.ts'
import { open, seal } from '../secrets/sealing.ts'
import type { Vault } from '../secrets/vault.ts'
import { FOLD, type Snapshot, stateFromText, stateToText } from './snapshot.ts'

export interface Snapshots {
  /** null: there is none. `unusable`: what is there is damaged and should be replaced. Never throws: it can do without. */
  find(userId: string): Promise<Snapshot | 'unusable' | null>
  /** Keeps it when there is time. Returns at once; may be left out, for the account is offered again. */
  offer(userId: string, snapshot: Snapshot): void
  /** The person is being erased: what is still to be written of them is not. */
  forget(userId: string): void
  /** Takes no more, and waits for the writes under way. */
  close(): Promise<void>
}

/** So few that requests keep the connections of the pool. */
const WRITES_AT_ONCE = 2
/** A state can be 200 kB. */
const MOST_WAITING = 200

export const openSnapshots = (deps: {
  readonly db: Kysely<Database>
  readonly vault: Pick<Vault, 'dataKey'>
  readonly log: Logger
}): Snapshots => {
  const { log } = deps
  /** By user, the latest offered. */
  const waiting = new Map<string, Snapshot>()
  const writing = new Map<string, Promise<void>>()
  let closed = false

  const writeNext = (): void => {
    if (closed || writing.size >= WRITES_AT_ONCE) return
    const next = [...waiting].find(([userId]) => !writing.has(userId))
    if (next === undefined) return
    const [userId, snapshot] = next
    waiting.delete(userId)
    const write = writeSnapshot(deps, userId, snapshot)
      .catch((error: unknown) => log.warn({ err: error, userId }, 'a snapshot of an account could not be written'))
      .finally(() => {
        writing.delete(userId)
        writeNext()
      })
    writing.set(userId, write)
  }

  return {
    async find(userId) {
      try {
        return await readSnapshot(deps, userId)
      } catch (error) {
        log.warn({ err: error, userId }, 'the snapshot of an account cannot be used: its events are read instead')
        return 'unusable'
      }
    },
    offer(userId, snapshot) {
      if (closed || (waiting.size >= MOST_WAITING && !waiting.has(userId))) return
      waiting.set(userId, snapshot)
      // The request that folded the state is answered first.
      setImmediate(writeNext)
    },
    forget: (userId) => void waiting.delete(userId),
    async close() {
      closed = true
      await Promise.all(writing.values())
    },
  }
}

type Place = { readonly db: Kysely<Database>; readonly vault: Pick<Vault, 'dataKey'> }

const readSnapshot = async ({ db, vault }: Place, userId: string): Promise<Snapshot | null> => {
  const [key, row] = await Promise.all([
    vault.dataKey(userId),
    db
      .selectFrom('vault.snapshots')
      .select(['revision', 'event_id', 'sealed'])
      .where('user_id', '=', userId)
      .where('fold', '=', FOLD)
      .executeTakeFirst(),
  ])
  if (row === undefined || key === null) return null
  const revision = BigInt(row.revision)
  const text = open(key, row.sealed, placeOf(userId, revision, row.event_id)).toString()
  return { state: stateFromText(text), revision, eventId: row.event_id }
}

/** Whoever writes last wins, also with an older one: that only makes the tail a little longer. */
const writeSnapshot = async ({ db, vault }: Place, userId: string, snapshot: Snapshot): Promise<void> => {
  const key = await vault.dataKey(userId)
  if (key === null) return
  const { revision, eventId } = snapshot
  const text = Buffer.from(stateToText(snapshot.state))
  const row = {
    fold: FOLD,
    revision: String(revision),
    event_id: eventId,
    sealed: seal(key, text, placeOf(userId, revision, eventId)),
    taken_at: new Date(),
  }
  // The row refers to its user's: after an erasure it is refused.
  await db
    .insertInto('vault.snapshots')
    .values({ user_id: userId, ...row })
    .onConflict((conflict) => conflict.column('user_id').doUpdateSet(row))
    .execute()
}

const placeOf = (userId: string, revision: bigint, eventId: string): string =>
  JSON.stringify(['strongroom snapshot', FOLD, userId, String(revision), eventId])
