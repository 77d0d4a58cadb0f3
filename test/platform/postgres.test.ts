import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorSummary, inTransaction, isDatabaseAway, openPool } from '../../src/platform/postgres.ts'
import { errorOf, silent, until } from '../event-store/helpers.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

const options = { applicationName: 'test', max: 2, log: silent }

describe('PostgreSQL pool', () => {
  let database: TestDatabase
  let pool: pg.Pool
  let admin: pg.Client

  beforeAll(async () => {
    database = await createDatabase()
    pool = openPool(database.connection, options)
    admin = new pg.Client(database.connection)
    await admin.connect()
    await admin.query('create table t (n integer primary key, other integer unique deferrable initially deferred)')
  })

  afterAll(async () => {
    await admin?.end()
    await pool?.end()
    await database?.drop()
  })

  const count = async () => (await admin.query('select count(*)::int as n from t')).rows[0].n
  const terminate = (pid: number) => admin.query('select pg_terminate_backend($1)', [pid])

  it('outlives the loss of a connection that is idle and of one that is checked out', async () => {
    const client = await pool.connect()
    const { rows } = await client.query('select pg_backend_pid() as pid')
    await terminate(rows[0].pid)
    await until(async () => isDatabaseAway(await errorOf(client.query('select 1'))), 'the connection is lost')
    client.release(true)

    const idle = (await pool.query('select pg_backend_pid() as pid')).rows[0].pid
    await terminate(idle)
    await until(() => pool.idleCount === 0, 'the pool has noticed')
    expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  it('ends a statement that takes too long', async () => {
    const hasty = openPool(database.connection, { ...options, statementTimeoutMs: 100 })
    const error = await errorOf(hasty.query('select pg_sleep(60)'))
    expect(error).toMatchObject({ code: '57014' })
    expect(isDatabaseAway(error)).toBe(true)
    await hasty.end()
  })

  it('shows its name to the operator', async () => {
    const { rows } = await pool.query("select current_setting('application_name') as name")
    expect(rows).toEqual([{ name: 'test' }])
  })

  describe('inTransaction', () => {
    it('commits and gives the result', async () => {
      const result = await inTransaction(pool, async (client) => {
        await client.query('insert into t values (1)')
        return 'done'
      })
      expect(result).toBe('done')
      expect(await count()).toBe(1)
    })

    it('rolls back and throws on what the work throws, and the connection serves again', async () => {
      const before = await count()
      const failure = new Error('of the work')
      const work = inTransaction(pool, async (client) => {
        await client.query('insert into t values (2)')
        throw failure
      })
      await expect(work).rejects.toBe(failure)
      expect(await count()).toBe(before)
      await inTransaction(pool, (client) => client.query('select 1'))
    })

    it('throws where an error inside was swallowed, since nothing was committed then', async () => {
      const work = inTransaction(pool, async (client) => {
        await client.query('insert into t values (3)')
        await client.query('select 1 / 0').catch(() => {})
      })
      await expect(work).rejects.toThrow('the transaction was rolled back: an error inside it was swallowed')
      expect((await pool.query('select 1 from t where n = 3')).rows).toEqual([])
    })

    it('throws where the commit itself fails', async () => {
      await pool.query('insert into t values (10, 1)')
      const work = inTransaction(pool, (client) => client.query('insert into t values (11, 1)'))
      await expect(work).rejects.toMatchObject({ code: '23505' })
      await inTransaction(pool, (client) => client.query('select 1'))
    })

    it('gives a broken connection to nobody else', async () => {
      const work = inTransaction(pool, async (client) => {
        const { rows } = await client.query('select pg_backend_pid() as pid')
        await terminate(rows[0].pid)
        await client.query('select pg_sleep(5)')
      })
      expect(isDatabaseAway(await errorOf(work))).toBe(true)
      for (let i = 0; i < 4; i++) await pool.query('select 1')
    })

    it('reads at READ COMMITTED whatever the default of the database', async () => {
      const level = await inTransaction(pool, async (client) => {
        const { rows } = await client.query("select current_setting('transaction_isolation') as level")
        return rows[0].level
      })
      expect(level).toBe('read committed')
    })
  })

  describe('isDatabaseAway', () => {
    const connectError = async (config: pg.ClientConfig) => {
      const client = new pg.Client({ connectionTimeoutMillis: 200, ...config })
      client.on('error', () => {})
      const error = await errorOf(client.connect())
      return error
    }

    it('knows a server that is not there', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'no-server-'))
      expect(isDatabaseAway(await connectError({ host: folder }))).toBe(true)
      rmSync(folder, { recursive: true })
      const port = await freePort()
      expect(isDatabaseAway(await connectError({ host: '127.0.0.1', port }))).toBe(true)
      // Both families of addresses are tried: the errors come together.
      expect(isDatabaseAway(await connectError({ host: 'localhost', port }))).toBe(true)
      expect(isDatabaseAway(await connectError({ host: 'no-such-host.invalid' }))).toBe(true)
    })

    it('knows a server that does not answer', async () => {
      const server = createServer(() => {})
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      expect(isDatabaseAway(await connectError({ host: '127.0.0.1', port }))).toBe(true)
      server.close()
    })

    it('knows a pool whose connections are all taken for too long, and a client that was lost', async () => {
      expect(isDatabaseAway(new Error('timeout exceeded when trying to connect'))).toBe(true)
      expect(isDatabaseAway(new Error('Query read timeout'))).toBe(true)
      expect(isDatabaseAway(new Error('Connection terminated unexpectedly'))).toBe(true)
    })

    it('looks into the cause', () => {
      const cause = Object.assign(new Error(), { code: 'ECONNRESET' })
      expect(isDatabaseAway(new Error('outer', { cause: new Error('inner', { cause }) }))).toBe(true)
    })

    it.each(['08006', '08P01', '53300', '53100', '57P01', '57P02', '57P03', '57014', '25006'])('knows %s', (code) => {
      expect(isDatabaseAway(Object.assign(new Error(), { code }))).toBe(true)
    })

    it('tells errors in what was asked apart', async () => {
      for (const text of ['selec', 'select 1 / 0', 'select * from nowhere', 'insert into t values (20), (20)']) {
        expect(isDatabaseAway(await errorOf(pool.query(text)))).toBe(false)
      }
      const elsewhere = await connectError({ ...database.connection, database: 'nowhere' } as pg.ClientConfig)
      expect(elsewhere).toMatchObject({ code: '3D000' })
      expect(isDatabaseAway(elsewhere)).toBe(false)
      expect(isDatabaseAway(Object.assign(new Error(), { code: 'ENOENT', syscall: 'open' }))).toBe(false)
      for (const other of [undefined, null, 'ECONNREFUSED', { code: '57P01' }])
        expect(isDatabaseAway(other)).toBe(false)
    })
  })

  it('summarises an error without what it quotes', async () => {
    await pool.query('insert into t values (30)')
    const error = await errorOf(pool.query('insert into t values (30)'))
    expect(errorSummary(error)).toEqual({
      reason: 'duplicate key value violates unique constraint "t_pkey"',
      code: '23505',
    })
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
