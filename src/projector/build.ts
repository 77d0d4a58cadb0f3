/**
 * The work of who owns a build: fill it in bulk up to where the live one is, go on with it, compare the two at the same
 * position, and flip. Whatever it is interrupted by, the next owner goes on from the row and the tables.
 */
import type pg from 'pg'
import type { EventStore } from '../event-store/port.ts'
import { inTransaction } from '../platform/postgres.ts'
import { LeaseLost } from './batch.ts'
import { announce, type Build, dropBuild, listBuilds } from './builds.ts'
import { addKeys } from './bulk.ts'
import { loadInBulk } from './bulk-load.ts'
import { type Comparison, comparableTables, differencesOf, sumsOf, type TableComparison } from './compare.ts'
import { type BuildTable, createTableSql, dropTableSql, dropViewSql, primaryKeySql, viewSql } from './ddl.ts'
import { ProjectionFault } from './fault.ts'
import { type Job, PROJECTIONS } from './job.ts'
import { type Lease, releaseLease } from './lease.ts'
import type { Projection } from './row-operation.ts'
import { lockBuilds, tablesOf } from './schema.ts'
import { keepingLease, type SessionEnd, type SessionOptions, type SessionProgress, workAsOwner } from './session.ts'
import type { Own } from './worker.ts'

export interface BuildOptions<Event> {
  readonly projection: Projection<Event>
  readonly build: number
  readonly store: Pick<EventStore, 'tail'>
  /** Events folded and sent at once in the bulk load; default 5,000. */
  readonly bulkSize?: number
  /** What the verification of a build has found; the build is dropped then. */
  readonly onVerified?: (comparison: Comparison) => void
}

/** Larger ones were measured to gain nothing, and cost memory: as many again are read ahead, in each build. */
const BULK_SIZE = 5_000

/** What `runJob` is to do with the lease of a build that is not live. Ends with `reached` when it is, or is done with. */
export function ownBuild<Event>(options: BuildOptions<Event>): Own<Event> {
  const { bulkSize = BULK_SIZE } = options
  let isFirst = true
  return async (work, progress, stop) => {
    // Not what the live tail begins with; smaller once a disturbance has made it so.
    if (isFirst) progress.limit = bulkSize
    isFirst = false
    const builder = new Builder({ ...options, bulkSize }, work, progress, stop)
    try {
      return await builder.run()
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error
      work.log.warn({ reason: error.message }, 'the build is left to another process')
      return { kind: 'lost' }
    }
  }
}

type SizedOptions<Event> = BuildOptions<Event> & { readonly bulkSize: number }

class Builder<Event> {
  readonly #options: SizedOptions<Event>
  readonly #work: SessionOptions<Event>
  readonly #progress: SessionProgress
  readonly #stop: AbortSignal
  readonly #tables: readonly BuildTable[]

  constructor(options: SizedOptions<Event>, work: SessionOptions<Event>, progress: SessionProgress, stop: AbortSignal) {
    this.#options = options
    this.#work = work
    this.#progress = progress
    this.#stop = stop
    this.#tables = tablesOf(options.projection, options.build)
  }

  async run(): Promise<SessionEnd> {
    let { mine, live } = await this.#look()
    if (mine.stage !== 'building') return { kind: 'reached' }
    if (mine.bulk !== 'done') {
      if (this.#progress.lease.position === null) await this.#makeTables(mine)
      const tail = await this.#options.store.tail()
      const until = live.position ?? (tail === 'start' ? null : tail)
      const end = until === null ? undefined : await this.#load(until)
      if (end && end !== 'rowReplaced' && end.kind !== 'reached') return end
      if (end === 'rowReplaced' || !(await this.#owning(() => addKeys(this.#work.pool, this.#tables)))) {
        await this.#beginAgainWithKeys()
        return { kind: 'lost' }
      }
      await this.#update(`bulk = 'done'`)
    }
    for (;;) {
      ;({ mine, live } = await this.#look())
      const end = await this.#catchUp(live.position)
      if (end) return end
      const comparison = await this.#compare(live, mine)
      if (!('tables' in comparison)) return comparison
      if (mine.purpose === 'verify') return this.#endVerification(mine, comparison)
      if (!mine.forced && mustNotFlip(comparison, mine, live)) return this.#refuse(comparison)
      const flipped = await this.#flip(mine, comparison)
      if (flipped) return flipped
    }
  }

  get #lease(): Lease {
    return this.#progress.lease
  }

  async #look(): Promise<{ mine: Build; live: Build }> {
    const builds = await listBuilds(this.#work.pool, this.#lease.name)
    const mine = builds.find((one) => one.version === this.#lease.version && one.build === this.#lease.build)
    const live = builds.find((one) => one.stage === 'live')
    if (!mine) throw new LeaseLost('the build was dropped')
    if (!live) throw new ProjectionFault(`no build of ${this.#lease.name} is live`)
    return { mine, live }
  }

  /** Everything up to the event at the position. Undefined: done. */
  async #catchUp(position: bigint | null): Promise<SessionEnd | undefined> {
    if (position === null || position <= (this.#lease.position ?? -1n)) return undefined
    const end = await this.#handle(position, this.#work.job, this.#work.batchSize)
    return end.kind === 'reached' ? undefined : end
  }

  #handle(until: bigint, job: Job<Event>, batchSize: number): Promise<SessionEnd> {
    this.#progress.limit = Math.min(this.#progress.limit, batchSize)
    return workAsOwner({ ...this.#work, job: this.#counting(job), batchSize, until }, this.#progress, this.#stop)
  }

  #owning<T>(work: () => Promise<T>): Promise<T> {
    return keepingLease(this.#work, this.#progress, this.#stop, work)
  }

  #load(until: bigint): Promise<SessionEnd | 'rowReplaced'> {
    return loadInBulk({
      projection: this.#options.projection,
      tables: this.#tables,
      work: this.#work,
      progress: this.#progress,
      stop: this.#stop,
      until,
      size: this.#options.bulkSize,
      counting: (job) => this.#counting(job, (pages) => pages.reduce((sum, { events }) => sum + events, 0)),
    })
  }

  /** Counts what is projected, in the transaction that handles it. */
  #counting<Item>(job: Job<Item>, count: (items: readonly Item[]) => number = (items) => items.length): Job<Item> {
    return {
      ...job,
      prepare: async (items) => {
        const step = await job.prepare(items)
        return async (client) => {
          await step(client)
          await client.query(`update read.projections set events = events + $4 where ${PROJECTIONS.row}`, [
            ...this.#id(),
            count(items),
          ])
        }
      },
    }
  }

  #id(): [string, number, number] {
    return [this.#lease.name, this.#lease.version, this.#lease.build]
  }

  /** In one transaction with the row locked under the lease's epoch, so that no other owner is at the same work. */
  async #fenced<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    return inTransaction(this.#work.pool, async (client) => {
      await lockBuilds(client)
      const { rowCount } = await client.query(
        `update read.projections set updated_at = clock_timestamp() where ${PROJECTIONS.row} and epoch = $4`,
        [...this.#id(), this.#lease.epoch],
      )
      if (rowCount !== 1) throw new LeaseLost(`the build of ${this.#lease.name} has another owner`)
      return work(client)
    })
  }

  #update(assignments: string, values: readonly unknown[] = []): Promise<void> {
    return this.#fenced(async (client) => {
      await client.query(`update read.projections set ${assignments} where ${PROJECTIONS.row}`, [
        ...this.#id(),
        ...values,
      ])
    })
  }

  /** Empty, whatever an earlier owner has left; and only now is what was kept from the time before given up. */
  async #makeTables({ bulk, purpose }: Build): Promise<void> {
    const tail = await this.#options.store.tail()
    await this.#fenced(async (client) => {
      for (const one of await listBuilds(client, this.#lease.name)) {
        if (purpose === 'flip' && (one.stage === 'kept' || one.stage === 'refused')) await dropBuild(client, one)
      }
      for (const one of this.#tables) {
        await client.query(dropTableSql(one.table.name, this.#lease.version, this.#lease.build))
        await client.query(createTableSql(one))
        if (bulk === 'keyed') await client.query(primaryKeySql(one))
      }
      // Of a beginning that was given up: what is at fault now is found anew.
      await client.query(`delete from read.parked where ${PROJECTIONS.row}`, this.#id())
      await client.query(
        `update read.projections
            set events = 0, target = $4, started_at = coalesce(started_at, clock_timestamp()) where ${PROJECTIONS.row}`,
        [...this.#id(), tail === 'start' ? null : tail],
      )
    })
    this.#work.log.info('the build has begun')
  }

  async #beginAgainWithKeys(): Promise<void> {
    this.#work.log.warn('an insert has replaced a row: the build begins again, with its primary keys')
    await this.#update(
      `bulk = 'keyed', position = null, event_time = null, events = 0, started_at = null,
       last_stream = null, last_revision = null, last_event_id = null`,
    )
  }

  /** At the position of the live build as one snapshot shows it, which this build is brought to exactly. */
  async #compare(live: Build, mine: Build): Promise<Comparison | SessionEnd> {
    const { pool } = this.#work
    const snapshot = await pool.connect()
    try {
      await snapshot.query('begin isolation level repeatable read read only; set local statement_timeout = 0')
      const { rows } = await snapshot.query<{ position: string | null }>(
        `select position::text from read.projections where ${PROJECTIONS.row} and live`,
        [live.name, live.version, live.build],
      )
      const [row] = rows
      // Flipped by an operator's hand meanwhile: look again.
      if (!row) return { kind: 'lost' }
      const position = row.position === null ? null : BigInt(row.position)
      const end = await this.#catchUp(position)
      if (end) return end
      return await this.#owning(() => this.#compareAt(snapshot, position, live, mine))
    } finally {
      // Nothing was written. A connection in whatever state is not given to anybody else.
      snapshot.release(true)
    }
  }

  async #compareAt(snapshot: pg.ClientBase, position: bigint | null, live: Build, mine: Build): Promise<Comparison> {
    const client = await this.#work.pool.connect()
    try {
      await client.query('begin isolation level repeatable read read only; set local statement_timeout = 0')
      const tables: TableComparison[] = []
      // Of another moment of the log the rows say nothing about each other.
      const atSamePlace = position === this.#lease.position
      for (const one of await comparableTables(snapshot, live, this.#tables)) {
        const [built, theirs] = await Promise.all([
          sumsOf(client, one.built),
          one.live && atSamePlace ? sumsOf(snapshot, one.live) : undefined,
        ])
        const sums = theirs && { live: theirs, built }
        const differences =
          one.live && sums
            ? await differencesOf({ live: snapshot, built: client }, { ...one, live: one.live }, sums)
            : []
        tables.push({
          table: one.table.table.name,
          live: sums?.live.rows ?? null,
          built: built.rows,
          equal: sums !== undefined && differences.length === 0 && sums.live.rows === built.rows,
          added: one.added,
          removed: one.removed,
          differences,
        })
      }
      const parked = await newlyParked(client, live, mine)
      const equal = parked.length === 0 && tables.every((table) => table.equal && table.added.length === 0)
      return {
        position: position === null ? null : String(position),
        with: { version: live.version, build: live.build },
        ...{ equal, tables, parked },
      }
    } finally {
      client.release(true)
    }
  }

  async #refuse(comparison: Comparison): Promise<SessionEnd> {
    await this.#fenced(async (client) => {
      await client.query(
        `update read.projections set stage = 'refused', report = $4, owner = null, lease_until = null, epoch = epoch + 1
          where ${PROJECTIONS.row}`,
        [...this.#id(), JSON.stringify(comparison)],
      )
      await announce(client, this.#lease)
    })
    this.#work.log.error(
      { comparison },
      'the build is refused: it differs from the live one. Look at `npm run projections -- diff`; `npm run rebuild -- ' +
        'NAME --force` takes it nevertheless',
    )
    return { kind: 'reached' }
  }

  async #endVerification(mine: Build, comparison: Comparison): Promise<SessionEnd> {
    await this.#fenced((client) => dropBuild(client, mine))
    this.#options.onVerified?.(comparison)
    return { kind: 'reached' }
  }

  /**
   * Nobody must see the live read model go back: its owner is put off for a moment, this build is brought to the same
   * event, and then everything changes in one transaction. Should this process die in between, the lease on the live
   * build runs out, and its owner goes on. Undefined: another build is live by now.
   */
  async #flip(mine: Build, comparison: Comparison): Promise<SessionEnd | undefined> {
    const { live } = await this.#look()
    const ahead = await this.#catchUp(live.position)
    if (ahead) return ahead
    const held = await this.#holdLive(live)
    if (!held) return undefined
    try {
      const end = await this.#catchUp(held.position)
      if (end) return end
      // Never back: whatever ended the way there early, it ends here.
      if ((this.#lease.position ?? -1n) < (held.position ?? -1n)) return { kind: 'lost' }
      if (!(await this.#changePlaces(live, held.epoch, mine, comparison))) return undefined
    } finally {
      // Where nothing came of it, the live one goes on at once.
      await releaseLease(this.#work.pool, held)
    }
    const { equal } = comparison
    this.#work.log.info({ equal, position: String(this.#lease.position) }, 'the build is live now')
    return { kind: 'reached' }
  }

  #changePlaces(live: Build, epoch: bigint, mine: Build, comparison: Comparison): Promise<boolean> {
    return this.#fenced(async (client) => {
      await client.query(`set local lock_timeout = '2s'`)
      const retired = await client.query(
        `update read.projections set live = false, stage = 'kept', owner = null, lease_until = null, epoch = epoch + 1,
                updated_at = clock_timestamp()
          where ${PROJECTIONS.row} and live and epoch = $4`,
        [live.name, live.version, live.build, epoch],
      )
      if (retired.rowCount !== 1) return false
      for (const table of new Set([...live.tables, ...mine.tables])) await client.query(dropViewSql(table))
      for (const one of this.#tables) await client.query(viewSql(one))
      // The owner stays, and goes on with it: who waits for this read model must not be told that nobody is at work on it.
      await client.query(
        `update read.projections set live = true, stage = 'live', report = $4, epoch = epoch + 1, target = least(target, position),
                lease_until = clock_timestamp() + $5 * interval '1 second'
          where ${PROJECTIONS.row}`,
        [...this.#id(), JSON.stringify(comparison), this.#lease.seconds],
      )
      await announce(client, live)
      await announce(client, mine)
      return true
    })
  }

  /** Under a name that none of this process's own workers has: each takes a lease of its own name over at once. */
  async #holdLive({ name, version, build }: Build): Promise<Lease | undefined> {
    const { seconds } = this.#lease
    const owner = `${this.#lease.owner}/flip`
    const { rows } = await this.#work.pool.query<{ epoch: string; position: string | null }>(
      `update read.projections
          set owner = $4, lease_until = clock_timestamp() + $5 * interval '1 second', epoch = epoch + 1
        where ${PROJECTIONS.row} and live returning epoch::text, position::text`,
      [name, version, build, owner, seconds],
    )
    const [row] = rows
    if (!row) return undefined
    const position = row.position === null ? null : BigInt(row.position)
    const lease = { checkpoints: PROJECTIONS, name, version, build, owner, seconds, position }
    return { ...lease, epoch: BigInt(row.epoch), last: null, eventTime: null }
  }
}

/** Of the same version the same rows are expected; a new one is there to have others. Lost streams are never expected. */
const mustNotFlip = ({ equal, parked }: Comparison, mine: Build, live: Build): boolean =>
  parked.length > 0 || (mine.version === live.version && !equal)

async function newlyParked(client: pg.ClientBase, live: Build, mine: Build): Promise<string[]> {
  const { rows } = await client.query<{ stream: string }>(
    `select stream from read.parked where name = $1 and version = $2 and build = $3
     except select stream from read.parked where name = $1 and version = $4 and build = $5 limit 20`,
    [mine.name, mine.version, mine.build, live.version, live.build],
  )
  return rows.map(({ stream }) => stream)
}
