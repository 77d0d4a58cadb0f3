import { afterAll, beforeAll, expect, it } from 'vitest'
import { keptSizes, queryableOf } from '../../src/audit/log-store.ts'
import { migrateLog } from '../../src/audit/prepare-log.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { silent } from '../event-store/helpers.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let pool: ReturnType<typeof openPool>
beforeAll(async () => {
  database = await createDatabase()
  pool = openPool(database.connection, { applicationName: 'kept', max: 1, log: silent })
  await migrateLog(pool)
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})

it('checkpoints that somebody may have kept are the newest hundred and the last of each day, below the size', async () => {
  // Twelve a day, on the days 20 to 0 before today: sizes 1 to 252.
  await pool.query(
    `insert into log.checkpoints (size, root, note, signed_at)
     select n, sha256('x'), 'note', date_trunc('day', clock_timestamp(), 'UTC')
            - (20 - (n - 1) / 12) * interval '24 hours' + ((n - 1) % 12) * interval '2 hours'
       from generate_series(1, 252) n`,
  )
  const lastOfDays = Array.from({ length: 12 }, (_, day) => (day + 1) * 12)
  const newest = Array.from({ length: 100 }, (_, n) => 150 + n)
  expect(await keptSizes(queryableOf(pool), 250)).toEqual([...lastOfDays, ...newest])
})
