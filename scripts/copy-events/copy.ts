/** Copies a history from one event store into another, and proves that it has arrived. */
import { setTimeout as delay } from 'node:timers/promises'
import {
  type EventStore,
  type NewEvent,
  type NonEmpty,
  type RecordedEvent,
  StoreUnavailable,
  StreamGone,
  WrongExpectedRevision,
} from '../../src/event-store/port.ts'
import { MAX_APPEND_BYTES } from '../../src/event-store/validate.ts'
import { Commitment, differenceOf, historyOf, type Source } from './history.ts'

/** The target is not, and cannot become by appending, a copy of the source. Trying again does not help. */
export class CannotCopy extends Error {
  override readonly name = 'CannotCopy'
}

export type Phase = 'counting' | 'copying' | 'verifying'

/** Told for every event. `total` is what the source had when it was counted. */
export type OnProgress = (phase: Phase, events: number, total: number) => void

export interface Verdict {
  /** Events that both stores have, in the same order. */
  readonly events: number
  /** Of those events, computed from each side by itself, and equal. */
  readonly commitment: string
  /** Events of the source that the target does not have: somebody has written since. None means complete. */
  readonly missing: number
}

export interface CopyOptions {
  readonly from: Source
  readonly to: Pick<EventStore, 'subscribe' | 'append'>
  readonly signal: AbortSignal
  readonly onProgress?: OnProgress
}

/**
 * Brings the target up to the source, then verifies it. The target itself tells how far an earlier run got: what it
 * holds must be the beginning of the source's history, event for event, and only what follows is appended. So it may be
 * interrupted anywhere and run again, and a second run changes nothing.
 * Throws CannotCopy, StoreUnavailable, and the signal's reason; an append under way is then finished.
 */
export const copyHistory = async (options: CopyOptions): Promise<Verdict> => {
  const { from, to, signal, onProgress = () => {} } = options
  const total = await count(from, signal, onProgress)
  // More likely the wrong place than a move of nothing, which would be reported as a success.
  if (total === 0) throw new CannotCopy('the source holds no event')
  let events = 0
  for await (const batch of appendsOf(sideBySide(from, to, signal))) {
    if (batch.kind === 'held') onProgress('copying', ++events, total)
    else {
      await append(to, batch.events, signal)
      events += batch.events.length
      onProgress('copying', events, total)
    }
  }
  return verifyHistory(options)
}

/** Compares the two from the first event on. Throws CannotCopy where they differ, StoreUnavailable, the signal's reason. */
export const verifyHistory = async ({ from, to, signal, onProgress = () => {} }: CopyOptions): Promise<Verdict> => {
  const [source, target] = [new Commitment(), new Commitment()]
  const total = await count(from, signal, onProgress)
  let [events, missing] = [0, 0]
  for await (const { kind, event, copy } of sideBySide(from, to, signal)) {
    if (kind === 'beyond') missing += 1
    else {
      source.add(event)
      target.add(copy)
      onProgress('verifying', ++events, total)
    }
  }
  const commitment = source.digest()
  if (commitment !== target.digest()) throw new CannotCopy('the commitments of the two histories differ')
  return { events, commitment, missing }
}

const count = async (from: Source, signal: AbortSignal, onProgress: OnProgress): Promise<number> => {
  let events = 0
  for await (const _ of historyOf(from, signal)) onProgress('counting', ++events, events)
  return events
}

type Pair =
  | { readonly kind: 'both'; readonly event: RecordedEvent; readonly copy: RecordedEvent }
  /** The target ends before it. */
  | { readonly kind: 'beyond'; readonly event: RecordedEvent; readonly copy?: undefined }

/** Throws CannotCopy at the first event of the target that is not the source's in that place. */
async function* sideBySide(from: Source, to: Source, signal: AbortSignal): AsyncGenerator<Pair> {
  const copies = historyOf(to, signal)
  try {
    let ended = false
    for await (const event of historyOf(from, signal)) {
      const next = ended ? undefined : await copies.next()
      if (next === undefined || next.done === true) {
        ended = true
        yield { kind: 'beyond', event }
        continue
      }
      const copy = next.value
      const field = differenceOf(event, copy)
      if (field !== undefined) {
        throw new CannotCopy(
          `the target holds something else: its event at position ${copy.position} differs in its ${field} from the ` +
            `source's at position ${event.position}`,
        )
      }
      yield { kind: 'both', event, copy }
    }
    const extra = ended ? undefined : await copies.next()
    if (extra !== undefined && extra.done !== true) {
      throw new CannotCopy(
        `the target holds more than the source: its event at position ${extra.value.position} is not in the source`,
      )
    }
  } finally {
    await copies.return(undefined)
  }
}

type Append = { readonly kind: 'held' } | { readonly kind: 'append'; readonly events: NonEmpty<RecordedEvent> }

/** Well below any limit, so that an interruption waits for little. */
const MAX_EVENTS = 500

/** Neighbours of one stream travel together. Appends are made one after another: that alone keeps the global order. */
async function* appendsOf(pairs: AsyncIterable<Pair>): AsyncGenerator<Append> {
  let waiting: RecordedEvent[] = []
  let bytes = 0
  for await (const { kind, event } of pairs) {
    if (kind === 'both') {
      yield { kind: 'held' }
      continue
    }
    const size = sizeOf(event)
    const fits = waiting[0]?.stream === event.stream && waiting.length < MAX_EVENTS && bytes + size <= MAX_APPEND_BYTES
    const [first, ...rest] = waiting
    if (!fits && first !== undefined) {
      yield { kind: 'append', events: [first, ...rest] }
      waiting = []
      bytes = 0
    }
    waiting.push(event)
    bytes += size
  }
  const [first, ...rest] = waiting
  if (first !== undefined) yield { kind: 'append', events: [first, ...rest] }
}

const sizeOf = ({ data, metadata, type }: RecordedEvent): number =>
  Buffer.byteLength(JSON.stringify(data)) + Buffer.byteLength(JSON.stringify(metadata)) + 2 * type.length

const TRIES = 8
const FIRST_RETRY_MS = 100

/** Again with the same ids and revision where the outcome is unknown: that adds nothing twice. */
const append = async (
  to: Pick<EventStore, 'append'>,
  events: NonEmpty<RecordedEvent>,
  signal: AbortSignal,
): Promise<void> => {
  const [{ stream, revision }] = events
  const [first, ...rest] = events
  const copies: NonEmpty<NewEvent> = [copyOf(first), ...rest.map(copyOf)]
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted()
    try {
      await to.append(stream, copies, revision === 0n ? 'none' : revision - 1n)
      return
    } catch (error) {
      if (error instanceof WrongExpectedRevision || error instanceof StreamGone) {
        throw new CannotCopy(
          `${error.message}: somebody else writes into the target, or the source has lost events of that stream`,
          { cause: error },
        )
      }
      if (!(error instanceof StoreUnavailable) || attempt === TRIES) throw error
      await delay(FIRST_RETRY_MS * 2 ** (attempt - 1), undefined, { signal })
    }
  }
}

const copyOf = ({ id, type, data, metadata }: RecordedEvent): NewEvent => ({ id, type, data, metadata })
