/** The events, or the state, that somebody asked for; as lines of JSON. */
import { streamOf } from '../../src/accounts/accounts.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { twoFactorView } from '../../src/http/resources/two-factor.ts'
import { auditEventView, sessionView } from '../../src/http/resources/views.ts'
import { accountAsOf, auditEventsAsOf, sessionsAsOf } from '../../src/replay/as-of.ts'
import { type Moment, recordedBy } from '../../src/replay/moment.ts'
import { forAnalysts, type OpenEvent, openEvents } from '../../src/replay/open-for-analysts.ts'
import { lastEventOf, readLog } from '../../src/replay/read-log.ts'
import type { History } from '../operate/history.ts'
import type { ReplayOptions } from './command.ts'

/** There never was such a user. */
export class NoSuchUser extends Error {
  override readonly name = 'NoSuchUser'
}

export interface Run {
  readonly signal: AbortSignal
  /** Told how many events were looked at. */
  readonly onProgress: (events: number) => void
}

/** Each item is one line. Throws NoSuchUser, the signal's reason, and what store and vault throw. */
export async function* replay(history: History, options: ReplayOptions, run: Run): AsyncGenerator<string> {
  const open = openEvents(history.vault, { personal: options.pii === true })
  if (options.state !== undefined) yield* stateLines(history, open, options)
  else yield* eventLines(history, open, options, run)
}

const BATCH = 200

async function* eventLines(
  { store }: History,
  open: OpenEvent,
  options: ReplayOptions,
  run: Run,
): AsyncGenerator<string> {
  const { user, from, until } = options
  if (user !== undefined && (await lastEventOf(store, streamOf(user))) === null) throw new NoSuchUser(user)
  const after = from?.kind === 'position' && from.position > 0n ? from.position - 1n : 'start'
  const all = user === undefined ? readLog(store, after, run.signal) : store.read(streamOf(user))
  let batch: RecordedEvent[] = []
  for await (const event of cutAt(counted(all, run), until)) {
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

async function* counted(events: AsyncIterable<RecordedEvent>, run: Run): AsyncGenerator<RecordedEvent> {
  let count = 0
  for await (const event of events) {
    run.signal.throwIfAborted()
    run.onProgress(++count)
    yield event
  }
}

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
  { store }: History,
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
