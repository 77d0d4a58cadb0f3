/** Changing fields of the profile or the preferences: only what differs is recorded, on the version it is based on. */
import { isDeepStrictEqual } from 'node:util'
import type { FieldValues, Outcome } from '../account/commands.ts'
import type { Account } from '../accounts/accounts.ts'
import { runBySession, type SessionRequest } from './by-session.ts'
import type { Answer, CommandResult } from './command-bus.ts'
import type { Services } from './services.ts'

export interface FieldsUpdate {
  readonly kind: 'updateProfile' | 'updatePreferences'
  /** The versions the change may be based on. */
  readonly basedOn: 'any' | readonly string[]
  readonly changes: FieldValues
  /** What the fields are at present, defaults included: a change to what is so already is none. */
  readonly present: (account: Account) => Promise<FieldValues>
}

/** Rejected as `version-stale` where somebody else changed something meanwhile. */
export const updateFields = (
  services: Services,
  request: SessionRequest,
  { kind, basedOn, changes, present }: FieldsUpdate,
  answer: (outcome: Outcome) => Answer,
): Promise<CommandResult> =>
  runBySession(
    services,
    request,
    async (account) => {
      const { version } = kind === 'updateProfile' ? account.state.profile : account.state.preferences
      const isPresent = basedOn === 'any' || basedOn.includes(version)
      const before = await present(account)
      const values = Object.fromEntries(
        Object.entries(changes).filter(([field, value]) => !isDeepStrictEqual(before[field] ?? null, value)),
      )
      return { kind, version: isPresent ? version : '', values }
    },
    answer,
  )
