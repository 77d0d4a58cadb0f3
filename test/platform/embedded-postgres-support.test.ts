import pg from 'pg'
import { expect, test } from 'vitest'
import { createDatabase } from '../support/postgres.ts'

test('every test database is fresh, empty and UTF-8, and is gone after its drop', async () => {
  const [first, second] = await Promise.all([createDatabase(), createDatabase()])
  expect(first.connection).not.toEqual(second.connection)
  const client = new pg.Client(first.connection)
  await client.connect()
  const { rows } = await client.query(
    "select current_setting('server_encoding') encoding, count(*)::int tables from pg_tables where schemaname = 'public'",
  )
  expect(rows).toEqual([{ encoding: 'UTF8', tables: 0 }])
  client.on('error', () => {})
  await first.drop()
  await second.drop()
  await expect(new pg.Client(first.connection).connect()).rejects.toMatchObject({ code: '3D000' })
})
