/** A check of a secret that would sign in: admitted by the account's own failures and lock, password and codes alike. */
import { closedUntil, countedFailures } from '../account/throttle.ts'
import type { Standing } from './admission.ts'
import type { Services } from './services.ts'

export type Guarded<T> =
  | { readonly kind: 'checked'; readonly value: T }
  | { readonly kind: 'throttled'; readonly until: number }

/** Throws Overloaded where too many checks of this account wait. */
export const guardSignIn = async <T>(
  { accounts, admission, limits, now }: Services,
  userId: string,
  check: () => Promise<T>,
): Promise<Guarded<T>> => {
  let until = 0
  const standing = async (): Promise<Standing> => {
    const { state } = await accounts.load(userId)
    until = closedUntil(state, now(), limits)
    return until > 0 ? { kind: 'closed' } : { kind: 'open', failures: countedFailures(state.failures, now(), limits) }
  }
  const value = await admission.run(`user ${userId}`, limits.lockAfterFailures, standing, async () => ({
    checked: await check(),
  }))
  return value === null ? { kind: 'throttled', until } : { kind: 'checked', value: value.checked }
}
