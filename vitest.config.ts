import { defineConfig } from 'vitest/config'

// biome-ignore lint/style/noDefaultExport: the form vitest asks for
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Forks, because tests change process state that threads share (signal handlers, umask) and kill what they started.
    pool: 'forks',
    // A loaded machine with two cores must not fail a test that only waits for a condition.
    testTimeout: 20_000,
    hookTimeout: 30_000,
    teardownTimeout: 20_000,
    restoreMocks: true,
    // A committed `.only` would silently skip the rest.
    allowOnly: false,
  },
})
