import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type Logger, pino } from 'pino'
import { MemoryEventStore } from '../../src/event-store/memory.ts'
import type { RecordedEvent } from '../../src/event-store/port.ts'
import { Notifications } from '../../src/platform/notifications.ts'
import { openPool, type PostgresConnection } from '../../src/platform/postgres.ts'
import { type ProjectorOptions, runProjection } from '../../src/projector/projector.ts'
import type { RunningWorker } from '../../src/projector/worker.ts'
import { createDatabase } from '../support/postgres.ts'
import { ledger } from './ledger.ts'

/** One line per log call, as an operator's tool would read them. */
export interface CapturedLog {
  readonly log: Logger
  readonly lines: Record<string, unknown>[]
}

export function captureLog(): CapturedLog {
  const lines: Record<string, unknown>[] = []
  return { lines, log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) }) }
}

export interface Harness extends CapturedLog {
  readonly connection: PostgresConnection
  readonly pool: pg.Pool
  readonly notifications: Notifications
  readonly store: MemoryEventStore
  /** Starts the ledger projection, or what `options` say instead. Stopped by `close`. */
  run(options?: Partial<ProjectorOptions<RecordedEvent>>): RunningWorker
  /** A connection that is not to the database of this test. */
  connectElsewhere(): Promise<pg.Client>
  close(): Promise<void>
}

export async function openHarness(): Promise<Harness> {
  const database = await createDatabase()
  const captured = captureLog()
  const { log } = captured
  const pool = openPool(database.connection, { applicationName: 'projector test', max: 10, log })
  const notifications = new Notifications(database.connection, log)
  const store = new MemoryEventStore()
  const running: RunningWorker[] = []
  return {
    ...captured,
    connection: database.connection,
    pool,
    notifications,
    store,
    run: (options) => {
      const projector = runProjection({
        projection: ledger,
        store,
        decode: async (event) => event,
        pool,
        notifications,
        owner: 'test',
        log,
        ...options,
      })
      running.push(projector)
      return projector
    },
    connectElsewhere: async () => {
      const client = new pg.Client({ ...database.connection, database: 'postgres' })
      await client.connect()
      return client
    },
    close: async () => {
      await Promise.all(running.map((projector) => projector.stop()))
      await notifications.close()
      await pool.end()
      await database.drop()
    },
  }
}

/** Waits for the condition, and fails with the last value seen. */
export async function until<T>(look: () => T | Promise<T>, holds: (value: T) => boolean, limitMs = 10_000): Promise<T> {
  const deadline = Date.now() + limitMs
  for (;;) {
    const value = await look()
    if (holds(value)) return value
    if (Date.now() > deadline) {
      const shown = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part))
      throw new Error(`not so within ${limitMs} ms; the last value was ${shown}`)
    }
    await delay(5)
  }
}

/** The checkpoint reached the position. */
export async function untilAt(pool: pg.Pool, position: bigint, name = 'ledger'): Promise<void> {
  await until(
    () => checkpoint(pool, name),
    (row) => row.position === String(position),
  )
}

export interface CheckpointRow {
  readonly position: string | null
  readonly state: string
  readonly owner: string | null
  readonly epoch: string
  readonly halted_at: string | null
  readonly halted: Record<string, unknown> | null
}

export async function checkpoint(pool: pg.Pool, name = 'ledger'): Promise<Partial<CheckpointRow>> {
  const { rows } = await pool
    .query<CheckpointRow>(
      'select position, state, owner, epoch, halted_at, halted from read.projections where name = $1 order by live desc',
      [name],
    )
    .catch((error: unknown) => {
      // Before anything was registered.
      if (error instanceof Error && 'code' in error && error.code === '42P01') return { rows: [] }
      throw error
    })
  return rows[0] ?? {}
}

export async function tables(pool: pg.Pool): Promise<{ lines: unknown[]; heads: unknown[] }> {
  const lines = await pool.query('select * from read.lines order by position')
  const heads = await pool.query('select * from read.heads order by stream')
  return { lines: lines.rows, heads: heads.rows }
}

/** A pool whose process can freeze (every statement waits) and thaw, as SIGSTOP or a full swap would have it. */
export class FreezablePool {
  readonly pool: pg.Pool
  #frozen: { readonly when: (text: string) => boolean; readonly thawed: Promise<void> } | undefined
  #thaw: (() => void) | undefined
  /** Statements waiting. */
  held = 0

  constructor(real: pg.Pool) {
    this.pool = new Proxy(real, {
      get: (target, key) => {
        if (key === 'connect') return async () => this.#client(await target.connect())
        const value: unknown = Reflect.get(target, key)
        if (key === 'query' && typeof value === 'function') return this.#slow(value.bind(target))
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  /** From now on statements for which `when` holds wait, and all that come after one. */
  freeze(when: (text: string) => boolean = () => true): void {
    const thawed = new Promise<void>((resolve) => {
      this.#thaw = resolve
    })
    this.#frozen = { when, thawed }
  }

  thaw(): void {
    this.#frozen = undefined
    this.#thaw?.()
  }

  #client(real: pg.PoolClient): pg.PoolClient {
    return new Proxy(real, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key)
        if (key === 'query' && typeof value === 'function') return this.#slow(value.bind(target))
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }

  #slow(query: (...args: unknown[]) => unknown) {
    return async (...args: unknown[]) => {
      const [first] = args
      const text = typeof first === 'string' ? first : (first as { readonly text: string }).text
      const frozen = this.#frozen
      if (frozen && (this.held > 0 || frozen.when(text))) {
        this.held += 1
        await frozen.thawed
        this.held -= 1
      }
      return query(...args)
    }
  }
}
