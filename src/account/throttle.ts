/**
 * When does a row of failed sign-ins close the door? One rule for accounts and for addresses that belong to none, so
 * that the two cannot be told apart by when they lock.
 */
import type { Limits } from './commands.ts'

export interface Failures {
  readonly count: number
  readonly lastAt: number
}

/** Failures that still count: a pause longer than the lock itself starts a new row. */
export const countedFailures = (failures: Failures, now: number, { lockMs }: Pick<Limits, 'lockMs'>): number =>
  now - failures.lastAt > lockMs ? 0 : failures.count

/** Until when nobody may sign in to this account, in milliseconds since 1970; 0: it is open. */
export const closedUntil = (
  state: { readonly lockedUntil: number; readonly compromised: boolean },
  now: number,
  { lockMs }: Pick<Limits, 'lockMs'>,
): number => {
  // Open only to who completes a reset, so there is no time to tell: that of a lock tells the intruder nothing.
  if (state.compromised) return Math.max(state.lockedUntil, now + lockMs)
  return state.lockedUntil > now ? state.lockedUntil : 0
}
