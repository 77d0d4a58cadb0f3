/**
 * vue-tsc with the TypeScript of this workspace. On its own it would take the one of the repository, which is the native
 * compiler and has no interface that Vue's templates could be checked through.
 */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
process.argv.push('--project', new URL('../tsconfig.json', import.meta.url).pathname)
require('vue-tsc').run(require.resolve('typescript/lib/tsc'))
