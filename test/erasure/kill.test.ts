/** kill -9 at statement after statement of an erasure: whatever is left is never a half that opens, and is finished. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { until } from '../projector/support.ts'
import { ALL_TRACES, type ErasureHarness, openErasureHarness } from './harness.ts'

const CHILD = fileURLToPath(new URL('run-erasure.ts', import.meta.url))

/** The signal that ended it; null where it got to the end. */
const run = async ({ connection, dataDir }: ErasureHarness, userId: string, killAt: number): Promise<string | null> => {
  const args = ['--import', 'tsx', CHILD, JSON.stringify(connection), dataDir, userId, String(killAt)]
  const child = spawn(process.execPath, args, { stdio: 'ignore' })
  const [code, signal] = await once(child, 'exit')
  expect(signal === 'SIGKILL' || code === 0).toBe(true)
  return signal
}

it('kill -9 anywhere: key, addresses and checkpoint go together, and the next process finishes', {
  timeout: 180_000,
}, async () => {
  const harness = await openErasureHarness()
  try {
    const states = new Set<string>()
    for (let killAt = 1; ; killAt += 4) {
      const userId = await harness.live()
      await harness.erase(userId)
      const signal = await run(harness, userId, killAt)
      const traces = await harness.traces(userId)
      const inVault = traces.filter((place) => ['users', 'addresses', 'activity', 'outbox'].includes(place))
      const filed = await harness.pool.query('select 1 from vault.erasures where user_id = $1', [userId])
      // The transaction was whole or was not; there is no third state.
      expect([inVault, filed.rows.length]).toEqual(
        inVault.length === 0 ? [[], 1] : [['activity', 'addresses', 'outbox', 'users'], 0],
      )
      states.add(traces.join())
      const worker = harness.start()
      await until(() => harness.isDone(userId), Boolean, 30_000)
      expect(await harness.traces(userId)).toEqual([])
      await worker.stop()
      if (signal === null) break
    }
    // Killed before, in between, and at the end.
    expect(states).toContain(ALL_TRACES.join())
    expect(states.size).toBeGreaterThanOrEqual(4)
  } finally {
    await harness.close()
  }
})
