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
