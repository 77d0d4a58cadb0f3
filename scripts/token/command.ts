/** What `npm run token` understands, without the process around it. */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { type AccessTokens, isTokenName, type Scope, scopes } from '../../src/secrets/access-tokens.ts'
import { tableOf } from './table.ts'

export const EXIT = { done: 0, failed: 1, misuse: 2, notFound: 3 } as const

export interface Surroundings {
  /** Opens what the tokens are in for as long as the work takes; asked only once the command is understood. */
  readonly withTokens: <T>(work: (tokens: AccessTokens) => Promise<T>) => Promise<T>
  readonly out: (text: string) => void
  readonly complain: (text: string) => void
}

/** Resolves with the exit code. Throws what `withTokens` throws. */
export const runTokenCommand = async (args: readonly string[], surroundings: Surroundings): Promise<number> => {
  try {
    await program(surroundings).parseAsync(args, { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (error instanceof NoSuchToken) {
      surroundings.complain(`${error.message}\n`)
      return EXIT.notFound
    }
    // It has said what is wrong, or shown its help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.misuse
    throw error
  }
}

class NoSuchToken extends Error {}

const program = ({ withTokens, out, complain }: Surroundings): Command => {
  const root = new Command('token')
    .description(
      'Makes, lists and revokes access tokens. Works beside a running server and without one, on the database that ' +
        'the environment names (DATABASE_URL, or DATA_DIR for the embedded one).',
    )
    .addHelpText(
      'afterAll',
      `\nScopes: ${scopes.join(', ')}.` +
        '\nExit codes: 0 done; 1 it failed, run it again; 2 the command or the configuration is wrong; 3 there is no such token.',
    )
    // Before the commands are added: they take both over.
    .configureOutput({ writeOut: out, writeErr: complain })
    .exitOverride()

  root
    .command('create')
    .description('Makes a token and prints it on the last line. It is shown this once: only a hash of it is kept.')
    .requiredOption('--name <name>', 'what the token is for, or who holds it', parseName)
    .addOption(
      new Option('--scope <scope...>', 'what it may do; several in a row').choices(scopes).makeOptionMandatory(),
    )
    .action(async ({ name, scope }: { readonly name: string; readonly scope: readonly Scope[] }) => {
      const { token, record } = await withTokens((tokens) => tokens.create(name, scope))
      out(`Token ${record.id} (${name}) with ${record.scopes.join(', ')}. Keep it safe: it is not shown again.\n`)
      out(`${token}\n`)
    })

  root
    .command('list')
    .description('Lists all tokens, also revoked ones. The tokens themselves are not kept.')
    .action(async () => {
      const records = await withTokens((tokens) => tokens.list())
      for (const line of tableOf(records)) out(`${line}\n`)
    })

  root
    .command('revoke')
    .description('Makes a token useless from now on, on every node. Revoking it again does nothing.')
    .addArgument(new Argument('<id>', 'as `list` shows it').argParser(parseId))
    .action(async (id: string) => {
      if (!(await withTokens((tokens) => tokens.revoke(id)))) throw new NoSuchToken(`there is no token ${id}`)
      out(`Token ${id} is revoked.\n`)
    })

  return root
}

const parseName = (text: string): string => {
  if (isTokenName(text)) return text
  throw new InvalidArgumentError('It is one line of at most 100 characters.')
}

const parseId = (text: string): string => {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase()
  throw new InvalidArgumentError('It is the UUID that `list` shows, not the token itself.')
}
