import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { openPresence } from '../../src/platform/embedded-postgres/presence.ts'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import {
  existingDataDir,
  freshDataDir,
  isAlive,
  query,
  REMEMBERED,
  recall,
  remember,
  serverPid,
  start,
  startUser,
  until,
} from '../support/embedded-postgres-users.ts'

const log = pino({ level: 'silent' })

describe('several processes on one DATA_DIR', () => {
  test.each(['fresh', 'existing'])(
    'two that start at once on %s data share one server; the last one out stops it',
    async (kind) => {
      const dataDir = await existingDataDir()
      if (kind === 'existing') await (await startEmbeddedPostgres({ dataDir, log })).release()
      const users = [startUser(dataDir), startUser(dataDir)] as const
      const [one, two] = await Promise.all([users[0].started(), users[1].started()])
      expect([one.adopted, two.adopted].sort()).toEqual([false, true])
      await remember(one.connection)
      expect(await recall(two.connection)).toEqual(REMEMBERED)
      const pid = serverPid(dataDir) ?? 0

      await users[0].release()
      expect(await recall(two.connection)).toEqual(REMEMBERED)
      await users[1].release()
      expect(isAlive(pid)).toBe(false)
      expect(serverPid(dataDir)).toBeUndefined()
    },
  )

  test('of two that make the cluster at the same moment one wins, and nothing of the other stays', async () => {
    const dataDir = freshDataDir()
    const [one, two] = await Promise.all([start(dataDir), start(dataDir)])
    await remember(one.connection)
    expect(await recall(two.connection)).toEqual(REMEMBERED)
    expect(readdirSync(dataDir).sort()).toEqual(['postgres', 'postgres.log', 'run'])
  })

  test('a server of another cluster behind the socket is not taken for ours', async () => {
    const dataDir = await existingDataDir()
    await start(dataDir)
    const answer = await openPresence(join(dataDir, 'run'), '7000000000000000000')
    expect(answer).toMatchObject({ kind: 'busy', alive: false })
  })

  test('two that leave at once leave no server behind', async () => {
    const dataDir = await existingDataDir()
    const users = [startUser(dataDir), startUser(dataDir)] as const
    await Promise.all(users.map((user) => user.started()))
    await Promise.all(users.map((user) => user.release()))
    expect(serverPid(dataDir)).toBeUndefined()
  })

  test('a killed user does not count, though the server takes a while to notice: the last living one stops it', async () => {
    const dataDir = await existingDataDir()
    const killed = startUser(dataDir)
    await killed.started()
    const database = await start(dataDir)
    const held = (await query(
      database.connection,
      `select pid from pg_stat_activity where application_name = 'strongroom presence ${killed.process.pid}'`,
    )) as { pid: number }[]
    const slow = held[0]?.pid ?? 0
    process.kill(slow, 'SIGSTOP')
    await killed.killHard()
    const released = database.release()
    const holders = "select pid from pg_locks where locktype = 'advisory'"
    await until(async () => (await query(database.connection, holders)).length === 1)
    process.kill(slow, 'SIGCONT')
    await released
    expect(serverPid(dataDir)).toBeUndefined()
  })

  test('one that comes while the last is leaving gets a server that works', async () => {
    const dataDir = await existingDataDir()
    let current = await startEmbeddedPostgres({ dataDir, log })
    for (let round = 0; round < 8; round++) {
      const [next] = await Promise.all([startEmbeddedPostgres({ dataDir, log }), current.release()])
      expect(await query(next.connection, 'select 1 as one')).toEqual([{ one: 1 }])
      current = next
    }
    await current.release()
    expect(serverPid(dataDir)).toBeUndefined()
  })

  test('a connection of some other program keeps the server running', async () => {
    const dataDir = await existingDataDir()
    const database = await start(dataDir)
    const psql = new pg.Client(database.connection)
    psql.on('error', () => {})
    await psql.connect()
    await database.release()
    expect((await psql.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await psql.end()

    const next = await start(dataDir)
    expect(next.adopted).toBe(true)
    await next.release()
    expect(serverPid(dataDir)).toBeUndefined()
  })
})
