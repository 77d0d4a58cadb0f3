/** Who an account belongs to: its address and name, from the personal box that the state points to. */
import type { AccountState } from '../account/state.ts'
import { openPersonal } from '../secrets/boxes.ts'
import type { Vault } from '../secrets/vault.ts'
import { type Account, streamOf } from './accounts.ts'

export interface Identity {
  readonly email: string
  readonly name: string | null
}

/** null: erased. */
export const identityOf = async (vault: Vault, account: Account): Promise<Identity | null> => {
  const personal = await openPersonalOf(vault, account.userId, account.state.identity)
  return personal?.email === undefined ? null : { email: personal.email, name: personal.name ?? null }
}

/** null: there is no such box, or it was erased. Throws CannotOpen where it was tampered with. */
export const openPersonalOf = async (vault: Vault, userId: string, ref: AccountState['identity']) => {
  if (ref === null || ref.box === null || ref.box === 'erased') return null
  const key = await vault.dataKey(userId)
  if (key === null) return null
  return openPersonal(key, { stream: streamOf(userId), type: ref.type, eventId: ref.eventId }, ref.box)
}
