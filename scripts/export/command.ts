/** What `npm run export` understands, without the process around it. */
import { Command, Option } from 'commander'
import { LogContradicted, LogMissing } from '../../src/audit/log-store.ts'
import type { Config } from '../../src/config.ts'
import { DecodeError } from '../../src/event-store/port.ts'
import { redactable } from '../../src/exports/evidence-rows.ts'
import type { Counter } from '../operate/counter.ts'
import { EXIT, exitCodeFor, sentenceFor } from '../operate/ending.ts'
import { runCommands } from '../operate/frame.ts'
import { DirectoryInUse, type ExportOptions, InvalidOption, runExport } from './run.ts'

export interface Surroundings {
  /** Asked only once the command is understood. */
  readonly config: () => Config
  readonly out: (text: string) => void
  readonly complain: (text: string) => void
  readonly openCounter: () => Counter
  readonly interrupted: AbortSignal
}

/** Resolves with the exit code. */
export const runExportCommand = async (args: readonly string[], surroundings: Surroundings): Promise<number> => {
  const { complain } = surroundings
  try {
    return await runCommands(program(surroundings), args, complain)
  } catch (error) {
    const told = [LogContradicted, DecodeError, LogMissing, DirectoryInUse, InvalidOption]
    const known = error instanceof Error && told.some((kind) => error instanceof kind)
    complain(`${known ? error.message : sentenceFor(error)}\n`)
    if (error instanceof LogContradicted || error instanceof DecodeError) return CONTRADICTED
    if (error instanceof LogMissing) return NOTHING
    return known ? EXIT.misuse : exitCodeFor(error)
  }
}

const CONTRADICTED = 3
const NOTHING = 4

const program = ({ config, out, complain, openCounter, interrupted }: Surroundings): Command =>
  new Command('export')
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
    .configureOutput({ writeOut: out, writeErr: complain })
    .exitOverride()
    .action(async (options: ExportOptions) => out(`${await runExport(config(), options, openCounter, interrupted)}\n`))
