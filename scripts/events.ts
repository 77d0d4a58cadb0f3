/** `npm run events`: the history as a whole. */
import { Command, CommanderError } from 'commander'
import { readConfig } from '../src/config.ts'
import { openLog } from '../src/platform/log.ts'
import { checkEvents } from './events/check.ts'
import { EXIT, exitCodeFor, interruptions, sentenceFor } from './operate/ending.ts'
import { withHistory } from './operate/history.ts'
import { openProgress } from './operate/progress.ts'

const check = async (): Promise<void> => {
  const signal = interruptions()
  const progress = openProgress(process.stderr)
  try {
    await withHistory(readConfig(), openLog('warn'), async ({ store }) => {
      const reports = await checkEvents(store, signal, (...step) => progress.onProgress('checking', ...step))
      progress.stop()
      for (const report of reports) process.stdout.write(`${JSON.stringify(report)}\n`)
      const [events, unreadable] = [reports.map((each) => each.events), reports.map((each) => each.unreadable)].map(sum)
      process.stdout.write(`${JSON.stringify({ events, unreadable })}\n`)
      if (unreadable !== 0) process.exitCode = EXIT.failed
    })
  } finally {
    progress.stop()
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

const program = new Command('events')
  .description('Looks at the whole history of the installation that the environment names. Changes nothing.')
  .addHelpText(
    'afterAll',
    '\nExit codes: 0 all can be read; 1 some cannot (`unreadable`), or it failed; 2 the command or the configuration is ' +
      'wrong; 130 interrupted.',
  )
  .exitOverride()

program
  .command('check')
  .description(
    'Decodes and upcasts every event, and prints how many there are of each type and version, one JSON object a line, ' +
      'then the sum. Run it with a new version before that goes to work. Works beside a running server and without one.',
  )
  .action(check)

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    // It has said what is wrong, or shown its help.
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.misuse
    return
  }
  process.stderr.write(`${sentenceFor(error)}\n`)
  process.exitCode = exitCodeFor(error)
})
