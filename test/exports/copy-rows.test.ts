import { CompiledQuery } from 'kysely'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { EXPORT_SETTINGS, openRowCopier } from '../../src/exports/copy-rows.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let pools: readonly ReturnType<typeof openPool>[]

beforeAll(async () => {
  database = await createDatabase()
  const log = pino({ level: 'silent' })
  pools = [
    openPool(database.connection, { applicationName: 'copier', max: 1, settings: EXPORT_SETTINGS, log }),
    openPool(database.connection, { applicationName: 'looker', max: 1, log }),
  ]
})
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()))
  await database.drop()
})

it('a query that has found nothing yet ends with the stream that nobody wants any more, and its place is free', async () => {
  const [pool, looker] = pools
  if (pool === undefined || looker === undefined) throw new Error('there are two')
  const copier = openRowCopier(pool)
  const running = async () =>
    (await looker.query("select 1 from pg_stat_activity where application_name = 'copier' and state = 'active'")).rows
      .length
  const rows = await copier.start(CompiledQuery.raw('select pg_sleep(3600)::text'), 'lines')
  rows.resume()
  await vi.waitFor(async () => expect(await running()).toBe(1))
  rows.destroy()
  await vi.waitFor(async () => expect(await running()).toBe(0), { timeout: 10_000, interval: 50 })
  const next = await copier.start(CompiledQuery.raw("select 'a'"), 'lines')
  expect(String(await next.toArray())).toBe('a\n')
})
