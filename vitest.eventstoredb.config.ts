import { defineConfig } from 'vitest/config'
import { shared } from './vitest.config.ts'

/** `npm run test:eventstoredb`: what is told over HTTP must hold where the events are in EventStoreDB, too. */
// biome-ignore lint/style/noDefaultExport: the form vitest asks for
export default defineConfig({
  test: {
    ...shared(),
    maxWorkers: '100%',
    teardownTimeout: 20_000,
    allowOnly: false,
    env: { STRONGROOM_TEST_STORE: 'eventstoredb' },
    include: [
      'test/security/*.test.ts',
      'test/scripts/{export,log,replay}.test.ts',
      'test/faults/{races,no-projector,kill,several,eventstoredb-*}.test.ts',
    ],
    // Compares times, which the store has no part in.
    exclude: ['test/security/timing.test.ts'],
  },
})
