/** Establishes the facts about passwords that the decider needs, each naming the event it was checked against. */

import type { BoxRef } from '../account/box-ref.ts'
import type { FreshPasswordFact, PasswordFact } from '../account/commands.ts'
import type { Account } from '../accounts/accounts.ts'
import { openCredentialOf } from './open-credential.ts'
import type { Services } from './services.ts'

/** Compares with the current hash, and names the event it is from. An erased account costs the same work. */
export const checkPasswordOf = async (
  services: Services,
  account: Account,
  password: string,
): Promise<{ readonly fact: PasswordFact; readonly hash: string }> => {
  const current = account.state.password
  const credential = current === null ? null : await openCredentialOf(services.vault, account.userId, current)
  const hash = credential?.passwordHash
  const matched = await compare(services, hash, password)
  return {
    fact: {
      kind: matched ? 'passwordMatched' : 'passwordMismatched',
      passwordEventId: current?.eventId ?? null,
    },
    hash: hash ?? '',
  }
}

/**
 * A wrong guess costs the same whether the address is known or not, also where the hash is still one of weaker
 * parameters: the rest of the work is then done for nothing. (A right one pays for its new hash anyway.)
 */
const compare = async ({ hasher }: Services, hash: string | undefined, password: string): Promise<boolean> => {
  if (hash === undefined) return hasher.verifyNothing(password)
  if (await hasher.verify(hash, password)) return true
  return hasher.needsRehash(hash) ? hasher.verifyNothing(password) : false
}

/**
 * Compares a new password with the current one and every former one. Where the current one was given beside it and
 * matched, it needs no hash of its own: the new one equals it exactly when the two texts are equal.
 */
export const compareNewPassword = async (
  services: Services,
  account: Account,
  next: string,
  known: { readonly current: string } | null,
): Promise<FreshPasswordFact> => {
  const { password, formerPasswords } = account.state
  const all = password === null ? formerPasswords : [password, ...formerPasswords]
  const passwordEventIds = all.map(({ eventId }) => eventId)
  if (known !== null && known.current.normalize('NFC') === next.normalize('NFC')) {
    return { kind: 'newPasswordCompared', passwordEventIds, reuses: password?.eventId ?? null }
  }
  const unknown = known === null ? all : formerPasswords
  const matches = await Promise.all(unknown.map((ref) => matchesFormer(services, account, ref, next)))
  const reused = unknown.find((_, index) => matches[index] === true)
  return { kind: 'newPasswordCompared', passwordEventIds, reuses: reused?.eventId ?? null }
}

const matchesFormer = async (services: Services, account: Account, ref: BoxRef, password: string): Promise<boolean> => {
  const hash = (await openCredentialOf(services.vault, account.userId, ref))?.passwordHash
  return hash !== undefined && services.hasher.verify(hash, password)
}
