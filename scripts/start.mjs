/**
 * `npm start`: runs src/main.ts, compiled. The first start after a change of the sources compiles them; where that cannot
 * be done, because the folder of the packages is read-only for instance, tsx runs them as they are, which takes more time
 * and memory.
 */
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { compiledFrom } from './start/compiled.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const programOf = async () => {
  try {
    return join(await compiledFrom(ROOT), 'src/main.js')
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
// It runs where it is what was asked for.
process.argv[1] = program
await import(pathToFileURL(program).href)
