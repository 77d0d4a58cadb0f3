/** `npm run replay`: the history again, or what was true at a moment of it. */
import { CommanderError } from 'commander'
import { readConfig } from '../src/config.ts'
import { openLog } from '../src/platform/log.ts'
import { EXIT, exitCodeFor, interruptions, sentenceFor } from './operate/ending.ts'
import { withHistory } from './operate/history.ts'
import { openProgress } from './operate/progress.ts'
import { type ReplayOptions, replayCommand } from './replay/command.ts'
import { writeFileOfLines, writeLines } from './replay/output.ts'
import { NoSuchUser, replay } from './replay/replay.ts'

const run = async (): Promise<void> => {
  const command = replayCommand().parse()
  const options = command.opts<ReplayOptions>()
  if (options.state !== undefined && options.user === undefined) command.error('--state needs --user')
  const signal = interruptions()
  // What goes to a terminal as lines is progress enough.
  const progress = process.stdout.isTTY && options.out === undefined ? undefined : openProgress(process.stderr)
  try {
    await withHistory(readConfig(), openLog('warn'), async (history) => {
      const lines = replay(history, options, { signal, onProgress: (...step) => progress?.onProgress(...step) })
      await (options.out === undefined ? writeLines(lines, process.stdout) : writeFileOfLines(lines, options.out))
    })
  } finally {
    progress?.stop()
  }
}

run().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    // It has said what is wrong, or shown its help.
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.misuse
    return
  }
  const noSuch = error instanceof NoSuchUser
  process.stderr.write(`${noSuch ? `there is no user ${error.message}` : sentenceFor(error)}\n`)
  process.exitCode = noSuch ? EXIT.notFound : exitCodeFor(error)
})
