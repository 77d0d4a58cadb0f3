/** What commands are carried out with. Made once by the composition root. */
import type { Limits } from '../account/commands.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { Activity } from '../accounts/activity.ts'
import type { PasswordHasher } from '../secrets/password-hashing.ts'
import type { PasswordPolicy } from '../secrets/password-policy.ts'
import type { Vault } from '../secrets/vault.ts'
import type { Admission } from './admission.ts'
import type { CommandBus } from './command-bus.ts'
import type { Throttles } from './throttles.ts'

export interface Services {
  readonly accounts: Accounts
  readonly activity: Activity
  readonly admission: Admission
  readonly bus: CommandBus
  readonly hasher: PasswordHasher
  readonly throttles: Throttles
  readonly vault: Vault
  readonly limits: Limits
  readonly passwordPolicy: PasswordPolicy
  readonly session: { readonly idleMs: number }
  readonly now: () => number
}
