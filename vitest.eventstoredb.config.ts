import { mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** `npm run test:eventstoredb`: what is told over HTTP must hold where the events are in EventStoreDB, too. */
const own = {
  test: {
    env: { STRONGROOM_TEST_STORE: 'eventstoredb' },
    // Instead of the base's: mergeConfig would add to it.
    exclude: [
      'test/!(security|faults)/**',
      'test/*.test.ts',
      'test/faults/!(races|no-projector|eventstoredb-*).test.ts',
    ],
  },
}

// biome-ignore lint/style/noDefaultExport: the form vitest asks for
export default mergeConfig(base, own)
