import type pg from 'pg'
import type { Logger } from 'pino'
import { migrate } from '../platform/migrations.ts'
import { Notifications } from '../platform/notifications.ts'
import { openPool, type PostgresConnection } from '../platform/postgres.ts'
import { decodeEvent } from './decode.ts'
import { GroupCommit } from './group-commit.ts'
import {
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type NonEmpty,
  type Position,
  type ReadOptions,
  type RecordedEvent,
  StoreUnavailable,
  type SubscribeOptions,
  type SubscriptionMessage,
  WrongExpectedRevision,
} from './port.ts'
import { type AppendOutcome, appendBatch } from './postgres-append.ts'
import { PostgresLog, READER_SETTINGS } from './postgres-log.ts'
import { EVENTS_CHANNEL, storeMigrations } from './postgres-schema.ts'
import { readRange } from './read-range.ts'
import { follow } from './subscription.ts'
import { encodeAppend } from './validate.ts'

export interface PostgresEventStoreOptions {
  readonly connection: PostgresConnection
  /** The process's listener on the same database. Where it is left out the store keeps one of its own. */
  readonly notifications?: Notifications
  readonly applicationName?: string
  /** As of `openPool`. */
  readonly statementTimeoutMs?: number
  readonly log: Logger
  /** Told of each transaction of appends, before it is tried. Must not throw. */
  readonly observeAppend?: (batch: { readonly appends: number; readonly events: number }) => void
}

const READERS = 6
const BATCH = {
  maxAppends: 1_000,
  maxEvents: 5_000,
  maxBytes: 4 * 1_048_576,
  maxWaitMs: 10_000,
  parallel: 1,
}

/**
 * Opens the event store in the schema `store` of a PostgreSQL database, and brings that schema up to date. Throws
 * where the database cannot be reached or its schema is newer than this program.
 */
export async function openPostgresEventStore(options: PostgresEventStoreOptions): Promise<EventStore> {
  const {
    connection,
    notifications: shared,
    applicationName = 'strongroom event store',
    observeAppend,
    ...rest
  } = options
  const { log } = rest
  // Appends have a connection of their own, so that no storm of reads can hold them up.
  const writers = openPool(connection, { ...rest, applicationName, max: 1 })
  const readers = openPool(connection, { ...rest, applicationName, max: READERS, settings: READER_SETTINGS })
  try {
    await migrate(writers, 'store', storeMigrations)
  } catch (error) {
    await Promise.all([writers.end(), readers.end()])
    throw error
  }
  return new PostgresEventStore(
    writers,
    readers,
    shared ?? new Notifications(connection, log),
    !shared,
    log,
    observeAppend,
  )
}

class PostgresEventStore implements EventStore {
  readonly #writers: pg.Pool
  readonly #readers: pg.Pool
  readonly #notifications: Notifications
  readonly #ownsNotifications: boolean
  readonly #log: Logger
  readonly #events: PostgresLog
  readonly #groupCommit: GroupCommit<AppendOutcome>
  readonly #closing = new AbortController()

  constructor(
    writers: pg.Pool,
    readers: pg.Pool,
    notifications: Notifications,
    ownsNotifications: boolean,
    log: Logger,
    observeAppend: PostgresEventStoreOptions['observeAppend'],
  ) {
    this.#writers = writers
    this.#readers = readers
    this.#notifications = notifications
    this.#ownsNotifications = ownsNotifications
    this.#log = log
    this.#events = new PostgresLog(readers)
    this.#groupCommit = new GroupCommit((batch) => {
      observeAppend?.({ appends: batch.length, events: batch.reduce((sum, { events }) => sum + events.length, 0) })
      return appendBatch(writers, batch)
    }, BATCH)
  }

  async *read(stream: string, options?: ReadOptions): AsyncGenerator<RecordedEvent> {
    const range = readRange(options)
    this.#checkOpen()
    for await (const stored of this.#events.stream(stream, range)) yield decodeEvent(stored)
  }

  async append(stream: string, events: NonEmpty<NewEvent>, expected: ExpectedRevision): Promise<AppendResult> {
    const append = encodeAppend(stream, events, expected)
    this.#checkOpen()
    const outcome = await this.#groupCommit.append(append)
    if (outcome.kind === 'conflict') {
      throw new WrongExpectedRevision(stream, expected, outcome.actual < 0n ? 'none' : outcome.actual)
    }
    return { revision: append.firstRevision + BigInt(events.length - 1), position: outcome.position }
  }

  subscribe(
    after: Position | 'start' | 'end',
    signal: AbortSignal,
    { inStep = false }: SubscribeOptions = {},
  ): AsyncGenerator<SubscriptionMessage> {
    const source = {
      open: () => this.#events.open(inStep),
      // On the one connection that appends too, and the pool serves in order: what this process appends after the call
      // is behind the tail, even where the answer comes later.
      tail: () => new PostgresLog(this.#writers).tail(),
      onGrowth: (grown: () => void) => this.#notifications.listen(EVENTS_CHANNEL, grown),
    }
    return follow(source, after, AbortSignal.any([signal, this.#closing.signal]), this.#log)
  }

  async tail(): Promise<Position | 'start'> {
    this.#checkOpen()
    const last = await this.#events.tail()
    return last === 0n ? 'start' : last
  }

  async ping(): Promise<void> {
    this.#checkOpen()
    await this.#events.ping()
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    await this.#groupCommit.drain()
    await Promise.all([
      this.#writers.end(),
      this.#readers.end(),
      this.#ownsNotifications ? this.#notifications.close() : undefined,
    ])
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new StoreUnavailable('notCommitted', new Error('the store is closed'))
  }
}
