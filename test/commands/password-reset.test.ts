import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RESET_STEP_MS, requestPasswordReset, resetPassword } from '../../src/commands/password-reset.ts'
import { StoreUnavailable } from '../../src/event-store/port.ts'
import { LIMITS, START } from '../account/given.ts'
import { CONTEXT, openServicesHarness, PASSWORD, type ServicesHarness } from './services-harness.ts'

const NEW = 'eleven copper kettles sing'
let harness: ServicesHarness
let counter = 0

beforeAll(async () => {
  harness = await openServicesHarness()
})
afterAll(() => harness.close())

const forgetful = async (): Promise<{ readonly userId: string; readonly token: string; readonly email: string }> => {
  const email = `person-${counter++}@example.com`
  const userId = await harness.register(email)
  await requestPasswordReset(harness.services, email, CONTEXT)
  return { userId, email, token: await harness.link(userId, 'user.password:reset_requested', 'reset') }
}

const reset = (token: string, newPassword = NEW, services = harness.services) =>
  resetPassword(services, { token, newPassword }, CONTEXT)

const isDone = (result: Awaited<ReturnType<typeof reset>>): boolean =>
  result.kind === 'ran' && result.result.kind === 'accepted'

describe('using a link', () => {
  it('of twenty tries at once one passes, and only its password is hashed', async () => {
    const { userId, token } = await forgetful()
    const before = harness.hashes()
    const results = await Promise.all(Array.from({ length: 20 }, (_, index) => reset(token, `${NEW} ${index}`)))
    expect(results.filter(isDone)).toHaveLength(1)
    // One comparison with the password there is, one hash of the new one.
    expect(harness.hashes() - before).toBe(2)
    expect((await harness.types(userId)).filter((type) => type === 'user.password:changed')).toHaveLength(1)
  })

  it('junk, another purpose, a used and an expired link cost no hash', async () => {
    const { userId, token } = await forgetful()
    const other = await harness.link(userId, 'user.password:reset_requested', 'not-me')
    await reset(token)
    const late = await forgetful()
    const before = harness.hashes()
    for (const bad of ['junk', '', other, token]) expect(isDone(await reset(bad))).toBe(false)
    harness.setNow(START + LIMITS.resetTokenMs)
    expect(isDone(await reset(late.token))).toBe(false)
    harness.setNow(START)
    expect(harness.hashes() - before).toBe(0)
  })

  it('a refused password costs no hash either, and leaves the link good', async () => {
    const { token } = await forgetful()
    const before = harness.hashes()
    expect(await reset(token, 'short')).toMatchObject({ kind: 'passwordRefused' })
    expect(harness.hashes() - before).toBe(0)
    expect(isDone(await reset(token))).toBe(true)
  })

  it('a change by another process between check and append ends the link: nothing is overwritten', async () => {
    const { userId, token } = await forgetful()
    harness.store.before.push(async () => {
      expect(isDone(await reset(token, 'nine marble ladders lean', harness.elsewhere))).toBe(true)
    })
    expect(isDone(await reset(token))).toBe(false)
    expect((await harness.types(userId)).filter((type) => type === 'user.password:changed')).toHaveLength(1)
  })

  it('the password that is there is not taken again', async () => {
    const { token } = await forgetful()
    expect(await reset(token, PASSWORD)).toMatchObject({ result: { rejection: { code: 'password-reused' } } })
  })
})

describe('asking for a link', () => {
  const timeOf = async (work: () => Promise<unknown>): Promise<number> => {
    const start = performance.now()
    await work().catch(() => {})
    return performance.now() - start
  }

  it('takes a whole number of steps for a known address, an unknown one and a store that is away', async () => {
    const { email } = await forgetful()
    const slow = async () => void (await new Promise((resolve) => setTimeout(resolve, RESET_STEP_MS / 2)))
    harness.store.before.push(slow)
    const known = timeOf(() => requestPasswordReset(harness.services, email, CONTEXT))
    const unknown = timeOf(() => requestPasswordReset(harness.services, 'nobody@example.com', CONTEXT))
    const away = {
      ...harness.services,
      vault: { ...harness.vault, findUser: () => Promise.reject(new StoreUnavailable('notCommitted')) },
    }
    const failed = timeOf(() => requestPasswordReset(away, email, CONTEXT))
    for (const time of await Promise.all([known, unknown, failed])) {
      expect(time).toBeGreaterThanOrEqual(RESET_STEP_MS)
    }
  })

  it('fails for unknown addresses too where the store is away', async () => {
    const accounts = { ...harness.services.accounts, load: () => Promise.reject(new StoreUnavailable('notCommitted')) }
    const { email } = await forgetful()
    for (const address of [email, 'nobody@example.com']) {
      await expect(requestPasswordReset({ ...harness.services, accounts }, address, CONTEXT)).rejects.toThrow(
        StoreUnavailable,
      )
    }
  })
})
