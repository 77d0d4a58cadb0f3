/** `npm run export`: an evidence bundle, for auditors. */
import { readConfig } from '../src/config.ts'
import { runExportCommand } from './export/command.ts'
import { openCounter } from './operate/counter.ts'
import { interruptions } from './operate/ending.ts'

process.exitCode = await runExportCommand(process.argv.slice(2), {
  config: readConfig,
  out: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
  openCounter: () => openCounter(process.stderr),
  interrupted: interruptions(),
})
