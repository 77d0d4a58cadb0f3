/** What `npm run user` understands, without the process around it. */
import { randomUUID } from 'node:crypto'
import { Argument, Command, InvalidArgumentError } from 'commander'
import { emailSchema } from '../../src/accounts/email.ts'
import type { OperatorRequest } from '../../src/commands/by-operator.ts'
import type { CommandResult } from '../../src/commands/command-bus.ts'
import { erase, setLegalHold } from '../../src/commands/erase.ts'
import { createUser, type Operation, operate } from '../../src/commands/operate.ts'
import { nameSchema } from '../../src/http/resources/schemas.ts'
import { formatTable } from '../demo/table.ts'
import { EXIT as COMMON } from '../operate/ending.ts'
import { Refused, runCommands } from '../operate/frame.ts'
import type { OperatorServices } from './services.ts'
import { findErased, findUser, type ListedUser, listErasures, listUsers } from './users.ts'

const EXIT = { ...COMMON, refused: 4 } as const

export interface Surroundings {
  /** Opens the installation for as long as the work takes; asked only once the command is understood. */
  readonly withServices: (work: (services: OperatorServices) => Promise<void>) => Promise<void>
  /** By whom it is done, for the audit log. */
  readonly operatorId: string
  readonly out: (text: string) => void
  readonly complain: (text: string) => void
}

/** Resolves with the exit code. Throws what `withServices` throws. */
export const runUserCommand = (args: readonly string[], surroundings: Surroundings): Promise<number> =>
  runCommands(program(surroundings), args, surroundings.complain)

const program = ({ withServices, operatorId, out, complain }: Surroundings): Command => {
  const root = new Command('user')
    .description(
      'Makes accounts, lists them and helps their owners. Works beside a running server and without one, on the ' +
        'installation that the environment names; give it the same settings as the server has.',
    )
    .option('--json', 'print JSON, one line for each user')
    .addHelpText(
      'afterAll',
      '\nA user is named by id or by e-mail address. What is done stands in the audit log of that user, as done by' +
        '\nscript:<your name on this machine>. Mails leave as soon as a server runs.' +
        '\nExit codes: 0 done; 1 it failed, run it again; 2 the command or the configuration is wrong; 3 there is no' +
        '\nsuch user; 4 it cannot be done to this user.',
    )
    // Before the commands are added: they take both over.
    .configureOutput({ writeOut: out, writeErr: complain })
    .exitOverride()

  const wantsJson = (): boolean => root.opts().json === true
  const tell = (text: string, json: object): void => out(`${wantsJson() ? JSON.stringify(json) : text}\n`)

  const change = (user: string, operation: Operation, done: (id: string, result: CommandResult) => void) =>
    withServices(async (services) => {
      const id = await findUser(services, user)
      if (id === null) throw new Refused(`there is no user ${user}`, EXIT.notFound)
      const result = await operate(services, requestOf(operatorId), operation, id, noAnswer)
      if (result.kind === 'rejected') throw refusalOf(result.rejection.code, user)
      done(id, result)
    })

  root
    .command('create')
    .description('Makes an account without a password, and mails its owner a link to set one.')
    .addArgument(new Argument('<email>').argParser(parseEmail))
    .option('--name <name>', 'of the owner', parseName)
    .action((email: string, { name = null }: { readonly name?: string | null }) =>
      withServices(async (services) => {
        const { userId: id, result } = await createUser(services, requestOf(operatorId), { email, name }, noAnswer)
        if (result.kind === 'rejected') throw refusalOf(result.rejection.code, email)
        tell(`User ${id} is made; ${email} gets a mail to set a password.`, { id, email, name })
      }),
    )

  root
    .command('unlock')
    .description('Lets a user sign in again who was locked out by wrong guesses or by a report "this was not me".')
    .argument('<user>')
    .action((user: string) => change(user, 'unlock', (id) => tell(`User ${id} may sign in.`, { id })))

  root
    .command('revoke-sessions')
    .description('Ends all sessions of a user, at once and on every node.')
    .argument('<user>')
    .action((user: string) =>
      change(user, 'revokeAllSessions', (id, result) => {
        const revoked = result.kind === 'accepted' && result.outcome.kind === 'revoked' ? result.outcome.count : 0
        tell(`Ended ${revoked === 1 ? '1 session' : `${revoked} sessions`} of user ${id}.`, { id, revoked })
      }),
    )

  root
    .command('disable-2fa')
    .description('Turns off the second factor of a user who lost it, ends all sessions, and mails the owner.')
    .argument('<user>')
    .action((user: string) =>
      change(user, 'disableTwoFactorOf', (id) => tell(`The second factor of user ${id} is off.`, { id })),
    )

  root
    .command('erase')
    .description(
      'Erases a user for ever: ends all sessions at once, and everything that is held of the person goes, within moments ' +
        'where a server runs, else when one starts. Of who was erased before nothing is left to be done.',
    )
    .argument('<user>')
    .action((user: string) =>
      withServices(async (services) => {
        const id = (await findUser(services, user)) ?? (await findErased(services, user))
        if (id === null) throw new Refused(`there is no user ${user}`, EXIT.notFound)
        const result = await erase(services, requestOf(operatorId), id, noAnswer)
        if (result.kind === 'rejected') throw refusalOf(result.rejection.code, user)
        const isNew = result.kind === 'accepted' && result.appended
        tell(isNew ? `User ${id} is erased.` : `User ${id} was erased before.`, { id, erased: true })
      }),
    )

  const hold = (user: string, legalHold: boolean) =>
    withServices(async (services) => {
      const id = await findUser(services, user)
      const isSet = id !== null && (await setLegalHold(services, id, legalHold))
      if (!isSet) throw new Refused(`there is no user ${user}`, EXIT.notFound)
      tell(legalHold ? `User ${id} is under legal hold.` : `User ${id} is under no legal hold.`, { id, legalHold })
    })

  root
    .command('hold')
    .description('Puts a user under legal hold: erasing is refused until it is lifted. The user is not told.')
    .argument('<user>')
    .action((user: string) => hold(user, true))

  root
    .command('release')
    .description('Lifts the legal hold on a user.')
    .argument('<user>')
    .action((user: string) => hold(user, false))

  root
    .command('erasures')
    .description(
      'Lists who was erased, by id, and since when it is complete. Keep the list apart from the backups: after a restore ' +
        'of everything to an earlier moment it tells whom to erase again.',
    )
    .action(() =>
      withServices(async (services) => {
        for await (const { id, erasedAt, completeAt } of listErasures(services)) {
          tell(`${id} ${erasedAt} ${completeAt ?? 'under way'}`, { id, erasedAt, completeAt })
        }
      }),
    )

  root
    .command('list')
    .description('Lists all users.')
    .action(() =>
      withServices(async (services) => {
        const rows: (readonly string[])[] = []
        for await (const user of listUsers(services)) {
          if (wantsJson()) out(`${JSON.stringify(user)}\n`)
          else rows.push(rowOf(user))
        }
        if (!wantsJson()) out(`${formatTable(HEAD, rows)}\n`)
      }),
    )

  return root
}

const HEAD = ['id', 'e-mail', 'status', '2FA', 'sessions', 'last sign-in']

const rowOf = ({ id, email, status, legalHold, twoFactor, sessions, lastSignIn }: ListedUser): readonly string[] => [
  id,
  email ?? '-',
  legalHold ? `${status}, held` : status,
  twoFactor ? 'on' : 'off',
  String(sessions),
  lastSignIn ?? 'never',
]

const requestOf = (operatorId: string): OperatorRequest => ({
  operatorId,
  context: { correlationId: randomUUID(), client: null },
})

/** What is answered matters only where an Idempotency-Key may ask for it again. */
const noAnswer = () => ({ status: 204, body: null, secret: false })

const refusalOf = (code: string, user: string): Refused => {
  switch (code) {
    case 'account-not-found':
      return new Refused(`there is no user ${user}`, EXIT.notFound)
    case 'email-taken':
      return new Refused(`${user} has an account already`, EXIT.refused)
    case 'two-factor-not-enabled':
      return new Refused(`the second factor of ${user} is off already`, EXIT.refused)
    case 'legal-hold':
      return new Refused(`${user} is under legal hold: release it first`, EXIT.refused)
    default:
      return new Refused(`it was refused: ${code}`, EXIT.refused)
  }
}

const parseEmail = (text: string): string => {
  const { data } = emailSchema.safeParse(text)
  if (data !== undefined) return data
  throw new InvalidArgumentError('It is no e-mail address in ASCII.')
}

const parseName = (text: string): string => {
  const { data } = nameSchema.safeParse(text)
  if (data !== undefined) return data
  throw new InvalidArgumentError('It is one line of at most 200 characters.')
}
