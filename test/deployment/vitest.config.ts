import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// biome-ignore lint/style/noDefaultExport: the form vitest asks for
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/deployment/*.slow.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    testTimeout: 600_000,
    hookTimeout: 60_000,
  },
})
