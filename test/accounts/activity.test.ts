import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Activity, openActivity, type SessionAccess } from '../../src/accounts/activity.ts'
import { minutes, START, seconds } from '../account/given.ts'
import { openVaultDatabase, type VaultDatabase } from '../secrets/vault-database.ts'

const idleMs = minutes(15)
const activityMs = seconds(30)
let database: VaultDatabase
let activity: Activity
const aProcess = () => openActivity(database.db, { idleMs, activityMs, log: pino({ level: 'silent' }) })

beforeAll(async () => {
  database = await openVaultDatabase()
  activity = aProcess()
})
afterAll(() => database.close())

const aSession = (): SessionAccess => ({ sessionId: randomUUID(), userId: randomUUID(), signedInAt: START })

const written = async ({ sessionId }: SessionAccess): Promise<number | undefined> => {
  const row = await database.db
    .selectFrom('vault.activity')
    .select('last_accessed_at')
    .where('session_id', '=', sessionId)
    .executeTakeFirst()
  return row?.last_accessed_at.getTime()
}

describe('the last access of a session', () => {
  it('is its sign-in where it was never used', async () => {
    expect(await activity.lastAccess(aSession(), START + minutes(60))).toBe(START)
  })

  it('is what this process saw, at once', async () => {
    const session = aSession()
    activity.touch(session, START + minutes(10))
    expect(await activity.lastAccess(session, START + minutes(20))).toBe(START + minutes(10))
  })

  it('is what another process saw, where this one would take the session for idle', async () => {
    const session = aSession()
    const other = aProcess()
    other.touch(session, START + minutes(14))
    await other.flush()
    expect(await activity.lastAccess(session, START + minutes(20))).toBe(START + minutes(14))
  })

  it('never goes back, whatever order writes arrive in', async () => {
    const session = aSession()
    const [early, late] = [aProcess(), aProcess()]
    late.touch(session, START + minutes(5))
    await late.flush()
    early.touch(session, START + minutes(4))
    await early.flush()
    expect(await written(session)).toBe(START + minutes(5))
    late.touch(session, START + minutes(1))
    expect(await late.lastAccess(session, START + minutes(6))).toBe(START + minutes(5))
  })

  it('is written at most once in the spacing time, and then is again', async () => {
    const session = aSession()
    activity.touch(session, START)
    activity.touch(session, START + activityMs - 1)
    await activity.flush()
    expect(await written(session)).toBe(START)
    activity.touch(session, START + activityMs)
    await activity.flush()
    expect(await written(session)).toBe(START + activityMs)
  })

  it('does not hold up a request, nor fail it, where it cannot be written', async () => {
    const broken = await openVaultDatabase()
    const lines: string[] = []
    const failing = openActivity(broken.db, {
      idleMs,
      activityMs,
      log: pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) }),
    })
    await broken.close()
    const session = aSession()
    failing.touch(session, START + 1)
    await failing.flush()
    expect(lines.join()).toContain('the last access of a session could not be written')
    expect(await failing.lastAccess(session, START + 2)).toBe(START + 1)
    await expect(failing.lastAccess(session, START + 2 * idleMs)).rejects.toThrow()
  })
})

describe('the last accesses of a person', () => {
  it('are those of the table, or later where this process knows better', async () => {
    const userId = randomUUID()
    const [here, elsewhere] = [
      { ...aSession(), userId },
      { ...aSession(), userId },
    ]
    const other = aProcess()
    other.touch(elsewhere, START + minutes(2))
    await other.flush()
    activity.touch(here, START + minutes(1))
    await activity.flush()
    activity.touch(here, START + minutes(1) + 5)
    expect(await activity.ofSessions([here.sessionId, elsewhere.sessionId])).toStrictEqual(
      new Map([
        [here.sessionId, START + minutes(1) + 5],
        [elsewhere.sessionId, START + minutes(2)],
      ]),
    )
    expect(await activity.ofSessions([randomUUID()])).toStrictEqual(new Map())
  })
})
