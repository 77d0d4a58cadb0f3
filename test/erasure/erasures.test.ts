import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openErasures } from '../../src/erasure/erasures.ts'
import { ERASED_CHANNEL } from '../../src/erasure/reactor.ts'
import { Notifications } from '../../src/platform/notifications.ts'
import { openPool } from '../../src/platform/postgres.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

const log = pino({ level: 'silent' })
let database: TestDatabase
let pool: ReturnType<typeof openPool>

beforeAll(async () => {
  database = await createDatabase()
  pool = openPool(database.connection, { applicationName: 'erasures test', max: 1, log })
})
afterAll(async () => {
  await pool.end()
  await database.drop()
})

const open = async () => {
  const notifications = new Notifications(database.connection, log)
  const told = new Set<(userId: string) => void>()
  const live = {
    followErasures(heard: (userId: string) => void) {
      told.add(heard)
      return () => told.delete(heard)
    },
  }
  const erasures = await openErasures(live, notifications)
  const heard: (string | undefined)[] = []
  const unfollow = erasures.follow((userId) => heard.push(userId))
  // Notifications may have been missed until it listens, and it says so.
  await vi.waitFor(() => expect(heard).toEqual([undefined]))
  const notify = (userId: string) => pool.query('select pg_notify($1, $2)', [ERASED_CHANNEL, userId])
  const event = (userId: string): void => {
    for (const tell of told) tell(userId)
  }
  return { erasures, heard, unfollow, notify, event, told, notifications }
}

it('are heard of by the event, and again where the person is filed', async () => {
  const { heard, notify, event, notifications } = await open()
  const id = randomUUID()
  event(id)
  expect(heard).toEqual([undefined, id])
  await notify(id)
  await vi.waitFor(() => expect(heard).toEqual([undefined, id, id]))
  await notifications.close()
})

it('may have been of anybody where the connection that hears of them broke', async () => {
  const { heard, notifications } = await open()
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'strongroom notifications' and datname = current_database()`,
  )
  await vi.waitFor(() => expect(heard).toEqual([undefined, undefined]), { timeout: 10_000 })
  await notifications.close()
})

it('are told to each follower until it leaves, and to nobody after the stop', async () => {
  const { erasures, heard, unfollow, event, told, notify, notifications } = await open()
  const other: unknown[] = []
  erasures.follow((userId) => other.push(userId))
  unfollow()
  event('a')
  expect([heard, other]).toEqual([[undefined], ['a']])
  erasures.stop()
  expect(told.size).toBe(0)
  const late: unknown[] = []
  await notifications.listen(ERASED_CHANNEL, (userId) => late.push(userId))
  await notify('b')
  await vi.waitFor(() => expect(late).toEqual(['b']))
  expect([heard, other]).toEqual([[undefined], ['a']])
  await notifications.close()
})
