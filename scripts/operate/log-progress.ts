/** How far a reader of the log has got, in events, though only places are known of what is still to come. */
import type { EventStore, Position } from '../../src/event-store/port.ts'
import { unlessAborted } from '../../src/platform/unless-aborted.ts'
import { estimateTotal } from '../../src/projector/estimate.ts'

/** `total` is exact where positions are dense, else an estimate that becomes better. */
export type OnEvents = (events: number, total: number) => void

/** Tell it the position of each event that was read between the two. */
export const openLogProgress = (
  begin: Position | 'start',
  end: Position | 'start',
  onEvents: OnEvents,
): ((position: Position) => void) => {
  const [first, last] = [begin, end].map((place) => (place === 'start' ? 0n : place)) as [Position, Position]
  let events = 0
  return (position) => {
    events += 1
    onEvents(events, estimateTotal(events, { from: first, at: position, to: last }) ?? events)
  }
}

/** Does not wait for the store once it is interrupted. Throws StoreUnavailable and the signal's reason. */
export const tailOf = async (store: Pick<EventStore, 'tail'>, signal: AbortSignal): Promise<Position | 'start'> => {
  const tail = await unlessAborted(store.tail(), signal)
  signal.throwIfAborted()
  return tail ?? 'start'
}
