import { EventEmitter } from 'node:events'

export interface LoggedEvent {
  readonly id: string
  readonly type: string
  readonly contentType: string
  readonly data: Uint8Array
  readonly metadata: Uint8Array
  readonly stream: string
  readonly revision: bigint
  /** Byte offset in the log. Commit and prepare position are the same outside of explicit transactions. */
  readonly position: bigint
  /** 100-nanosecond ticks since 1970. */
  readonly created: bigint
}

export type ProposedEvent = Pick<LoggedEvent, 'id' | 'type' | 'contentType' | 'data' | 'metadata'>

export type Expected = bigint | 'any' | 'noStream' | 'streamExists'

export type AppendOutcome =
  | { readonly kind: 'appended' | 'repeated'; readonly revision: bigint; readonly position: bigint }
  | { readonly kind: 'wrongVersion'; readonly actual: bigint | 'noStream' }
  | { readonly kind: 'deleted' }

export type LogEntry =
  | { readonly kind: 'events'; readonly events: readonly LoggedEvent[] }
  | { readonly kind: 'tombstone'; readonly stream: string }

/** The server's own record at the very beginning: no event of a client is ever at position 0. */
const FIRST_POSITION = 1_024n

/** One serial log with an index by stream, as EventStoreDB has it: positions grow and are not dense. */
export class Log extends EventEmitter<{ appended: [] }> {
  readonly all: LoggedEvent[] = []
  readonly #streams = new Map<string, LoggedEvent[]>()
  readonly #deleted = new Set<string>()
  readonly #keep: (entry: LogEntry) => void
  #end = FIRST_POSITION

  /** Starts with what was kept; `keep` is called with each entry before it is acknowledged. */
  constructor(kept: Iterable<LogEntry> = [], keep: (entry: LogEntry) => void = () => {}) {
    super()
    this.setMaxListeners(0)
    for (const entry of kept) this.#apply(entry)
    this.#keep = keep
  }

  /** Undefined where the stream does not exist. */
  stream(name: string): readonly LoggedEvent[] | undefined {
    return this.#streams.get(name)
  }

  isDeleted(name: string): boolean {
    return this.#deleted.has(name)
  }

  append(stream: string, expected: Expected, proposed: readonly ProposedEvent[]): AppendOutcome {
    if (this.#deleted.has(stream)) return { kind: 'deleted' }
    const events = this.#streams.get(stream) ?? []
    const fits = {
      any: true,
      noStream: events.length === 0,
      streamExists: events.length > 0,
    }
    const first = typeof expected === 'bigint' ? expected + 1n : expected === 'noStream' ? 0n : BigInt(events.length)
    if (typeof expected === 'bigint' ? first !== BigInt(events.length) || events.length === 0 : !fits[expected]) {
      const repeated = events.slice(Number(first), Number(first) + proposed.length)
      const last = repeated.at(-1)
      const same = repeated.length === proposed.length && repeated.every(({ id }, i) => id === proposed[i]?.id)
      if (last && same) return { kind: 'repeated', revision: last.revision, position: last.position }
      return { kind: 'wrongVersion', actual: events.at(-1)?.revision ?? 'noStream' }
    }
    const created = BigInt(Date.now()) * 10_000n
    let position = this.#end
    const logged = proposed.map((event, i): LoggedEvent => {
      const at = position
      position += recordSize(stream, event)
      return { ...event, stream, revision: first + BigInt(i), position: at, created }
    })
    const last = logged.at(-1)
    if (!last) throw new Error('an append of nothing')
    this.#keep({ kind: 'events', events: logged })
    this.#apply({ kind: 'events', events: logged })
    return { kind: 'appended', revision: last.revision, position: last.position }
  }

  tombstone(stream: string): void {
    this.#keep({ kind: 'tombstone', stream })
    this.#apply({ kind: 'tombstone', stream })
  }

  /** Makes the data of an event something that is not JSON. */
  corrupt(stream: string, revision: bigint): void {
    const event = this.#streams.get(stream)?.[Number(revision)]
    if (event) Object.assign(event, { data: Buffer.from('{"cut off":') })
  }

  /** A position is a byte: only where a record begins can one be read. */
  isRecord(position: bigint): boolean {
    return this.all[this.indexAfter(position) - 1]?.position === position
  }

  /** Index of the first event behind the position. */
  indexAfter(position: bigint): number {
    let [low, high] = [0, this.all.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.all[middle]?.position ?? 0n) > position) high = middle
      else low = middle + 1
    }
    return low
  }

  #apply(entry: LogEntry): void {
    if (entry.kind === 'tombstone') this.#deleted.add(entry.stream)
    else for (const event of entry.events) this.#add(event)
    this.emit('appended')
  }

  #add(event: LoggedEvent): void {
    const events = this.#streams.get(event.stream) ?? []
    events.push(event)
    this.#streams.set(event.stream, events)
    this.all.push(event)
    this.#end = event.position + recordSize(event.stream, event)
  }
}

function recordSize(stream: string, { type, data, metadata }: ProposedEvent): bigint {
  return BigInt(96 + stream.length + type.length + data.length + metadata.length)
}
