import type pg from 'pg'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exclusively } from '../../src/platform/exclusive.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let one: pg.Pool
let other: pg.Pool
const open = () => openPool(database.connection, { applicationName: 'test', max: 2, log: pino({ level: 'silent' }) })
beforeAll(async () => {
  database = await createDatabase()
  one = open()
  other = open()
})
afterAll(async () => {
  await one.end()
  await other.end()
  await database.drop()
})

/** Work that lasts until it is told to end. */
const openWork = () => {
  let end = (): void => {}
  let begin = (): void => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const done = new Promise<void>((resolve) => {
    end = resolve
  })
  const work = async () => {
    begin()
    await done
    return 'worked'
  }
  return { work, begun, end }
}

describe('exclusive work', () => {
  it('is done by one at a time, whoever asks, and by the next once that has ended', async () => {
    const { work, begun, end } = openWork()
    const first = exclusively(one, 'chore', work)
    await begun
    expect(await exclusively(other, 'chore', async () => 'too')).toStrictEqual({ kind: 'busy' })
    expect(await exclusively(one, 'chore', async () => 'too')).toStrictEqual({ kind: 'busy' })
    end()
    expect(await first).toStrictEqual({ kind: 'done', value: 'worked' })
    expect(await exclusively(other, 'chore', async () => 'next')).toStrictEqual({ kind: 'done', value: 'next' })
  })

  it('does not hold up work of another name', async () => {
    const { work, begun, end } = openWork()
    const first = exclusively(one, 'chore', work)
    await begun
    expect(await exclusively(other, 'errand', async () => 1)).toStrictEqual({ kind: 'done', value: 1 })
    end()
    await first
  })

  it('that fails tells its error, and leaves the way free', async () => {
    const failing = exclusively(one, 'chore', () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    await expect.poll(async () => (await exclusively(other, 'chore', async () => 1)).kind).toBe('done')
  })

  it('whose connection dies leaves the way free', async () => {
    const { work, begun, end } = openWork()
    const first = exclusively(one, 'chore', work)
    const outcome = first.then(
      () => 'done',
      () => 'failed',
    )
    await begun
    await other.query(
      `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()
       and database = (select oid from pg_database where datname = current_database())`,
    )
    await expect.poll(async () => (await exclusively(other, 'chore', async () => 1)).kind).toBe('done')
    end()
    expect(await outcome).toBe('failed')
  })
})
