/**
 * A store whose reads answer when the test says so, with what was in the store when they were SENT: as a database
 * does, whose snapshot is older than the answer.
 */
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { NewEvent, ReadOptions, RecordedEvent } from '../../src/event-store/port.ts'

export interface HeldRead {
  readonly stream: string
  readonly from: bigint | undefined
  answer(): void
  fail(error: Error): void
}

export class HeldStore extends MemoryEventStore {
  readonly reads: HeldRead[] = []
  /** While false, reads answer at once. */
  holding = true

  override async *read(stream: string, options: ReadOptions = {}): AsyncGenerator<RecordedEvent> {
    const events = super.read(stream, options)
    // The first step takes the snapshot, before anything is awaited.
    const first = events.next()
    const { promise, resolve, reject } = openGate()
    this.reads.push({ stream, from: options.from, answer: resolve, fail: reject })
    if (this.holding) await promise
    for (let next = await first; next.done !== true; next = await events.next()) yield next.value
  }
}

const openGate = () => {
  let resolve = (): void => {}
  let reject = (_: Error): void => {}
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

export const someEvent = (id: string, type: string, data: NewEvent['data'], occurredAt: string): NewEvent => ({
  id,
  type,
  data,
  metadata: {
    schemaVersion: 1,
    commandId: id,
    correlationId: id,
    causationId: null,
    occurredAt,
    actor: { kind: 'system', id: null },
    sessionId: null,
    sessionHash: null,
    client: null,
    commit: null,
    boxes: { personal: null, credential: null },
  },
})
