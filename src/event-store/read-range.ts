import type { ReadOptions } from './port.ts'
import { MAX_REVISION } from './validate.ts'

export interface ReadRange {
  readonly from: bigint
  readonly backwards: boolean
  readonly limit: number
}

/** The options of a read with their defaults, within what a store can count. Throws RangeError for a limit that is no count. */
export function readRange({ from, backwards = false, limit = Number.POSITIVE_INFINITY }: ReadOptions = {}): ReadRange {
  if (limit < 0 || !(Number.isInteger(limit) || limit === Number.POSITIVE_INFINITY)) {
    throw new RangeError(`a read cannot be limited to ${limit} events`)
  }
  return { from: clamp(from ?? (backwards ? MAX_REVISION : 0n), backwards), backwards, limit }
}

/** Backwards from before the first there is nothing (-1); forwards, everything. */
function clamp(from: bigint, backwards: boolean): bigint {
  if (from < 0n) return backwards ? -1n : 0n
  return from > MAX_REVISION ? MAX_REVISION : from
}
