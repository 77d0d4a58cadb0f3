/** Can all of the history be read? Decoded, upcast and validated, event by event, and counted by type and version. */
import { isAccessStream, readAccessEvent } from '../../src/account/access-events.ts'
import { readAccountEvent, UnreadableEvent } from '../../src/account/upcast.ts'
import { userOf } from '../../src/accounts/accounts.ts'
import { DecodeError, type EventStore, type Position, type RecordedEvent } from '../../src/event-store/port.ts'
import { readLog } from '../../src/replay/read-log.ts'
import { type OnEvents, openLogProgress, tailOf } from '../operate/log-progress.ts'

export interface TypeReport {
  readonly type: string
  /** As written; null where that cannot be told. */
  readonly version: number | null
  readonly events: number
  readonly unreadable: number
  /** Of the first that cannot be read. Values are not told: they may be personal. */
  readonly first: { readonly position: string; readonly reason: string } | null
}

/** Sorted by type and version. Throws StoreUnavailable and the signal's reason. */
export const checkEvents = async (
  store: Pick<EventStore, 'subscribe' | 'tail'>,
  signal: AbortSignal,
  onEvents: OnEvents = () => {},
): Promise<readonly TypeReport[]> => {
  const reports = new Map<string, TypeReport>()
  const progress = openLogProgress('start', await tailOf(store, signal), onEvents)
  const note = (position: Position, type: string, version: number | null, bad: TypeReport['first']): void => {
    const key = JSON.stringify([type, version])
    const { events, unreadable, first } = reports.get(key) ?? { events: 0, unreadable: 0, first: null }
    reports.set(key, {
      ...{ type, version, events: events + 1 },
      unreadable: unreadable + (bad === null ? 0 : 1),
      first: first ?? bad,
    })
    progress(position)
  }
  let after: Position | 'start' | null = 'start'
  while (after !== null) {
    const undecodable: DecodeError | null = await readOn(store, after, signal, (event) =>
      note(event.position, event.type, versionOf(event), problemOf(event)),
    )
    after = undecodable?.position ?? null
    if (undecodable !== null) {
      const { position, type } = undecodable
      note(position, type, null, { position: String(position), reason: 'not-json' })
    }
  }
  return [...reports.values()].sort((a, b) => a.type.localeCompare(b.type) || (a.version ?? 0) - (b.version ?? 0))
}

/** null: the end was reached; else what stands in the way. */
const readOn = async (
  store: Pick<EventStore, 'subscribe'>,
  after: Position | 'start',
  signal: AbortSignal,
  look: (event: RecordedEvent) => void,
): Promise<DecodeError | null> => {
  try {
    for await (const event of readLog(store, after, signal)) look(event)
    return null
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

/** Of our streams; what lies in others has no schema of ours. */
const problemOf = (event: RecordedEvent): TypeReport['first'] => {
  try {
    if (isAccessStream(event.stream)) readAccessEvent(event)
    else if (userOf(event.stream) !== null) readAccountEvent(event)
    return null
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error
    return { position: String(event.position), reason: error.reason }
  }
}

const versionOf = ({ metadata: { schemaVersion } }: RecordedEvent): number | null =>
  typeof schemaVersion === 'number' ? schemaVersion : null
