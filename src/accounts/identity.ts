/** Who an account belongs to, and what it holds of them: opened from the personal boxes that the state points to. */

import type { BoxRef } from '../account/box-ref.ts'
import type { Personal } from '../account/events.ts'
import type { Fields } from '../account/state.ts'
import { openPersonal } from '../secrets/boxes.ts'
import type { Vault } from '../secrets/vault.ts'
import { type Account, streamOf } from './accounts.ts'

export interface Identity {
  readonly email: string
  readonly name: string | null
}

/** null: erased. */
export const identityOf = async (vault: Vault, account: Account): Promise<Identity | null> => {
  const { email: address, registration, profile } = account.state
  const opened = await openPersonalOf(vault, account.userId, address)
  if (opened?.email === undefined) return null
  const changed = profile.values.name
  if (changed !== undefined) {
    const name = (await openPersonalOf(vault, account.userId, changed))?.values?.name
    return { email: opened.email, name: typeof name === 'string' ? name : null }
  }
  const registered =
    registration?.eventId === address?.eventId ? opened : await openPersonalOf(vault, account.userId, registration)
  return { email: opened.email, name: registered?.name ?? null }
}

/** The values that were set, by field; all of them gone where the person was erased. */
export const openFields = async (
  vault: Vault,
  userId: string,
  { values }: Fields,
): Promise<NonNullable<Personal['values']>> => {
  const refs = new Map(Object.values(values).map((ref) => [ref.eventId, ref]))
  const opened = new Map(
    await Promise.all([...refs].map(async ([id, ref]) => [id, await openPersonalOf(vault, userId, ref)] as const)),
  )
  return Object.fromEntries(
    Object.entries(values).flatMap(([field, { eventId }]) => {
      const value = opened.get(eventId)?.values?.[field]
      return value === undefined ? [] : [[field, value]]
    }),
  )
}

/** null: there is no such box, or it was erased. Throws CannotOpen where it was tampered with. */
export const openPersonalOf = async (vault: Vault, userId: string, ref: BoxRef | null): Promise<Personal | null> => {
  if (ref === null || ref.box === null || ref.box === 'erased') return null
  const key = await vault.dataKey(userId)
  if (key === null) return null
  return openPersonal(key, { stream: streamOf(userId), type: ref.type, eventId: ref.eventId }, ref.box)
}
