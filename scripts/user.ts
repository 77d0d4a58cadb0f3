/** `npm run user`: what operators do to accounts from the machine, without an access token: who can read the keys may. */
import { userInfo } from 'node:os'
import { readConfig } from '../src/config.ts'
import { openLog } from '../src/platform/log.ts'
import { exitCodeFor, sentenceFor } from './operate/ending.ts'
import { runUserCommand } from './user/command.ts'
import { withServices } from './user/services.ts'

const run = (): Promise<number> =>
  runUserCommand(process.argv.slice(2), {
    withServices: (work) => withServices(readConfig(), openLog('warn'), work),
    operatorId: `script:${userInfo().username}`,
    out: (text) => void process.stdout.write(text),
    complain: (text) => void process.stderr.write(text),
  })

run().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    process.stderr.write(`${sentenceFor(error)}\n`)
    process.exitCode = exitCodeFor(error)
  },
)
