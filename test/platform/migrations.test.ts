import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { migrate } from '../../src/platform/migrations.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { silent } from '../event-store/helpers.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

describe('migrate', () => {
  let database: TestDatabase
  let pool: pg.Pool
  let schema: string
  let count = 0

  beforeAll(async () => {
    database = await createDatabase()
    pool = openPool(database.connection, { applicationName: 'test', max: 3, log: silent, statementTimeoutMs: 200 })
  })

  afterAll(async () => {
    await pool?.end()
    await database?.drop()
  })

  beforeEach(() => {
    count += 1
    schema = `schema_${count}`
  })

  const rows = async (text: string) => (await pool.query(text)).rows

  it('runs what is new, in the order of the names, and nothing twice', async () => {
    const first = `create table ${schema}.t (n integer generated always as identity, step text); insert into ${schema}.t (step) values ('one')`
    const insert = (step: string) => `insert into ${schema}.t (step) values ('${step}')`
    await migrate(pool, schema, { '0001 first': first })
    const all = { '0003 third': insert('three'), '0001 first': first, '0002 second': insert('two') }
    await migrate(pool, schema, all)
    await migrate(pool, schema, all)
    expect(await rows(`select step from ${schema}.t order by n`)).toEqual([
      { step: 'one' },
      { step: 'two' },
      { step: 'three' },
    ])
  })

  it('keeps its bookkeeping inside the schema', async () => {
    await migrate(pool, schema, { '0001 a': 'select 1' })
    expect(
      await rows(`select table_name from information_schema.tables where table_schema = '${schema}' order by 1`),
    ).toEqual([{ table_name: 'migrations' }, { table_name: 'migrations_lock' }])
    expect(await rows("select 1 from information_schema.tables where table_schema = 'public'")).toEqual([])
  })

  it('runs each once when several processes start at the same moment', async () => {
    const pools = Array.from({ length: 8 }, () =>
      openPool(database.connection, { applicationName: 'test', max: 1, log: silent }),
    )
    const steps = { '0001 a': `create table ${schema}.t (n integer)`, '0002 b': `insert into ${schema}.t values (1)` }
    await Promise.all(pools.map((one) => migrate(one, schema, steps)))
    await Promise.all(pools.map((one) => one.end()))
    expect(await rows(`select n from ${schema}.t`)).toEqual([{ n: 1 }])
  })

  it('changes nothing when one fails, and says which', async () => {
    const steps = { '0001 good': `create table ${schema}.t (n integer)`, '0002 bad': 'select 1 / 0' }
    await expect(migrate(pool, schema, steps)).rejects.toThrow(
      `migration "0002 bad" of schema ${schema} failed: division by zero`,
    )
    expect(await rows(`select to_regclass('${schema}.t') as t`)).toEqual([{ t: null }])
    await migrate(pool, schema, { ...steps, '0002 bad': 'select 1' })
  })

  it('refuses a schema that a newer version of the program has migrated', async () => {
    await migrate(pool, schema, { '0001 a': 'select 1', '0002 b': 'select 1' })
    await expect(migrate(pool, schema, { '0001 a': 'select 1' })).rejects.toThrow(
      `schema ${schema} does not fit this version of the program, a newer one may have migrated it`,
    )
  })

  it('refuses a schema that has seen other migrations, though as many', async () => {
    await migrate(pool, schema, { '0001 a': 'select 1', '0002 b': 'select 1' })
    await expect(migrate(pool, schema, { '0001 a': 'select 1', '0002 c': 'select 1' })).rejects.toThrow(
      `schema ${schema} does not fit this version of the program`,
    )
  })

  it('takes no connection of its own where nothing is new, as at most starts', async () => {
    const one = openPool(database.connection, { applicationName: 'test', max: 1, log: silent })
    onTestFinished(() => one.end())
    const steps = { '0002 b': 'select 1', '0001 a': 'select 1' }
    await migrate(one, schema, steps)
    const connection = async () => (await one.query('select pg_backend_pid() as pid')).rows[0]
    const before = await connection()
    await migrate(one, schema, steps)
    expect(await connection()).toEqual(before)
  })

  it("may take longer than the pool's other statements, which keep their limit", async () => {
    await migrate(pool, schema, { '0001 slow': 'select pg_sleep(0.5)' })
    await expect(pool.query('select pg_sleep(30)')).rejects.toMatchObject({ code: '57014' })
  })
})
