import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { auditlog } from '../../projections/auditlog.ts'
import { queryableOf } from '../../src/audit/log-store.ts'
import { reconcileRows } from '../../src/audit/reconcile-rows.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { openPool } from '../../src/platform/postgres.ts'
import type { Row } from '../../src/projector/row-operation.ts'
import { registerProjections } from '../../src/projector/schema.ts'
import { silent } from '../event-store/helpers.ts'
import { createDatabase } from '../support/postgres.ts'

const event = (position: number): RecordedEvent => ({
  id: randomUUID(),
  stream: 'user-1',
  revision: BigInt(position),
  position: BigInt(position),
  recordedAt: new Date(0),
  type: 'user:happened',
  data: {},
  metadata: {},
})
const events = [event(10), event(20), event(30), event(40)]
/** Up to which they were handled. */
const LIVE = 30

const rowOf = ({ id, position, type }: Pick<RecordedEvent, 'id' | 'position' | 'type'>): Row => ({
  ...Object.fromEntries(Object.keys(auditlog.tables[0]?.columns ?? {}).map((column) => [column, null])),
  id,
  position,
  code: type,
  message: 'm',
  outcome: 'success',
  occurred_at: '2026-01-01T00:00:00.000Z',
  actor: '{}',
  data: '{}',
})

let pool: ReturnType<typeof openPool>
beforeEach(async () => {
  const database = await createDatabase()
  pool = openPool(database.connection, { applicationName: 'rows', max: 1, log: silent })
  await registerProjections(pool, [auditlog])
  for (const each of events) if (each.position <= LIVE) await show(rowOf(each))
  await moveTo(LIVE)
  return async () => {
    await pool.end()
    await database.drop()
  }
})

const show = async (row: Row): Promise<void> => {
  const columns = Object.keys(row)
  const places = columns.map((_, n) => `$${n + 1}`)
  await pool.query(`insert into read.auditlog (${columns}) values (${places})`, Object.values(row))
}
const moveTo = (position: number | null) =>
  pool.query(
    `update read.projections
        set position = $1, last_stream = null, last_revision = null, last_event_id = null where name = 'auditlog'`,
    [position],
  )
const forged = (position: number): Row => rowOf({ id: randomUUID(), position: BigInt(position), type: 'user:forged' })

async function* history(): AsyncGenerator<RecordedEvent> {
  yield* events
}
const reconcile = () => reconcileRows(queryableOf(pool), history(), async (each) => [rowOf(each)])

it('rows agree with the events up to the position of the projection, and those behind it are left out', async () => {
  expect(await reconcile()).toStrictEqual({ rows: 3, upTo: 30n, difference: null })
})

it('before the first event there are no rows', async () => {
  await pool.query('delete from read.auditlog')
  await moveTo(null)
  expect(await reconcile()).toStrictEqual({ rows: 0, upTo: null, difference: null })
  await pool.query('drop schema read cascade')
  expect(await reconcile()).toStrictEqual({ rows: 0, upTo: null, difference: null })
})

describe('a row that somebody put in is found', () => {
  it.each([5, 20, LIVE])('at position %s, where events were handled', async (position) => {
    await show(forged(position))
    expect((await reconcile()).difference).toBe('rows of the audit log that are of no event: 1')
  })

  it.each(['31', '40', '9223372036854775807'])('at position %s, behind the last that was handled', async (position) => {
    await show({ ...forged(0), position: BigInt(position) })
    expect(await reconcile()).toStrictEqual({
      rows: 0,
      upTo: 30n,
      difference: 'rows of the audit log behind position 30, the last that was handled: 1',
    })
  })

  it('where no event was handled, and where no build is live', async () => {
    await moveTo(null)
    const difference = 'rows of the audit log though no event was handled: 3'
    expect(await reconcile()).toStrictEqual({ rows: 0, upTo: null, difference })
    await pool.query("update read.projections set live = false, stage = 'kept'")
    expect(await reconcile()).toStrictEqual({ rows: 0, upTo: null, difference })
  })
})

describe('a row that somebody changed or took away is found', () => {
  it.each([
    ["update read.auditlog set outcome = 'failure' where position = 20", 'is not what its event says: column outcome'],
    ['update read.auditlog set position = 25 where position = 20', 'is not what its event says: column position'],
    ["update read.auditlog set ip = '192.0.2.1' where position = 20", 'is not what its event says: column ip'],
    ['delete from read.auditlog where position = 20', 'the audit log has no row for event'],
  ])('%s', async (statement, difference) => {
    await pool.query(statement)
    expect((await reconcile()).difference).toContain(difference)
  })
})
