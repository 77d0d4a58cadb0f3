/** Changing profile and preferences: based on the version that was read, or not at all. */
import { accept, type CommandOf, type Decision, reject } from '../commands.ts'
import type { AccountState } from '../state.ts'

export const updateFields = (
  { kind, version, values }: CommandOf<'updateProfile' | 'updatePreferences'>,
  state: AccountState,
): Decision => {
  const current = kind === 'updateProfile' ? state.profile : state.preferences
  if (current.version !== version) return reject({ code: 'version-stale' })
  const fields = Object.keys(values).sort()
  if (fields.length === 0) return accept([])
  const type = kind === 'updateProfile' ? 'user.profile:updated' : 'user.preferences:updated'
  return accept([{ type, data: { fields }, personal: { values } }])
}
