import type { RecordedEvent, SubscriptionMessage } from '../event-store/port.ts'

/** A promise only where it has to wait for something: of a million events each promise more is felt. */
export type Decode<Event> = (event: RecordedEvent) => Event | Promise<Event>

/** What is known of an event without its content, which need not be kept once it is decoded. */
export type EventPlace = Pick<RecordedEvent, 'id' | 'type' | 'stream' | 'revision' | 'position' | 'recordedAt'>

/** An event that arrived. Its decoding started then, so that a batch's slow decodes run side by side. */
export interface Arrival<Event> {
  readonly event: EventPlace
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
}

export interface InboxOptions<Event> {
  readonly decode: Decode<Event>
  /** Nothing more is asked of the subscription while so many wait to be taken. */
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
export class Inbox<Event> {
  /** Ends when the subscription has ended and its reader has stopped. Never rejects. */
  readonly closed: Promise<void>
  readonly #decode: Decode<Event>
  readonly #capacity: number
  readonly #gatherMs: number
  readonly #until: bigint | undefined
  readonly #signal: AbortSignal
  readonly #queue: (Arrival<Event> | 'caughtUp')[] = []
  #left = false
  #end: { readonly error: unknown } | 'ended' | undefined
  #isPast = false
  #wakeReader: (() => void) | undefined
  #wakeWriter: (() => void) | undefined

  constructor(
    messages: AsyncIterable<SubscriptionMessage>,
    { decode, capacity, gatherMs, until, signal }: InboxOptions<Event>,
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
   * Whatever is there, at most `limit` events, as soon as there is anything and it has gathered. Undefined after the
   * abort, and when the subscription has ended; its error is thrown once every event before it was taken.
   */
  async take(limit: number): Promise<Batch<Event> | undefined> {
    while (this.#lacks(1)) await this.#wake()
    if (this.#gatherMs > 0 && this.#lacks(limit)) await this.#gather(limit)
    if (this.#signal.aborted) return undefined
    if (this.#queue.length === 0) {
      if (this.#end !== undefined && this.#end !== 'ended') throw this.#end.error
      return undefined
    }
    const taken = this.#queue.splice(0, limit)
    this.#wakeReader?.()
    return { arrivals: taken.filter((item) => item !== 'caughtUp'), caughtUp: taken.at(-1) === 'caughtUp' }
  }

  /** Nothing more is taken: the reader, should it wait for room, ends. */
  leave(): void {
    this.#left = true
    this.#wakeBoth()
  }

  async #read(messages: AsyncIterable<SubscriptionMessage>): Promise<void> {
    try {
      for await (const message of messages) {
        if (this.#signal.aborted || this.#left) break
        const isLast = message.kind === 'events' ? this.#arrive(message.events) : void this.#queue.push('caughtUp')
        this.#wakeWriter?.()
        this.#isPast = isLast === true
        if (isLast) break
        while (this.#queue.length >= this.#capacity && !this.#signal.aborted && !this.#left) {
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
  #arrive(events: readonly RecordedEvent[]): boolean {
    for (const event of events) {
      if (this.#until !== undefined && event.position > this.#until) return true
      this.#queue.push(this.#arrival(event))
      if (event.position === this.#until) return true
    }
    return false
  }

  #arrival(recorded: RecordedEvent): Arrival<Event> {
    const { id, type, stream, revision, position, recordedAt } = recorded
    const event = { id, type, stream, revision, position, recordedAt }
    try {
      const value = this.#decode(recorded)
      return { event, decoded: value instanceof Promise ? settled(value) : { ok: true, value } }
    } catch (error) {
      return { event, decoded: { ok: false, error } }
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
    return this.#queue.length < count && this.#end === undefined && !this.#signal.aborted
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
