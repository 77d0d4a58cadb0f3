/** The frame of a script with several commands: what a command may end with, and the exit code of it. */
import { type Command, CommanderError } from 'commander'
import { EXIT } from './ending.ts'

/** The command was understood and cannot be carried out, or has found what it looked for. The message is for the operator. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly exitCode: number
  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Resolves with the exit code. Throws what the commands throw, Refused aside. */
export const runCommands = async (
  program: Command,
  args: readonly string[],
  complain: (text: string) => void,
): Promise<number> => {
  try {
    await program.parseAsync(args, { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (error instanceof Refused) {
      complain(`${error.message}\n`)
      return error.exitCode
    }
    // It has said what is wrong, or shown its help.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.misuse
    throw error
  }
}
