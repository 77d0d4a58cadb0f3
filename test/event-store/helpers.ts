import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import pino from 'pino'
import type {
  EventStore,
  JsonObject,
  NewEvent,
  NonEmpty,
  Position,
  ReadOptions,
  RecordedEvent,
  SubscriptionMessage,
} from '../../src/event-store/port.ts'

export const silent = pino({ level: 'silent' })

export function newStream(): string {
  return `user-${randomUUID()}`
}

export function newEvent(data: JsonObject = {}, rest: Partial<NewEvent> = {}): NewEvent {
  return { id: randomUUID(), type: 'test:happened', data, metadata: {}, ...rest }
}

export function newEvents(count: number): NonEmpty<NewEvent> {
  const [first, ...rest] = Array.from({ length: count }, (_, n) => newEvent({ n }))
  if (!first) throw new Error('at least one')
  return [first, ...rest]
}

export async function readAll(store: EventStore, stream: string, options?: ReadOptions): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = []
  for await (const event of store.read(stream, options)) events.push(event)
  return events
}

/** The error an action ends with; fails where it ends well. */
export async function errorOf(action: Promise<unknown>): Promise<unknown> {
  try {
    await action
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs = 15_000,
): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`)
    await delay(10)
  }
}

/** A subscription consumed in the background; what it has seen is there to look at. */
export class Subscriber {
  readonly seen: RecordedEvent[] = []
  /** For each caughtUp, how many events had been seen. */
  readonly caughtUpAt: number[] = []
  readonly #abort = new AbortController()
  readonly #ended: Promise<void>
  failure: unknown

  constructor(
    store: EventStore,
    after: Position | 'start' | 'end',
    only: (event: RecordedEvent) => boolean = () => true,
  ) {
    this.#ended = this.#consume(store.subscribe(after, this.#abort.signal), only).catch((error: unknown) => {
      this.failure = error
    })
  }

  async untilSeen(count: number): Promise<void> {
    await until(() => {
      if (this.failure) throw this.failure
      return this.seen.length >= count
    }, `${count} events were seen, not ${this.seen.length}`)
  }

  async untilCaughtUp(times = 1): Promise<void> {
    await until(() => {
      if (this.failure) throw this.failure
      return this.caughtUpAt.length >= times
    }, 'the subscription caught up')
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#ended
    if (this.failure) throw this.failure
  }

  async #consume(messages: AsyncIterable<SubscriptionMessage>, only: (event: RecordedEvent) => boolean): Promise<void> {
    for await (const message of messages) {
      if (message.kind === 'caughtUp') this.caughtUpAt.push(this.seen.length)
      else this.seen.push(...message.events.filter(only))
    }
  }
}
