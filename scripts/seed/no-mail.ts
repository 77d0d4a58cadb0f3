/**
 * Nobody is mailed about what never happened. While a history is being made up the mailer stands still, and goes on
 * behind it. Who dies in between leaves it standing for a minute: then it files what it finds, as of any other event.
 */

import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { EventStore } from '../../src/event-store/port.ts'
import { MAILER } from '../../src/mailer/mailer.ts'
import type { Database } from '../../src/platform/database.ts'

const HELD_SECONDS = 60
const RENEW_EVERY_MS = 15_000

/** Throws what the work throws, and where the mailer was taken back meanwhile. */
export const withoutMail = async <T>(
  db: Kysely<Database>,
  store: Pick<EventStore, 'tail'>,
  work: () => Promise<T>,
): Promise<T> => {
  const owner = `seed:${process.pid}`
  const until = sql`clock_timestamp() + ${HELD_SECONDS} * interval '1 second'`
  // Another epoch: whoever has the lease learns at its next write that it has lost it.
  await sql`update vault.reactors set owner = ${owner}, lease_until = ${until}, epoch = epoch + 1
             where name = ${MAILER}`.execute(db)
  const renewal = setInterval(() => {
    sql`update vault.reactors set lease_until = ${until} where name = ${MAILER} and owner = ${owner}`
      .execute(db)
      // The lease is long enough for a few of these to fail.
      .catch(() => {})
  }, RENEW_EVERY_MS)
  try {
    return await work()
  } finally {
    clearInterval(renewal)
    const tail = await store.tail()
    await sql`update vault.reactors
                 set position = ${tail === 'start' ? null : String(tail)}, last_stream = null, last_revision = null,
                     last_event_id = null, event_time = null, owner = null, lease_until = null, epoch = epoch + 1
               where name = ${MAILER} and owner = ${owner}`.execute(db)
  }
}
