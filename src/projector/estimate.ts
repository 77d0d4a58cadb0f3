import type { Position } from '../event-store/port.ts'

/**
 * How many events there will be when `to` is reached, `events` of which were met between `from` and `at`; null: nothing
 * tells yet. Positions of EventStoreDB are not counted in events: what share of the way is done tells.
 */
export function estimateTotal(
  events: number,
  { from, at, to }: { readonly from: Position; readonly at: Position; readonly to: Position },
): number | null {
  if (at >= to) return events
  const share = Number(at - from) / Number(to - from)
  return share > 0 ? Math.max(events, Math.round(events / share)) : null
}
