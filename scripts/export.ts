/** `npm run export`: an evidence bundle, for auditors. */
import { Command, CommanderError, Option } from 'commander'
import { LogContradicted, LogMissing } from '../src/audit/log-store.ts'
import { readConfig } from '../src/config.ts'
import { redactable } from '../src/exports/evidence-rows.ts'
import { DirectoryInUse, type ExportOptions, InvalidOption, runExport } from './export/run.ts'
import { EXIT, exitCodeFor, interruptions, sentenceFor } from './operate/ending.ts'

const program = new Command('export')
  .description(
    'Writes an evidence bundle: events, the hashes that prove them to be in the signed log, and a signed manifest. ' +
      'Check it with: npm run verify -- DIR. Works beside a running server and without one. The export is recorded.',
  )
  .requiredOption('--out <dir>', 'a folder that does not exist yet, or is empty')
  .addOption(
    new Option('--format <format>', 'csv: a table beside the rows').choices(['ndjson', 'csv']).default('ndjson'),
  )
  .option('--from <time>', 'not before this time (RFC 3339)')
  .option('--to <time>', 'before this time')
  .option('--user <id>', 'events of this user')
  .option('--code <code...>', 'events of these codes; then completeness is asserted, not proven')
  .addOption(
    new Option('--redact <field...>', 'rows that have such a field are written without personal data').choices(
      redactable,
    ),
  )
  .option('--checkpoint <file>', 'an older checkpoint that the bundle has to be shown consistent with')
  .addHelpText(
    'after',
    '\nExit codes: 0 done; 1 it failed, run it again; 2 the command or the configuration is wrong; 3 the events are not ' +
      'what the log says: run npm run log -- reconcile; 4 nothing has been signed yet; 130 interrupted.',
  )
  .exitOverride()
  .action((options: ExportOptions) => runExport(readConfig(), options, interruptions()))

const CONTRADICTED = 3
const NOTHING = 4

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.misuse
    return
  }
  const told = [LogContradicted, LogMissing, DirectoryInUse, InvalidOption]
  const known = error instanceof Error && told.some((kind) => error instanceof kind)
  process.stderr.write(`${known ? error.message : sentenceFor(error)}\n`)
  if (error instanceof LogContradicted) process.exitCode = CONTRADICTED
  else if (error instanceof LogMissing) process.exitCode = NOTHING
  else process.exitCode = known ? EXIT.misuse : exitCodeFor(error)
})
