/** The process around the commands on projections. */
import { readConfig } from '../../src/config.ts'
import { openLog } from '../../src/platform/log.ts'
import { exitCodeFor, interruptions, sentenceFor } from '../operate/ending.ts'
import { openProgress } from '../operate/progress.ts'
import { runProjectionsCommand } from './command.ts'
import { withWorkshop } from './workshop.ts'

export const runProjectionsScript = async (args: readonly string[]): Promise<void> => {
  const interrupted = interruptions()
  // Not on standard output: what a command answers must stay readable by a program.
  const { onProgress, stop } = openProgress(process.stderr)
  try {
    process.exitCode = await runProjectionsCommand(args, {
      withWorkshop: (work) => withWorkshop(readConfig(), openLog('fatal'), work),
      out: (text) => {
        stop()
        process.stdout.write(text)
      },
      complain: (text) => {
        stop()
        process.stderr.write(text)
      },
      onProgress,
      interrupted,
    })
  } catch (error) {
    stop()
    process.stderr.write(`${sentenceFor(error)}\n`)
    process.exitCode = exitCodeFor(error)
  } finally {
    stop()
  }
}
