/** A command bus over the store in memory, with the faults a real one has. */
import { randomUUID } from 'node:crypto'
import type { Limits } from '../../src/account/commands.ts'
import type { NewAccountEvent } from '../../src/account/events.ts'
import { type Accounts, openAccounts, streamOf } from '../../src/accounts/accounts.ts'
import { type CommandBus, openCommandBus } from '../../src/commands/command-bus.ts'
import { openKeyedQueue } from '../../src/commands/keyed-queue.ts'
import { type CommandContext, sealEvents } from '../../src/commands/seal-events.ts'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { AppendResult, ExpectedRevision, NewEvent, NonEmpty, RecordedEvent } from '../../src/event-store/port.ts'
import type { Vault } from '../../src/secrets/vault.ts'
import { LIMITS, START } from '../account/given.ts'

export const USER = '0a000000-0000-4000-8000-000000000001'
export const CONTEXT: CommandContext = {
  actor: { kind: 'user', id: USER },
  correlationId: '0c000000-0000-4000-8000-000000000001',
  client: null,
  sessionId: null,
}

export interface Attempt {
  readonly events: NonEmpty<NewEvent>
  readonly expected: ExpectedRevision
}

export class FaultyStore extends MemoryEventStore {
  /** Every append that was asked for, also those that failed. */
  readonly attempts: Attempt[] = []
  /** What to do before the next append; once each. */
  readonly before: (() => Promise<void>)[] = []
  override async append(stream: string, events: NonEmpty<NewEvent>, expected: ExpectedRevision): Promise<AppendResult> {
    this.attempts.push({ events, expected })
    await this.before.shift()?.()
    return super.append(stream, events, expected)
  }
}

export interface BusHarness {
  readonly store: FaultyStore
  readonly accounts: Accounts
  readonly bus: CommandBus
  readonly vault: Vault
  /** The time at which commands are decided; START until it is set. */
  setNow(now: number): void
  /** Deletes the person's key, as an erasure does. */
  eraseKey(): void
  /** Appends as another process would: decided elsewhere, behind this one's back. */
  append(...events: readonly [NewAccountEvent, ...NewAccountEvent[]]): Promise<readonly string[]>
  history(): Promise<readonly RecordedEvent[]>
  types(): Promise<readonly string[]>
}

export const openBusHarness = (limits: Partial<Limits> = {}): BusHarness => {
  const store = new FaultyStore()
  const accounts = openAccounts(store)
  const dataKey = Buffer.alloc(32, 5)
  let key: Buffer | null = dataKey
  let now = START
  const vault = { dataKey: async () => key } as unknown as Vault
  const sessionHash = (id: string) => `hash of ${id}`
  const history = async () => {
    const events: RecordedEvent[] = []
    for await (const event of MemoryEventStore.prototype.read.call(store, streamOf(USER))) events.push(event)
    return events
  }
  return {
    store,
    accounts,
    bus: openCommandBus({
      store,
      accounts,
      vault,
      sessionHash,
      queue: openKeyedQueue(),
      limits: { ...LIMITS, ...limits },
      now: () => now,
    }),
    vault,
    setNow: (next) => {
      now = next
    },
    eraseKey: () => {
      key = null
    },
    async append(...events) {
      const sealed = sealEvents(events, {
        userId: USER,
        dataKey,
        sessionHash,
        context: CONTEXT,
        commandId: randomUUID(),
        now: START,
        idempotency: null,
      }) as NonEmpty<NewEvent>
      const length = BigInt((await history()).length)
      await MemoryEventStore.prototype.append.call(store, streamOf(USER), sealed, length === 0n ? 'none' : length - 1n)
      return sealed.map(({ id }) => id)
    },
    history,
    types: async () => (await history()).map(({ type }) => type),
  }
}
