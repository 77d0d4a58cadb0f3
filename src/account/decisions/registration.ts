import { accept, type CommandOf, type Decision, reject } from '../commands.ts'
import type { AccountState } from '../state.ts'

export const register = (command: CommandOf<'register'>, state: AccountState): Decision =>
  state.status === 'none'
    ? accept([
        {
          type: 'user:registered',
          data: {},
          personal: { email: command.email, name: command.name },
          credential: { passwordHash: command.passwordHash },
        },
      ])
    : reject({ code: 'email-taken' })
