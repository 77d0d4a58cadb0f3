/** `npm run seed`: makes up people and their history. */
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { readConfig } from '../src/config.ts'
import { openEventStore } from '../src/event-store/open.ts'
import { MAILER } from '../src/mailer/mailer.ts'
import { openLog } from '../src/platform/log.ts'
import { registerReactors } from '../src/projector/reactor.ts'
import { loadMasterKey } from '../src/secrets/master-key.ts'
import { openVault } from '../src/secrets/vault.ts'
import { EXIT, exitCodeFor, interruptions, sentenceFor } from './operate/ending.ts'
import { mustHaveMasterKey } from './operate/master-key.ts'
import { openProgress } from './operate/progress.ts'
import { withVaultDatabase } from './operate/vault-database.ts'
import { withoutMail } from './seed/no-mail.ts'
import { AlreadySeeded, seedHistory } from './seed/seed.ts'

const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It has to be a whole number from ${least} to ${most}.`)
  }

const instant = (text: string): number => {
  const at = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw new InvalidArgumentError('It has to be a date, or a time such as 2026-05-01T12:00:00Z.')
  // What has not happened yet would let nobody in: sessions, locks and links of the future.
  if (at > Date.now()) throw new InvalidArgumentError('It has to be in the past.')
  return at
}

interface Options {
  readonly users: number
  readonly events: number
  readonly seed: number
  readonly until?: number
  readonly force?: true
}

const seed = async ({ users, events, seed: number, until = Date.now(), force }: Options): Promise<void> => {
  const config = readConfig()
  if (config.production && force !== true) {
    process.stderr.write(
      'NODE_ENV is production: what is made up here can never be taken out again. --force does it.\n',
    )
    process.exitCode = EXIT.misuse
    return
  }
  mustHaveMasterKey(config)
  const signal = interruptions()
  const log = openLog('warn')
  const { onProgress, stop } = openProgress(process.stderr)
  try {
    await withVaultDatabase(config, log, async (db, { pool, connection }) => {
      const vault = await openVault(db, await loadMasterKey(config))
      const store = await openEventStore({ place: config.eventStoreUrl ?? connection, log })
      try {
        await registerReactors(pool, store, [MAILER])
        const began = performance.now()
        const seeded = await withoutMail(db, store, () =>
          seedHistory(
            { config, db, vault, store, log },
            { seed: number, users, events, until },
            { signal, onProgress: (done) => onProgress('making up', done, events) },
          ),
        )
        stop()
        const seconds = (performance.now() - began) / 1_000
        const speed = { seconds: Number(seconds.toFixed(1)), eventsPerSecond: Math.round(seeded.events / seconds) }
        const { people, ...story } = seeded
        process.stdout.write(`${JSON.stringify({ seed: number, users, ...story, ...speed })}\n`)
        for (const person of people) process.stdout.write(`${JSON.stringify(person)}\n`)
      } finally {
        await store.close()
      }
    })
  } finally {
    stop()
  }
}

const program = new Command('seed')
  .description(
    'Makes up people and what happened to their accounts, up to now: devices, cities, working hours, sign-ins, typing ' +
      'errors, strangers who guess, forgotten passwords, second factors, sessions that ended in every way. Appends the ' +
      'very events that the server would have, sealed alike. The same seed makes the same people do the same things in ' +
      'the same order; ids, keys and salts are new each time. Nobody is mailed. Works beside a running server and without one.',
  )
  .option('--users <number>', 'people', whole(1, 1_000_000), 50)
  .option('--events <number>', 'about how many events; within a few in a hundred', whole(1, 100_000_000), 10_000)
  .option('--seed <number>', 'which story; each has people of its own', whole(0, 2 ** 32 - 1), 1)
  .option('--until <time>', 'when the story ends; now by default', instant)
  .option('--force', 'also where NODE_ENV is production')
  .addHelpText(
    'after',
    '\nPrints what it made as JSON, then ten of the people, one object a line, with the password (and the secret of the ' +
      'second factor, where they have one) to sign in with. Events cannot be taken out again. Interrupted, it leaves ' +
      'the beginning of the story.' +
      '\n\nExit codes: 0 done; 1 it failed; 2 the command or the configuration is wrong, or these people are here ' +
      'already; 130 interrupted.',
  )
  .exitOverride()
  .action(seed)

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    // It has said what is wrong, or shown its help.
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.misuse
    return
  }
  process.stderr.write(`${error instanceof AlreadySeeded ? error.message : sentenceFor(error)}\n`)
  process.exitCode = error instanceof AlreadySeeded ? EXIT.misuse : exitCodeFor(error)
})
