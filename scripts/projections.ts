/** `npm run projections`: the read models, for operators. */
import { runProjectionsScript } from './projections/run.ts'

await runProjectionsScript(process.argv.slice(2))
