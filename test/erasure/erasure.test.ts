import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forgetErasedKeys } from '../../src/erasure/erasure.ts'
import { PERSONAL_COLUMNS } from '../../src/erasure/read-rows.ts'
import { readModels } from '../../src/projections.ts'
import { PERSONAL } from '../../src/queries/audit-export-columns.ts'
import { until } from '../projector/support.ts'
import { ALL_TRACES, type ErasureHarness, openErasureHarness } from './harness.ts'

let harness: ErasureHarness

beforeEach(async () => {
  harness = await openErasureHarness()
})
afterEach(() => harness.close())

const untilDone = (userId: string) => until(() => harness.isDone(userId), Boolean, 20_000)

describe('an erasure', () => {
  it('takes every trace of the person, in tables that nobody projects too, and none of anybody else', async () => {
    const [ada, grace] = [await harness.live(), await harness.live()]
    expect(await harness.traces(ada)).toEqual(ALL_TRACES)
    harness.start()
    await harness.erase(ada)
    await untilDone(ada)
    expect(await harness.traces(ada)).toEqual([])
    expect(await harness.traces(grace)).toEqual(ALL_TRACES)
    const { rows } = await harness.pool.query('select code from read.auditlog_v1 where user_id = $1', [ada])
    expect(rows).toEqual([{ code: 'user:logged_in' }])
  })

  it('is caught up with where nothing ran when the event came, and of streams that are no account nothing follows', async () => {
    const ada = await harness.live()
    await harness.erase(ada)
    await harness.store.append(
      'user-nobody',
      [{ id: '0a000000-0000-4000-8000-00000000aaaa', type: 'user:erased', data: {}, metadata: {} }],
      'none',
    )
    const worker = harness.start()
    await untilDone(ada)
    expect(await harness.traces(ada)).toEqual([])
    expect(worker.status().state).toBe('running')
  })

  it('empties a table of the vault that a later version adds', async () => {
    const ada = await harness.live()
    await harness.pool.query('create table vault.later (user_id uuid, state text)')
    await harness.pool.query(`insert into vault.later values ($1, 'everything')`, [ada])
    harness.start()
    await harness.erase(ada)
    await untilDone(ada)
    expect((await harness.pool.query('select 1 from vault.later')).rows).toEqual([])
  })

  it('sweeps once more when what was under way has ended: what came late goes too, and only then it is done', async () => {
    const ada = await harness.live()
    harness.start({ settleSeconds: 2 })
    await harness.erase(ada)
    await until(
      () => harness.pool.query('select 1 from vault.erasures where last_sweep_at is not null'),
      ({ rows }) => rows.length === 1,
    )
    expect(await harness.isDone(ada)).toBe(false)
    await harness.dropMail(ada)
    await harness.pool.query(`update read.auditlog_v1 set ip = '203.0.113.7'`)
    await harness.pool.query('insert into vault.activity values (gen_random_uuid(), $1, now())', [ada])
    await untilDone(ada)
    expect(await harness.traces(ada)).toEqual([])
  })

  it('blanks more rows than one statement is given', async () => {
    const ada = await harness.live()
    await harness.pool.query(
      `insert into read.auditlog_v1 (user_id, ip) select $1, '203.0.113.7' from generate_series(1, 11000)`,
      [ada],
    )
    harness.start()
    await harness.erase(ada)
    await untilDone(ada)
    expect(await harness.traces(ada)).toEqual([])
  })

  it('takes what the planner has kept of tables of earlier releases, which keep nothing from then on', async () => {
    const { pool } = harness
    const kept = async () => {
      await pool.query('analyze')
      const { rows } = await pool.query(
        `select tablename, attname from pg_stats where schemaname = 'read' and attname = any($1) order by 1, 2`,
        [PERSONAL_COLUMNS],
      )
      return rows
    }
    const [ada] = [await harness.live(), await harness.live()]
    expect(await kept()).toHaveLength(6)
    harness.start()
    await harness.erase(ada)
    await untilDone(ada)
    expect(await kept()).toEqual([])
  })

  it('goes on after a disturbance, and the key does not wait for it', async () => {
    const ada = await harness.live()
    await harness.pool.query('alter table read.auditlog_v1 add constraint broken check (ip is not null) not valid')
    harness.start()
    await harness.erase(ada)
    const postponed = 'select 1 from vault.erasures where next_sweep_at > filed_at + interval $$4 seconds$$'
    await until(
      () => harness.pool.query(postponed),
      ({ rows }) => rows.length === 1,
    )
    expect(await harness.traces(ada)).toEqual(['auditlog_v1', 'auditlog_v2b3', 'mail'])
    await harness.pool.query('alter table read.auditlog_v1 drop constraint broken')
    await untilDone(ada)
    expect(await harness.traces(ada)).toEqual([])
  })

  it('is carried out once by two processes at work on many', async () => {
    const people = await Promise.all(Array.from({ length: 12 }, () => harness.live()))
    harness.start({ owner: 'left' })
    harness.start({ owner: 'right' })
    for (const userId of people) await harness.erase(userId)
    for (const userId of people) await untilDone(userId)
    for (const userId of people) expect(await harness.traces(userId)).toEqual([])
  })
})

describe('a vault that was restored from a backup', () => {
  const backUp = async (...tables: readonly string[]) => {
    for (const table of tables) await harness.pool.query(`create table backup_${table} as table vault.${table}`)
    return async () => {
      for (const table of [...tables].reverse()) await harness.pool.query(`delete from vault.${table}`)
      for (const table of tables) await harness.pool.query(`insert into vault.${table} select * from backup_${table}`)
    }
  }

  it('is erased again by the events since, for the checkpoint is of that backup too', async () => {
    const [ada, grace] = [await harness.live(), await harness.live()]
    const first = harness.start()
    await harness.erase(ada)
    await untilDone(ada)
    const restore = await backUp('users', 'addresses', 'activity', 'erasures', 'reactors')
    await harness.erase(grace)
    await untilDone(grace)
    await first.stop()
    await restore()
    expect(await harness.traces(grace)).toContain('users')
    harness.start()
    await until(
      () => harness.traces(grace),
      (traces) => traces.length === 0,
      20_000,
    )
    await untilDone(grace)
  })

  it('is erased again also where it is a part of it, whose checkpoint knows no better', async () => {
    const ada = await harness.live()
    const restore = await backUp('users', 'addresses')
    const first = harness.start()
    await harness.erase(ada)
    await untilDone(ada)
    await first.stop()
    await restore()
    expect(await harness.traces(ada)).toEqual(['addresses', 'users'])
    harness.start()
    await until(
      () => harness.traces(ada),
      (traces) => traces.length === 0,
      20_000,
    )
  })
})

describe('another process', () => {
  it('forgets a key that it fetched after it heard of the event, when the row goes', async () => {
    const { notifications, vault } = harness
    const ada = await harness.live()
    await forgetErasedKeys(notifications, vault)
    await harness.erase(ada)
    // No subscription here: as a process that began after the event.
    expect(await vault.dataKey(ada)).not.toBeNull()
    harness.start()
    await until(
      () => vault.dataKey(ada),
      (key) => key === null,
    )
  })
})

/** Whoever adds a column decides here whether it is of the person: nothing else blanks it in builds that stand still. */
it('every column of the read models is known to be of the person, or not', () => {
  const open = [
    ...['id', 'user_id', 'sequence', 'position', 'code', 'message', 'outcome', 'occurred_at', 'country', 'device_type'],
    ...['browser_name', 'browser_version', 'os_name', 'os_version', 'session_id', 'session_hash', 'about_session_id'],
    ...['actor', 'data', 'hash', 'ended_reason', 'ended_at', 'ended_position', 'signed_in_at'],
  ]
  const columns = readModels.flatMap(({ projection }) =>
    projection.tables.flatMap((table) => Object.keys(table.columns)),
  )
  expect([...new Set(columns)].filter((column) => !open.includes(column)).sort()).toEqual([...PERSONAL_COLUMNS].sort())
})

it('what an erasure blanks is what exports leave out of rows that are not blanked yet', () => {
  expect([...PERSONAL].sort()).toEqual([...PERSONAL_COLUMNS].sort())
})

it('a column of the read models is of the person in their definitions where the erasure takes it for that', () => {
  const columns = readModels.flatMap(({ projection }) =>
    projection.tables.flatMap((table) => Object.entries(table.columns)),
  )
  const personal = columns.filter(([, column]) => column.personal).map(([name]) => name)
  expect([...new Set(personal)].sort()).toEqual([...PERSONAL_COLUMNS].sort())
})
