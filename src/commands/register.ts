/**
 * Registration: the address is claimed in the vault before the account's first event. A claim whose event never came
 * (a crash in between) is adopted by the next who registers that address, under the id that was claimed.
 */
import type { Secret } from '../account/events.ts'
import type { Position } from '../event-store/port.ts'
import { checkPassword, type PasswordProblem } from '../secrets/password-policy.ts'
import type { CommandContext } from './seal-events.ts'
import type { Services } from './services.ts'

export type RegisterResult =
  | { readonly kind: 'registered'; readonly userId: string; readonly position: Position | null }
  | { readonly kind: 'emailTaken' }
  | { readonly kind: 'passwordRefused'; readonly problems: readonly PasswordProblem[] }

export const register = async (
  services: Services,
  input: { readonly email: string; readonly password: string; readonly name: string | null },
  context: Omit<CommandContext, 'actor' | 'sessionId'>,
): Promise<RegisterResult> => {
  const { email, password, name } = input
  const problems = checkPassword(services.passwordPolicy, password, { email, ...(name === null ? {} : { name }) })
  if (problems.length > 0) return { kind: 'passwordRefused', problems }
  const passwordHash = (await services.hasher.hash(password)) as Secret
  const { userId } = await services.vault.claim(services.vault.lookupOf(email))
  const result = await services.bus.run({
    userId,
    context: { ...context, actor: { kind: 'user', id: userId }, sessionId: null },
    establish: () => ({ kind: 'register', email, name, passwordHash }),
  })
  return result.kind === 'accepted' ? { kind: 'registered', userId, position: result.position } : { kind: 'emailTaken' }
}
