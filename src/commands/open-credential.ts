/** The only place where a credential box is opened, at the moment its content is used. */

import type { BoxRef } from '../account/box-ref.ts'
import type { Credential } from '../account/events.ts'
import { streamOf } from '../accounts/accounts.ts'
import { openCredential } from '../secrets/boxes.ts'
import type { Vault } from '../secrets/vault.ts'

/** null: the box, or the key to it, was erased. Throws CannotOpen where it was tampered with. */
export const openCredentialOf = async (vault: Vault, userId: string, ref: BoxRef): Promise<Credential | null> => {
  if (ref.box === null || ref.box === 'erased') return null
  const key = await vault.dataKey(userId)
  if (key === null) return null
  return openCredential(key, { stream: streamOf(userId), type: ref.type, eventId: ref.eventId }, ref.box)
}
