/**
 * `npm start`: runs src/main.ts, compiled. The first start after a change of the sources compiles them; where that cannot
 * be done, because the folder of the packages is read-only for instance, tsx runs them as they are, which takes more time
 * and memory.
 */
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { compiledFrom, keepInUse } from './start/compiled.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const programOf = async () => {
  try {
    const folder = await compiledFrom(ROOT)
    keepInUse(folder)
    return join(folder, 'src/main.js')
  } catch (error) {
    const [why] = String(error instanceof Error ? error.message : error).split('\n')
    process.stderr.write(`Strongroom runs from uncompiled sources, which is slower: ${why}\n`)
    const { register } = await import('tsx/esm/api')
    register()
    return join(ROOT, 'src/main.ts')
  }
}

const program = await programOf()
// Stack traces name the sources.
process.setSourceMapsEnabled(true)
const { run } = await import(pathToFileURL(program).href)
// Where it has been compiled to says nothing about where it comes from.
await run({ checkout: ROOT })
