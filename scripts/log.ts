/** `npm run log`: the tamper-evident log, for operators. */
import { readConfig } from '../src/config.ts'
import { runLogCommand } from './log/command.ts'

process.exitCode = await runLogCommand(process.argv.slice(2), {
  config: readConfig,
  out: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
})
