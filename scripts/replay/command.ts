/** What `npm run replay` understands. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { auditCodes } from '../../src/account/access-events.ts'
import { type Moment, parseMoment } from '../../src/replay/moment.ts'
import { parseUserId } from '../operate/user-id.ts'

export const states = ['sessions', 'two-factor', 'audit'] as const

export interface ReplayOptions {
  readonly from?: Moment
  readonly until?: Moment
  readonly user?: string
  readonly type?: readonly string[]
  readonly out?: string
  readonly state?: (typeof states)[number]
  readonly pii?: true
}

export const replayCommand = (): Command =>
  new Command('replay')
    .description(
      'Replays the history of the installation that the environment names: prints its events, one JSON object a line, or ' +
        'what was true for a user at a moment. Works beside a running server and without one. Changes nothing.',
    )
    .addOption(new Option('--from <moment>', 'not before this position, or this time (RFC 3339)').argParser(momentOf))
    .addOption(
      new Option('--until <moment>', 'not behind this position, or the last event recorded by this time').argParser(
        momentOf,
      ),
    )
    .addOption(new Option('--user <id>', 'only the events of this user').argParser(parseUserId))
    .addOption(new Option('--type <code...>', 'only events of these types').choices(auditCodes))
    .addOption(
      new Option('--out <file>', 'write there instead; the file appears once it is whole, readable by you alone'),
    )
    .addOption(
      new Option('--state <what>', 'print what was true for --user at --until, instead of events')
        .choices(states)
        // The state is the fold of all that had happened: half of a history has none.
        .conflicts(['from', 'type']),
    )
    .option('--pii', 'with addresses, places, user agents and names')
    .addHelpText(
      'after',
      '\nExit codes: 0 done; 1 it failed, run it again; 2 the command or the configuration is wrong; ' +
        '3 there is no such user; 130 interrupted.',
    )
    .exitOverride()

const momentOf = (text: string): Moment => {
  const moment = parseMoment(text)
  if (moment === null) throw new InvalidArgumentError('It is a position, or a time such as 2026-01-31T12:00:00Z.')
  return moment
}
