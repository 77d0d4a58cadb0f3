/**
 * A reactor does something about events, once each and in order: it files mail, erases, grows a log. It has the lease,
 * the checkpoint and the batches of a projection, and is never rebuilt: what it did cannot be done again. So its
 * checkpoint is in a schema that nobody drops, and begins where the log ended when the reactor was first registered,
 * unless it says otherwise.
 */
import type pg from 'pg'
import type { EventStore } from '../event-store/port.ts'
import { REACTORS } from './job.ts'
import { type RunningWorker, runJob, type WorkerOptions } from './worker.ts'

export interface Reactor<Event> {
  /** Never changes: under another name it would begin anew, at the end of the log. */
  readonly name: string
  /** It has to see the events from before it was first registered too. */
  readonly begins?: 'start'
  /**
   * Called with events not handled before, in the transaction that moves the checkpoint behind them: what it writes
   * there is written exactly once. Sees every event. Throws where one cannot be handled; the reactor then halts in front
   * of it. Takes milliseconds: what is slow, or is outside the database, is filed here and done by somebody else.
   */
  handle(events: readonly Event[], transaction: ReactorTransaction): Promise<void>
  /** After the transaction. Must not throw; may be left out by a crash. */
  committed?(): void
}

export interface ReactorTransaction {
  query<Row>(text: string, values: readonly unknown[]): Promise<readonly Row[]>
}

export interface ReactorOptions<Event> extends Omit<WorkerOptions<Event>, 'store'> {
  readonly reactor: Reactor<Event>
  readonly store: Pick<EventStore, 'read' | 'subscribe' | 'tail'>
}

/** Runs the reactor until it is stopped. Returns at once. */
export function runReactor<Event>({ reactor, ...options }: ReactorOptions<Event>): RunningWorker {
  return runJob(
    {
      name: reactor.name,
      version: VERSION,
      build: 1,
      checkpoints: REACTORS,
      register: () =>
        reactor.begins === 'start'
          ? registerFromStart(options.pool, reactor.name)
          : registerReactors(options.pool, options.store, [reactor.name]),
      prepare: (events) => (client) => reactor.handle(events, transactionOf(client)),
      committed: () => reactor.committed?.(),
    },
    options,
  )
}

/**
 * Gives each reactor not seen before its checkpoint: the end of the log. Safe to repeat, and in several processes at
 * once. Every process calls it before it lets anybody in, whether it runs reactors or not, so that what is appended
 * before the first of them runs is not missed. Throws StoreUnavailable, and what PostgreSQL throws.
 */
export async function registerReactors(
  pool: pg.Pool,
  store: Pick<EventStore, 'tail'>,
  names: readonly string[],
): Promise<void> {
  const { rows } = await pool.query<{ name: string }>('select name from vault.reactors where name = any($1)', [names])
  const known = new Set(rows.map(({ name }) => name))
  for (const name of names.filter((each) => !known.has(each))) {
    const tail = await store.tail()
    await insertCheckpoint(pool, name, tail === 'start' ? null : tail)
  }
}

/** Nothing can be missed, so there is no hurry: done by the process that runs it. */
const registerFromStart = (pool: pg.Pool, name: string): Promise<void> => insertCheckpoint(pool, name, null)

const insertCheckpoint = async (pool: pg.Pool, name: string, position: bigint | null): Promise<void> => {
  await pool.query('insert into vault.reactors (name, version, position) values ($1, $2, $3) on conflict do nothing', [
    name,
    VERSION,
    position,
  ])
}

/** Projections have versions, reactors have not; the statements on checkpoints are the same. */
const VERSION = 1

const transactionOf = (client: pg.ClientBase): ReactorTransaction => ({
  query: async <Row>(text: string, values: readonly unknown[]) => {
    const { rows } = await client.query(text, [...values])
    return rows as readonly Row[]
  },
})
