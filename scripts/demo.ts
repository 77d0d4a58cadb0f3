/** `npm run demo`: a story played over real HTTP, with the sessions and the audit log after each chapter. */
import { program } from 'commander'
import { InvalidConfiguration, readConfig } from '../src/config.ts'
import { DemoFailed, Interrupted } from './demo/failure.ts'
import { findServer } from './demo/server.ts'
import { tellStory } from './demo/story.ts'

const EXIT_FAILED = 1
const EXIT_INTERRUPTED = 130

program
  .description(
    'Registers a fresh account, signs in on three devices, guesses, changes the password and revokes sessions, and ' +
      'prints sessions and audit log after each chapter.\n\n' +
      'Uses the server that answers at --url, or else at PUBLIC_URL or at http://localhost:PORT. Where none answers it ' +
      'starts one on a free port with the settings of the environment (so on the same DATA_DIR), and stops it at the end.',
  )
  .option('--url <url>', 'the server to talk to; it has to run and to have registration open')
  .addHelpText(
    'after',
    '\nExit codes: 0 the story went as it should, 1 it did not or there is no server, 130 interrupted.',
  )
  .parse()

const run = async (): Promise<void> => {
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort(new Interrupted())
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  const { url } = program.opts<{ url?: string }>()
  const server = await findServer({ url, config: readConfig(process.env), signal: interrupted.signal })
  try {
    print(server.started ? 'No server answers, so the demo has started one.' : `Talking to ${server.url}.`)
    await tellStory({ url: server.url, print, signal: interrupted.signal })
  } finally {
    await server.release()
  }
}

const print = (text: string): void => void process.stdout.write(`${text}\n`)

run().catch((error: unknown) => {
  const told = [DemoFailed, Interrupted, InvalidConfiguration].some((kind) => error instanceof kind)
  process.stderr.write(`${told ? (error as Error).message : ((error as Error).stack ?? error)}\n`)
  process.exitCode = error instanceof Interrupted ? EXIT_INTERRUPTED : EXIT_FAILED
})
