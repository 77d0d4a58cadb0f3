/** Establishes the facts about passwords that the decider needs, each naming the event it was checked against. */
import type { FreshPasswordFact, PasswordFact } from '../account/commands.ts'
import type { BoxRef } from '../account/state.ts'
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
  const passwordEventId = current?.eventId ?? ''
  return {
    fact: { kind: matched ? 'passwordMatched' : 'passwordMismatched', passwordEventId },
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
 * Compares a new password with every former one. The current one needs no comparison of its own: the password given
 * beside it matched it, so the new one equals it exactly when the two texts are equal.
 */
export const compareNewPassword = async (
  services: Services,
  account: Account,
  passwords: { readonly current: string; readonly next: string },
): Promise<FreshPasswordFact> => {
  const { password, formerPasswords } = account.state
  const passwordEventIds = [password, ...formerPasswords].flatMap((ref) => (ref === null ? [] : [ref.eventId]))
  if (passwords.current.normalize('NFC') === passwords.next.normalize('NFC')) {
    return { kind: 'newPasswordCompared', passwordEventIds, reuses: password?.eventId ?? null }
  }
  const matches = await Promise.all(formerPasswords.map((ref) => matchesFormer(services, account, ref, passwords.next)))
  const reused = formerPasswords.find((_, index) => matches[index] === true)
  return { kind: 'newPasswordCompared', passwordEventIds, reuses: reused?.eventId ?? null }
}

const matchesFormer = async (services: Services, account: Account, ref: BoxRef, password: string): Promise<boolean> => {
  const hash = (await openCredentialOf(services.vault, account.userId, ref))?.passwordHash
  return hash !== undefined && services.hasher.verify(hash, password)
}
