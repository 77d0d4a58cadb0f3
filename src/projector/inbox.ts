import type { RecordedEvent, SubscriptionMessage } from '../event-store/port.ts'

/** A promise only where it has to wait for something: of a million events each promise more is felt. */
export type Decode<Event, Arriving = RecordedEvent> = (arriving: Arriving) => Event | Promise<Event>

/** What is known of an event without its content, which need not be kept once it is decoded. */
export type EventPlace = Pick<RecordedEvent, 'id' | 'type' | 'stream' | 'revision' | 'position' | 'recordedAt'>

/** Events that are handled together or not at all, at the place of the last: a bulk load takes whole pages of the log. */
export interface EventRun extends EventPlace {
  /** How many they are. */
  readonly count: number
}

/** An event that arrived, or a run of them. Its decoding started then, so that a batch's slow decodes run side by side. */
export interface Arrival<Event> {
  readonly event: EventPlace
  /** Of a run. */
  readonly count: number | undefined
  readonly decoded: Decoded<Event> | Promise<Decoded<Event>>
}

/** A value, not a rejection: nobody may be waiting for it yet. */
export type Decoded<Event> =
  | { readonly ok: true; readonly value: Event }
  | { readonly ok: false; readonly error: unknown }

export interface Batch<Event> {
  readonly arrivals: readonly Arrival<Event>[]
  /** The last of them was the last event in the store. */
  readonly caughtUp: boolean
  /** There was more than may be taken at once. */
  readonly full: boolean
}

export interface InboxOptions<Event, Arriving> {
  readonly decode: Decode<Event, Arriving>
  /** Nothing more is asked of the subscription while so many events wait to be taken. */
  readonly capacity: number
  /** Milliseconds that events gather after the first of a batch, unless there are enough before. */
  readonly gatherMs: number
  /** Position after which no event is taken, whether there is one at it or not; without it there is no last. */
  readonly until?: bigint | undefined
  readonly signal: AbortSignal
}

/**
 * Reads ahead of the writer, as far as one batch, while the batch before is being written: throughput in a catch-up,
 * and no waiting for more in the live tail.
 */
export class Inbox<Event, Arriving extends RecordedEvent | EventRun = RecordedEvent> {
  /** Ends when the subscription has ended and its reader has stopped. Never rejects. */
  readonly closed: Promise<void>
  readonly #decode: Decode<Event, Arriving>
  readonly #capacity: number
  readonly #gatherMs: number
  readonly #until: bigint | undefined
  readonly #signal: AbortSignal
  readonly #queue: (Arrival<Event> | 'caughtUp')[] = []
  /** Events in the queue. */
  #waiting = 0
  #left = false
  #end: { readonly error: unknown } | 'ended' | undefined
  #isPast = false
  #wakeReader: (() => void) | undefined
  #wakeWriter: (() => void) | undefined

  constructor(
    messages: AsyncIterable<SubscriptionMessage<Arriving>>,
    { decode, capacity, gatherMs, until, signal }: InboxOptions<Event, Arriving>,
  ) {
    this.#decode = decode
    this.#capacity = capacity
    this.#gatherMs = gatherMs
    this.#until = until
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wakeBoth())
    this.closed = this.#read(messages)
  }

  /** `until` was passed, and everything up to it is taken. */
  get isDone(): boolean {
    return this.#isPast && this.#queue.length === 0
  }

  /**
   * Whatever is there, at most `limit` events or one run, as soon as there is anything and it has gathered. Undefined after
   * the abort, and when the subscription has ended; its error is thrown once every event before it was taken.
   */
  async take(limit: number): Promise<Batch<Event> | undefined> {
    while (this.#queue.length === 0 && this.#mayGetMore()) await this.#wake()
    if (this.#gatherMs > 0 && this.#lacks(limit)) await this.#gather(limit)
    if (this.#signal.aborted) return undefined
    if (this.#queue.length === 0) {
      if (this.#end !== undefined && this.#end !== 'ended') throw this.#end.error
      return undefined
    }
    const taken = this.#queue.splice(0, this.#itemsWithin(limit))
    const events = eventsIn(taken)
    this.#waiting -= events
    this.#wakeReader?.()
    return {
      arrivals: taken.filter((item) => item !== 'caughtUp'),
      caughtUp: taken.at(-1) === 'caughtUp',
      full: events >= limit || this.#queue.length > 0,
    }
  }

  #itemsWithin(limit: number): number {
    let items = 1
    let events = countOf(this.#queue[0])
    for (; items < this.#queue.length; items++) {
      events += countOf(this.#queue[items])
      if (events > limit) break
    }
    return items
  }

  /** Nothing more is taken: the reader, should it wait for room, ends. */
  leave(): void {
    this.#left = true
    this.#wakeBoth()
  }

  async #read(messages: AsyncIterable<SubscriptionMessage<Arriving>>): Promise<void> {
    try {
      for await (const message of messages) {
        if (this.#signal.aborted || this.#left) break
        const isLast = message.kind === 'events' ? this.#arrive(message.events) : void this.#queue.push('caughtUp')
        this.#wakeWriter?.()
        this.#isPast = isLast === true
        if (isLast) break
        while (this.#waiting >= this.#capacity && !this.#signal.aborted && !this.#left) {
          await new Promise<void>((resolve) => {
            this.#wakeReader = resolve
          })
        }
      }
      this.#end = 'ended'
    } catch (error) {
      this.#end = { error }
    }
    this.#wakeWriter?.()
  }

  /** True: there is no other one to take. */
  #arrive(events: readonly Arriving[]): boolean {
    for (const event of events) {
      if (this.#until !== undefined && event.position > this.#until) return true
      const arrival = this.#arrival(event)
      this.#queue.push(arrival)
      this.#waiting += countOf(arrival)
      if (event.position === this.#until) return true
    }
    return false
  }

  #arrival(arriving: Arriving): Arrival<Event> {
    const { id, type, stream, revision, position, recordedAt } = arriving
    const event = { id, type, stream, revision, position, recordedAt }
    const count = 'count' in arriving ? arriving.count : undefined
    try {
      const value = this.#decode(arriving)
      return { event, count, decoded: value instanceof Promise ? settled(value) : { ok: true, value } }
    } catch (error) {
      return { event, count, decoded: { ok: false, error } }
    }
  }

  async #gather(limit: number): Promise<void> {
    let over = false
    const timer = setTimeout(() => {
      over = true
      this.#wakeWriter?.()
    }, this.#gatherMs)
    while (!over && this.#lacks(limit)) await this.#wake()
    clearTimeout(timer)
  }

  /** Fewer than so many are there, and more may come. */
  #lacks(count: number): boolean {
    return this.#waiting < count && this.#mayGetMore()
  }

  #mayGetMore(): boolean {
    return this.#end === undefined && !this.#signal.aborted
  }

  #wake(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeWriter = resolve
    })
  }

  #wakeBoth(): void {
    this.#wakeReader?.()
    this.#wakeWriter?.()
  }
}

const settled = <Event>(decoding: Promise<Event>): Promise<Decoded<Event>> =>
  decoding.then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error }),
  )

const countOf = <Event>(item: Arrival<Event> | 'caughtUp' | undefined): number =>
  item === undefined || item === 'caughtUp' ? 0 : (item.count ?? 1)

export const eventsIn = <Event>(items: readonly (Arrival<Event> | 'caughtUp')[]): number =>
  items.reduce((sum, item) => sum + countOf(item), 0)
