import { expect, it } from 'vitest'
import { someEmail, startServer } from '../support/server.ts'
import { inTurn, signUp } from './support.ts'

// In a file of its own, which runs when all others have ended (vitest.config.ts): what is compared is time.
it('L02 unknown address and wrong password take the same median time within 15 %', async () => {
  const slow = await startServer({
    env: { ROLES: 'api', SCRYPT_LOG_N: '15', SCRYPT_P: '1', LOCK_AFTER_FAILURES: '1000' },
  })
  try {
    const { email } = await signUp(slow)
    const nobody = someEmail()
    const times = { known: [] as number[], unknown: [] as number[] }
    const measure = async (kind: keyof typeof times, index: number) => {
      const start = performance.now()
      expect(
        (await slow.browser().logIn(kind === 'known' ? email : nobody, `wrong guess number ${index}`)).status,
      ).toBe(401)
      times[kind].push(performance.now() - start)
    }
    await inTurn(53, async (index) => {
      // Taking turns in going first, so that whatever else the machine does falls on both.
      const order = index % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)
      for (const kind of order) await measure(kind, index)
    })
    // The first three warm up code and connections.
    const [known, unknown] = [median(times.known.slice(3)), median(times.unknown.slice(3))]
    expect(Math.abs(known - unknown) / Math.min(known, unknown)).toBeLessThan(0.15)
  } finally {
    await slow.stop()
  }
}, 120_000)

it('R06 asking for a reset takes the same median time for a known and an unknown address within 15 %', async () => {
  const server = await startServer({ env: { ROLES: 'api', RESET_MAILS_PER_HOUR: '100' } })
  try {
    const { email } = await signUp(server)
    const nobody = someEmail()
    const times = { known: [] as number[], unknown: [] as number[] }
    const measure = async (kind: keyof typeof times) => {
      const start = performance.now()
      const json = { email: kind === 'known' ? email : nobody }
      expect((await server.browser().post('/v1/auth/password-resets', json)).status).toBe(202)
      times[kind].push(performance.now() - start)
    }
    await inTurn(13, async (index) => {
      const order = index % 2 === 0 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)
      for (const kind of order) await measure(kind)
    })
    const [known, unknown] = [median(times.known.slice(2)), median(times.unknown.slice(2))]
    expect(Math.abs(known - unknown) / Math.min(known, unknown)).toBeLessThan(0.15)
  } finally {
    await server.stop()
  }
}, 120_000)

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
