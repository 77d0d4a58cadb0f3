/**
 * What `user:erased` sets in motion. Key, addresses and everything else that the vault holds of the person go in the
 * transaction that moves the checkpoint: all of it or nothing, whenever the process dies. From then on no box of theirs
 * opens anywhere. What lies outside that transaction is filed in it, and done by the sweeper.
 */
import { userOf } from '../accounts/accounts.ts'
import type { RecordedEvent } from '../event-store/port.ts'
import type { Reactor } from '../projector/reactor.ts'
import { deleteFromVault } from './vault-rows.ts'

export interface Erased {
  readonly userId: string
  readonly eventId: string
  readonly at: Date
}

/** NOTIFY with the id of a user whose key is gone. */
export const ERASED_CHANNEL = 'strongroom_erased'

export const erasureReactor = (committed: () => void): Reactor<Erased | null> => ({
  name: 'erasure',
  // A key that is there again, by a restore from a backup, has to go again: the checkpoint is of that backup too.
  begins: 'start',
  async handle(events, transaction) {
    const erased = latestOfEach(events.filter((event) => event !== null))
    if (erased.length === 0) return
    const userIds = erased.map(({ userId }) => userId)
    await deleteFromVault(transaction.query, userIds)
    await transaction.query(
      `insert into vault.erasures (user_id, event_id, erased_at)
       select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
       on conflict (user_id) do update set
         filed_at = clock_timestamp(), next_sweep_at = clock_timestamp(), last_sweep_at = null, done_at = null`,
      [userIds, erased.map(({ eventId }) => eventId), erased.map(({ at }) => at)],
    )
    await transaction.query('select pg_notify($1, user_id) from unnest($2::text[]) as user_id', [
      ERASED_CHANNEL,
      userIds,
    ])
  },
  committed,
})

/** Null for all else. Nothing of the event is decoded: one that cannot be read must not keep others from being erased. */
export const readErasure = async ({ id, stream, type, recordedAt }: RecordedEvent): Promise<Erased | null> => {
  const userId = userOf(stream)
  if (type !== 'user:erased' || userId === null || !UUID.test(userId)) return null
  return { userId, eventId: id, at: recordedAt }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** There is one in each stream; another one would be an upsert of the same row twice, which PostgreSQL refuses. */
const latestOfEach = (erased: readonly Erased[]): readonly Erased[] => [
  ...new Map(erased.map((each) => [each.userId, each])).values(),
]
