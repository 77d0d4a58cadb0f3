import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { sessions } from '../../projections/sessions.ts'
import { type Activity, openActivity } from '../../src/accounts/activity.ts'
import {
  adoptForgottenSessions,
  type Expiry,
  expireSessions,
  forgetOldAccesses,
} from '../../src/commands/expire-sessions.ts'
import { StoreUnavailable } from '../../src/event-store/port.ts'
import { registerProjections } from '../../src/projector/schema.ts'
import { hours, LIMITS, minutes, START, seconds, sessionId } from '../account/given.ts'
import { aSecret, signInData } from '../account/stories.ts'
import { openVaultDatabase, type VaultDatabase } from '../secrets/vault-database.ts'
import { type BusHarness, openBusHarness, USER } from './bus-harness.ts'

const session = { idleMs: minutes(15), activityMs: seconds(30) }
/** Past it no process can know of an access that the table does not tell. */
const SURELY_IDLE = session.idleMs + 2 * session.activityMs
const silent = pino({ level: 'silent' })
const never = new AbortController().signal

let database: VaultDatabase
let harness: BusHarness
let activity: Activity
let now: number
let expiry: Expiry

beforeAll(async () => {
  database = await openVaultDatabase()
  await registerProjections(database.pool, [sessions])
})
afterAll(() => database.close())

beforeEach(async () => {
  await database.pool.query('delete from vault.activity')
  await database.pool.query('delete from read.sessions_v1')
  harness = openBusHarness()
  await harness.append({
    type: 'user:registered',
    data: {},
    personal: { email: 'ada@example.com', name: null },
    credential: { passwordHash: aSecret('hash') },
  })
  activity = openActivity(database.db, { ...session, log: silent })
  at(START)
  expiry = { db: database.db, bus: harness.bus, activity, session, limits: LIMITS, now: () => now, log: silent }
})

const at = (time: number): void => {
  now = time
  harness.setNow(time)
}

/** Signed in at START, by another process. */
const signIn = (n: number) =>
  harness.append({ type: 'user:logged_in', data: signInData(n), credential: { tokenHash: aSecret('hash') } })

/** What the table says of the last access: what any process has written. */
const accessed = (n: number, time: number, userId = USER) =>
  database.db
    .insertInto('vault.activity')
    .values({ session_id: sessionId(n), user_id: userId, last_accessed_at: new Date(time) })
    .onConflict((conflict) => conflict.column('session_id').doUpdateSet({ last_accessed_at: new Date(time) }))
    .execute()

const expirations = async () =>
  (await harness.history())
    .filter(({ type }) => type === 'user.session:expired')
    .map(({ data }) => data as { sessionId: string; limit: string })

const rows = async () =>
  (await database.db.selectFrom('vault.activity').select(['session_id', 'over']).orderBy('session_id').execute()).map(
    ({ session_id, over }) => [session_id, over],
  )

describe('S04 the sweep of idle sessions', () => {
  it('records the end of one that nobody met, once, and leaves those in use alone', async () => {
    await signIn(1)
    await signIn(2)
    await accessed(1, START)
    await accessed(2, START + minutes(10))
    at(START + SURELY_IDLE)
    expect(await expireSessions(expiry, never)).toStrictEqual({ expired: 1, failed: 0 })
    expect(await expireSessions(expiry, never)).toStrictEqual({ expired: 0, failed: 0 })
    expect(await expirations()).toStrictEqual([{ sessionId: sessionId(1), limit: 'idle' }])
    expect(await rows()).toStrictEqual([
      [sessionId(1), true],
      [sessionId(2), false],
    ])
  })

  it('names the system as who did it, and no client', async () => {
    await signIn(1)
    await accessed(1, START)
    at(START + SURELY_IDLE)
    await expireSessions(expiry, never)
    const event = (await harness.history()).at(-1)
    expect(event?.metadata).toMatchObject({ actor: { kind: 'system', id: null }, client: null })
  })

  it('waits for as long as another process may know of an access that it has not written yet', async () => {
    await signIn(1)
    await accessed(1, START)
    at(START + SURELY_IDLE - 1)
    expect(await expireSessions(expiry, never)).toStrictEqual({ expired: 0, failed: 0 })
    at(START + SURELY_IDLE)
    expect(await expireSessions(expiry, never)).toStrictEqual({ expired: 1, failed: 0 })
  })

  it('leaves one alone that this process saw, though the table could not be written', async () => {
    await signIn(1)
    await accessed(1, START)
    const access = { sessionId: sessionId(1), userId: USER, signedInAt: START }
    activity.touch(access, START)
    await activity.flush()
    // Within the spacing of writes: remembered, not written.
    activity.touch(access, START + seconds(29))
    at(START + SURELY_IDLE + seconds(28))
    expect(await expireSessions(expiry, never)).toStrictEqual({ expired: 0, failed: 0 })
    expect(await rows()).toStrictEqual([[sessionId(1), false]])
    at(START + SURELY_IDLE + seconds(29))
    expect(await expireSessions(expiry, never)).toStrictEqual({ expired: 1, failed: 0 })
  })

  it('leaves one alone that was used between being found and being looked at', async () => {
    await signIn(1)
    await accessed(1, START)
    at(START + SURELY_IDLE)
    const used = { ...activity, lastAccess: vi.fn(async () => now - seconds(1)) }
    expect(await expireSessions({ ...expiry, activity: used }, never)).toStrictEqual({ expired: 0, failed: 0 })
    expect(used.lastAccess).toHaveBeenCalledOnce()
    expect(await expirations()).toStrictEqual([])
  })

  it('does not look again at what has ended otherwise', async () => {
    await signIn(1)
    await accessed(1, START)
    await harness.append({ type: 'user:logged_out', data: { sessionId: sessionId(1) } })
    at(START + SURELY_IDLE)
    expect(await expireSessions(expiry, never)).toStrictEqual({ expired: 0, failed: 0 })
    expect(await expirations()).toStrictEqual([])
    const run = vi.spyOn(harness.bus, 'run')
    await expireSessions(expiry, never)
    expect(run).not.toHaveBeenCalled()
  })

  it('two at once record one end', async () => {
    await signIn(1)
    await accessed(1, START)
    at(START + SURELY_IDLE)
    const both = await Promise.all([expireSessions(expiry, never), expireSessions(expiry, never)])
    expect(both.map(({ expired }) => expired).sort()).toStrictEqual([0, 1])
    expect(await expirations()).toHaveLength(1)
  })

  it('goes through page after page, and past accounts that it cannot read', async () => {
    for (let n = 0; n < 250; n++) {
      const userId = randomUUID()
      await database.db
        .insertInto('vault.activity')
        .values({ session_id: randomUUID(), user_id: userId, last_accessed_at: new Date(START + (n % 7)) })
        .execute()
    }
    await signIn(1)
    await accessed(1, START + 100)
    at(START + SURELY_IDLE + 100)
    const asked = new Set<string>()
    const bus = {
      run: (request: Parameters<BusHarness['bus']['run']>[0]) => {
        asked.add(request.userId)
        if (request.userId === USER) return harness.bus.run(request)
        return Promise.reject(new Error('a history that this version cannot read'))
      },
    }
    expect(await expireSessions({ ...expiry, bus }, never)).toStrictEqual({ expired: 1, failed: 250 })
    expect(asked.size).toBe(251)
  })

  it('ends where the store is away, and goes on the next time', async () => {
    await signIn(1)
    await accessed(1, START)
    at(START + SURELY_IDLE)
    const away = { run: () => Promise.reject(new StoreUnavailable('notCommitted')) }
    await expect(expireSessions({ ...expiry, bus: away }, never)).rejects.toThrow(StoreUnavailable)
    expect(await rows()).toStrictEqual([[sessionId(1), false]])
    expect(await expireSessions(expiry, never)).toStrictEqual({ expired: 1, failed: 0 })
  })

  it('ends between two sessions where it is told to', async () => {
    await signIn(1)
    await signIn(2)
    await accessed(1, START)
    await accessed(2, START)
    at(START + SURELY_IDLE)
    const stopping = new AbortController()
    const bus = {
      run: (request: Parameters<BusHarness['bus']['run']>[0]) => {
        stopping.abort()
        return harness.bus.run(request)
      },
    }
    expect(await expireSessions({ ...expiry, bus }, stopping.signal)).toStrictEqual({ expired: 1, failed: 0 })
    expect(await expirations()).toHaveLength(1)
  })
})

describe('S05 the sweep of sessions past their greatest age', () => {
  it('names that as the cause, whenever they were last used', async () => {
    await signIn(1)
    const last = START + LIMITS.sessionAbsoluteMs - seconds(1)
    await accessed(1, last)
    at(last + SURELY_IDLE)
    expect(await expireSessions(expiry, never)).toStrictEqual({ expired: 1, failed: 0 })
    expect(await expirations()).toStrictEqual([{ sessionId: sessionId(1), limit: 'absolute' }])
  })
})

describe('sessions without a row of last access', () => {
  const row = (n: number, ended: number | null) =>
    database.pool.query(
      `insert into read.sessions_v1 (id, user_id, hash, device_type, signed_in_at, ended_position, ended_at, ended_reason)
       values ($1, $2, '', 'other', $3, $4, $5, $6)`,
      [
        sessionId(n),
        USER,
        new Date(START),
        ended,
        ended === null ? null : new Date(START),
        ended === null ? null : 'revoked',
      ],
    )

  it('are given that of their sign-in, and are then swept like others', async () => {
    await signIn(1)
    await signIn(2)
    await row(1, null)
    await row(2, null)
    await accessed(2, START + minutes(10))
    await row(3, 17)
    await adoptForgottenSessions(database.db)
    await adoptForgottenSessions(database.db)
    expect(await rows()).toStrictEqual([
      [sessionId(1), false],
      [sessionId(2), false],
    ])
    at(START + SURELY_IDLE)
    expect(await expireSessions(expiry, never)).toStrictEqual({ expired: 1, failed: 0 })
    expect(await expirations()).toStrictEqual([{ sessionId: sessionId(1), limit: 'idle' }])
  })
})

describe('last accesses', () => {
  it('are kept for thirty days, for the list of ended sessions, and never deleted while a session may be live', async () => {
    for (const n of [1, 2, 3]) await accessed(n, START + n)
    await database.pool.query('update vault.activity set over = true where session_id = any($1)', [
      [sessionId(1), sessionId(2)],
    ])
    await forgetOldAccesses(database.db, START + 2 + hours(30 * 24))
    expect(await rows()).toStrictEqual([
      [sessionId(2), true],
      [sessionId(3), false],
    ])
  })
})
