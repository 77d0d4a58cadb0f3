/** Is this password good enough for whom it is to be of? */
import type { Account } from '../accounts/accounts.ts'
import { identityOf } from '../accounts/identity.ts'
import { checkPassword, type PasswordProblem } from '../secrets/password-policy.ts'
import type { Services } from './services.ts'

export const weighPassword = async (
  { vault, passwordPolicy }: Services,
  account: Account,
  password: string,
): Promise<readonly PasswordProblem[]> => {
  const identity = await identityOf(vault, account)
  return checkPassword(passwordPolicy, password, {
    ...(identity === null ? {} : { email: identity.email }),
    ...(identity?.name == null ? {} : { name: identity.name }),
  })
}
