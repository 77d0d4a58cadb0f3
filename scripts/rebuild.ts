/** `npm run rebuild -- NAME`: short for `npm run projections -- rebuild NAME`. */
import { runProjectionsScript } from './projections/run.ts'

await runProjectionsScript(['rebuild', ...process.argv.slice(2)])
