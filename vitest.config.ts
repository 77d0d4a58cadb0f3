import { defineConfig } from 'vitest/config'

/** The tests that compare times run alone, after all others. */
const TIMING = 'test/security/timing.test.ts'

// biome-ignore lint/style/noDefaultExport: the form vitest asks for
export default defineConfig({
  test: {
    // Many tests wait for a server or a disk: with the default (one core fewer) a second core would stay idle.
    maxWorkers: '100%',
    teardownTimeout: 20_000,
    // A committed `.only` would silently skip the rest.
    allowOnly: false,
    projects: [
      {
        test: {
          ...shared(),
          name: 'all',
          include: ['test/**/*.test.ts'],
          exclude: [TIMING],
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...shared(), name: 'timing', include: [TIMING], sequence: { groupOrder: 1 } } },
    ],
  },
})

/** Of every project of tests, here and in vitest.eventstoredb.config.ts. */
export function shared() {
  return {
    globalSetup: ['test/support/global-setup.ts'],
    // Forks, because tests change process state that threads share (signal handlers, umask) and kill what they started.
    pool: 'forks' as const,
    // A loaded machine with two cores must not fail a test that only waits for a condition.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    restoreMocks: true,
  }
}
