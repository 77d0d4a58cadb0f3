import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { sessions } from '../../projections/sessions.ts'
import { runSweeper, type Sweeping } from '../../src/commands/sweeper.ts'
import { exclusively } from '../../src/platform/exclusive.ts'
import { registerProjections } from '../../src/projector/schema.ts'
import { hours, LIMITS, minutes, START, seconds, sessionId } from '../account/given.ts'
import { aSecret, signInData } from '../account/stories.ts'
import { openVaultDatabase, type VaultDatabase } from '../secrets/vault-database.ts'
import { type BusHarness, openBusHarness, USER } from './bus-harness.ts'

let database: VaultDatabase
beforeAll(async () => {
  database = await openVaultDatabase()
  await registerProjections(database.pool, [sessions])
})
afterAll(() => database.close())

const expirations = async (harness: BusHarness): Promise<number> =>
  (await harness.types()).filter((type) => type === 'user.session:expired').length

/** A process with one session of USER's, idle for long. */
const open = async (n: number, more: Partial<Sweeping> = {}) => {
  const harness = openBusHarness()
  await harness.append(
    { type: 'user:registered', data: {}, personal: { email: 'a@b.example', name: null }, credential: {} },
    { type: 'user:logged_in', data: signInData(n), credential: { tokenHash: aSecret('hash') } },
  )
  await database.db
    .insertInto('vault.activity')
    .values({ session_id: sessionId(n), user_id: USER, last_accessed_at: new Date(START) })
    .execute()
  harness.setNow(START + hours(1))
  const passes = { throttles: vi.fn(async () => {}), addresses: vi.fn(async () => {}) }
  const sweeping: Sweeping = {
    db: database.db,
    bus: harness.bus,
    activity: { lastAccess: async () => START },
    session: { idleMs: minutes(15), activityMs: seconds(30) },
    limits: LIMITS,
    now: () => START + hours(1),
    log: pino({ level: 'silent' }),
    throttles: { forget: passes.throttles },
    addressLimits: { forget: passes.addresses },
    exclusively: (work) => exclusively(database.pool, 'sweeper', work),
    periodMs: 20,
    ...more,
  }
  const sweeper = runSweeper(sweeping)
  onTestFinished(() => sweeper.stop())
  return { harness, sweeper, passes }
}

describe('the sweeper', () => {
  it('begins at once, does all its chores, and does them again', async () => {
    const { harness, passes } = await open(1)
    await expect.poll(() => expirations(harness)).toBe(1)
    await expect.poll(() => passes.addresses.mock.calls.length).toBeGreaterThan(2)
    expect(passes.throttles).toHaveBeenCalledWith(START + hours(1))
    expect(await expirations(harness)).toBe(1)
  })

  it('goes on after a pass that failed', async () => {
    let failures = 0
    const forget = async () => {
      failures += 1
      if (failures < 3) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' })
    }
    const { harness } = await open(2, { throttles: { forget } })
    await expect.poll(() => failures).toBeGreaterThan(3)
    expect(await expirations(harness)).toBe(1)
  })

  it('rests while another process is at it, and takes over afterwards', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let begin = (): void => {}
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    const other = exclusively(database.pool, 'sweeper', () => {
      begin()
      return held
    })
    await begun
    let asked = 0
    const counting: Sweeping['exclusively'] = (work) => {
      asked += 1
      return exclusively(database.pool, 'sweeper', work)
    }
    const { harness } = await open(3, { exclusively: counting })
    await expect.poll(() => asked).toBeGreaterThan(3)
    expect(await expirations(harness)).toBe(0)
    release()
    await other
    await expect.poll(() => expirations(harness)).toBe(1)
  })

  it('stops in the middle of its rest, and does nothing after that', async () => {
    const { sweeper, passes } = await open(4, { periodMs: hours(1) })
    await expect.poll(() => passes.addresses.mock.calls.length).toBe(1)
    await sweeper.stop()
    await sweeper.stop()
    expect(passes.addresses).toHaveBeenCalledOnce()
  })
})
