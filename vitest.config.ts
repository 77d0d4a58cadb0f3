import { defineConfig } from 'vitest/config'

// biome-ignore lint/style/noDefaultExport: the form vitest asks for
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Forks, because tests change process state that threads share (signal handlers, umask) and kill what they started.
    pool: 'forks',
    // Many tests wait for a server or a disk: with the default (one core fewer) a second core would stay idle.
    maxWorkers: '100%',
    // A loaded machine with two cores must not fail a test that only waits for a condition.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    restoreMocks: true,
    // A committed `.only` would silently skip the rest.
    allowOnly: false,
  },
})
