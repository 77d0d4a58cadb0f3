import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

it('loads the client of EventStoreDB only for those who have one', async () => {
  const tell = `import { createRequire } from 'node:module'
await import('./src/main.ts')
const loaded = Object.keys(createRequire(import.meta.url).cache).flatMap((path) => /node_modules.(@?[^/]+.[^/]+)/.exec(path)?.[1] ?? [])
console.log(JSON.stringify([...new Set(loaded)]))`
  const args = ['--import', 'tsx', '--input-type=module', '--eval', tell]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT })
  const packages: unknown = JSON.parse(stdout)
  expect(packages).toContainEqual(expect.stringMatching(/^pg.lib$/))
  expect(packages).not.toContainEqual(expect.stringMatching(/^@eventstore|^@grpc/))
}, 60_000)
