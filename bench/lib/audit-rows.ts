import pg from 'pg'
import type { BenchDatabase } from './database.ts'

/** Puts so many rows into the audit log of each person, behind whatever there is, without events of their own. */
export async function fillAuditLog(
  { connection }: BenchDatabase,
  userIds: readonly string[],
  eventsEach: number,
): Promise<void> {
  const client = new pg.Client(connection)
  await client.connect()
  try {
    await client.query(FILL, [userIds, eventsEach])
    await client.query('vacuum analyze')
  } finally {
    await client.end()
  }
}

/** Rows as log-ins make them, about 450 bytes each, one person's among those of the others. */
const FILL = `
  insert into read.auditlog
  select gen_random_uuid(), person.id, n + 10, 1000000 + n * 100 + person.number, 'user:logged_in', 'Logged in', 'success',
         date_trunc('milliseconds', now()) - interval '90 days' + n * interval '1 hour', '192.0.2.' || n % 250, 'DE', 'BE',
         'Berlin', 'desktop', 'Firefox', '140', 'Linux', null,
         'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', gen_random_uuid(),
         md5(n::text) || '00000000', null, '{"kind":"user","id":"' || person.id || '"}',
         '{"sessionId":"' || gen_random_uuid() || '","method":"password","challengeId":null,"step":null,"unfamiliar":[]}'
    from generate_series(1, $2::int) n, unnest($1::uuid[]) with ordinality as person(id, number)
   order by n, person.number`
