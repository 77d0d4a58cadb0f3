/** The events, or the state, that somebody asked for; as lines of JSON. */
import { streamOf } from '../../src/accounts/accounts.ts'
import type { EventStore, RecordedEvent } from '../../src/event-store/port.ts'
import { twoFactorView } from '../../src/http/resources/two-factor.ts'
import { auditEventView, sessionView } from '../../src/http/resources/views.ts'
import { accountAsOf, auditEventsAsOf, sessionsAsOf } from '../../src/replay/as-of.ts'
import { type Moment, recordedBy } from '../../src/replay/moment.ts'
import { forAnalysts, type OpenEvent, openEvents } from '../../src/replay/open-for-analysts.ts'
import { lastEventOf, readLog } from '../../src/replay/read-log.ts'
import type { History } from '../operate/history.ts'
import { openLogProgress, tailOf } from '../operate/log-progress.ts'
import type { ReplayOptions } from './command.ts'

/** There never was such a user. */
export class NoSuchUser extends Error {
  override readonly name = 'NoSuchUser'
}

/** `searching`: for the moment that was named. */
export type Phase = 'reading' | 'searching' | 'folding'

export interface Run {
  readonly signal: AbortSignal
  /** Told how many events were looked at, of how many. */
  readonly onProgress: (phase: Phase, events: number, total: number) => void
}

/** Each item is one line. Throws NoSuchUser, the signal's reason, and what store and vault throw. */
export async function* replay(history: History, options: ReplayOptions, run: Run): AsyncGenerator<string> {
  const open = openEvents(history.vault, { personal: options.pii === true })
  const lines =
    options.state === undefined
      ? eventLines(history, open, options, run)
      : stateLines(watched(history.store, run), open, options)
  try {
    for await (const line of lines) {
      run.signal.throwIfAborted()
      yield line
    }
  } catch (error) {
    // A read that hung until then fails for whatever reason.
    run.signal.throwIfAborted()
    throw error
  }
}

const BATCH = 200

async function* eventLines(
  { store }: History,
  open: OpenEvent,
  options: ReplayOptions,
  run: Run,
): AsyncGenerator<string> {
  const { user, from, until } = options
  const events = user === undefined ? await logFrom(store, options, run) : await streamOfUser(store, user, run)
  let batch: RecordedEvent[] = []
  for await (const event of cutAt(events, until)) {
    if (isBefore(event, from) || options.type?.includes(event.type) === false) continue
    batch.push(event)
    if (batch.length < BATCH) continue
    yield* linesOf(open, batch)
    batch = []
  }
  yield* linesOf(open, batch)
}

async function* linesOf(open: OpenEvent, batch: readonly RecordedEvent[]): AsyncGenerator<string> {
  const events = await Promise.all(batch.map((event) => forAnalysts(open, event)))
  yield* events.map((event) => JSON.stringify(event))
}

const logFrom = async (store: EventStore, { from, until }: ReplayOptions, run: Run) => {
  const after = from?.kind === 'position' && from.position > 0n ? from.position - 1n : 'start'
  const tail = await tailOf(store, run.signal)
  const end = until?.kind === 'position' && tail !== 'start' && until.position < tail ? until.position : tail
  const progress = openLogProgress(after, end, (events, total) => run.onProgress('reading', events, total))
  return looking(readLog(store, after, run.signal), run.signal, ({ position }) => progress(position))
}

const streamOfUser = async (store: EventStore, user: string, run: Run) => {
  const stream = streamOf(user)
  const last = thereMustBe(user, await lastEventOf(store, stream))
  return looking(store.read(stream), run.signal, ({ revision }) =>
    run.onProgress('reading', Number(revision) + 1, Number(last.revision) + 1),
  )
}

/** As it is; ends with the signal's reason. */
async function* looking(
  events: AsyncIterable<RecordedEvent>,
  signal: AbortSignal,
  look: (event: RecordedEvent) => void,
): AsyncGenerator<RecordedEvent> {
  for await (const event of events) {
    signal.throwIfAborted()
    look(event)
    yield event
  }
}

/** Reading one stream ends when it is interrupted. What looks at one event alone is too short to be told. */
const watched = (store: EventStore, { signal, onProgress }: Run): Pick<EventStore, 'read'> => ({
  read(stream, options = {}) {
    const phase = options.backwards === true ? 'searching' : 'folding'
    let events = 0
    let total = options.limit
    return looking(store.read(stream, options), signal, ({ revision }) => {
      total ??= Number(revision) + 1
      if (total > 1) onProgress(phase, ++events, total)
    })
  },
})

const isBefore = (event: RecordedEvent, from: Moment | undefined): boolean => {
  if (from === undefined) return false
  return from.kind === 'position' ? event.position < from.position : event.recordedAt.getTime() < from.at
}

async function* cutAt(events: AsyncIterable<RecordedEvent>, until: Moment | undefined): AsyncGenerator<RecordedEvent> {
  if (until?.kind === 'time') {
    yield* recordedBy(events, until.at)
    return
  }
  for await (const event of events) {
    if (until !== undefined && event.position > until.position) return
    yield event
  }
}

async function* stateLines(
  store: Pick<EventStore, 'read'>,
  open: OpenEvent,
  { state, user = '', until = null }: Omit<ReplayOptions, 'until'> & { readonly until?: Moment | null },
): AsyncGenerator<string> {
  switch (state) {
    case 'sessions': {
      const rows = thereMustBe(user, await sessionsAsOf(store, open, user, until))
      for (const row of rows) {
        yield JSON.stringify(sessionView(row, { lastAccessedAt: row.signed_in_at.getTime(), currentId: '' }))
      }
      return
    }
    case 'audit': {
      const rows = thereMustBe(user, await auditEventsAsOf(store, open, user, until))
      for (const row of rows) yield JSON.stringify(auditEventView(row))
      return
    }
    default:
      yield JSON.stringify(twoFactorView(thereMustBe(user, await accountAsOf(store, user, until))))
  }
}

const thereMustBe = <T>(user: string, found: T | null): T => {
  if (found === null) throw new NoSuchUser(user)
  return found
}
