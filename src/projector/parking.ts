/**
 * Streams left aside. A projection whose streams do not touch each other's rows need not stop for all where one event of
 * one stream cannot be projected: that stream is parked from this event on, and its rows stay as they are until an
 * operator asks for its release. Its events are not copied anywhere: the store has them, in order. The list of streams is
 * as disposable as the rows it excuses: a build that begins anew meets the same events, and parks what it has to.
 */
import type pg from 'pg'
import type { Logger } from 'pino'
import type { EventStore, RecordedEvent } from '../event-store/port.ts'
import { inTransaction } from '../platform/postgres.ts'
import { LeaseLost } from './batch.ts'
import { formatNews, PROJECTION_CHANNEL, REQUEST_CHANNEL } from './channel.ts'
import { describeFault } from './fault.ts'
import type { Decode } from './inbox.ts'
import { type Job, type Parking, PROJECTIONS } from './job.ts'
import type { Lease } from './lease.ts'
import { isPassing, isSchemaGone } from './session.ts'

export interface ParkingOptions<Event> {
  readonly pool: pg.Pool
  readonly store: Pick<EventStore, 'read'>
  readonly decode: Decode<Event>
  readonly prepare: Job<Event>['prepare']
  /** The event is of a newer release than this process: another one may project it, so the stream is not parked. */
  readonly isForNewer: (error: unknown) => boolean
  readonly log: Logger
}

/** More than that is a fault of the projection, not of some streams: it halts. */
const MOST_PARKED = 100
const RELEASED_AT_ONCE = 500

export function openParking<Event>(options: ParkingOptions<Event>): Parking {
  const { pool, log } = options
  const held = new Set<string>()
  return {
    async begin(lease, signal) {
      held.clear()
      const { rows } = await pool.query<{ stream: string; revision: string; asked: boolean }>(
        `select stream, revision::text, release_asked_at is not null as asked from read.parked
          where ${PROJECTIONS.row} order by stream`,
        idOf(lease),
      )
      for (const { stream } of rows) held.add(stream)
      for (const { stream, revision, asked } of rows) {
        if (signal.aborted) return
        if (asked && (await release(options, lease, stream, BigInt(revision)))) held.delete(stream)
      }
    },
    holds: (stream) => held.has(stream),
    park(lease, event, error) {
      if (options.isForNewer(error) || held.size >= MOST_PARKED) return undefined
      const fault = describeFault(error)
      const { stream, revision, position, id: eventId, type } = event
      return async (client) => {
        await client.query(
          `insert into read.parked (name, version, build, stream, revision, position, event_id, type, fault)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
          [...idOf(lease), stream, revision, position, eventId, type, JSON.stringify(fault)],
        )
        held.add(stream)
        log.error(
          { eventId, position: String(position), type, stream, revision: String(revision), fault },
          'a stream is parked: this event of it cannot be projected. All others go on; `npm run projections -- unpark` ' +
            'tries it again',
        )
      }
    },
  }
}

const idOf = ({ name, version, build }: Pick<Lease, 'name' | 'version' | 'build'>): [string, number, number] => [
  name,
  version,
  build,
]

/** Projects what has gathered, in order, up to the checkpoint; what comes behind it is not parked any more. */
async function release<Event>(
  options: ParkingOptions<Event>,
  lease: Lease,
  stream: string,
  from: bigint,
): Promise<boolean> {
  let next = from
  for (;;) {
    const events: RecordedEvent[] = []
    for await (const event of options.store.read(stream, { from: next, limit: RELEASED_AT_ONCE })) {
      if (event.position <= (lease.position ?? -1n)) events.push(event)
    }
    const last = events.at(-1)
    if (last && !(await project(options, lease, stream, events))) return false
    if (last && events.length === RELEASED_AT_ONCE) {
      next = last.revision + 1n
      continue
    }
    await step(options, lease, async (client) => {
      await client.query(`delete from read.parked where ${PROJECTIONS.row} and stream = $4`, [...idOf(lease), stream])
      await client.query('select pg_notify($1, $2)', [PROJECTION_CHANNEL, formatNews({ ...lease, position: null })])
    })
    options.log.info({ stream }, 'a parked stream is released')
    return true
  }
}

/** False: one of them cannot be projected, and the stream stays parked from there on. */
async function project<Event>(
  options: ParkingOptions<Event>,
  lease: Lease,
  stream: string,
  events: readonly RecordedEvent[],
): Promise<boolean> {
  try {
    const write = await options.prepare(await Promise.all(events.map((event) => options.decode(event))))
    const next = (events.at(-1)?.revision ?? 0n) + 1n
    await step(options, lease, async (client) => {
      await write(client)
      await client.query(`update read.parked set revision = $5 where ${PROJECTIONS.row} and stream = $4`, [
        ...idOf(lease),
        stream,
        next,
      ])
    })
    return true
  } catch (error) {
    if (error instanceof LeaseLost || isPassing(error) || isSchemaGone(error)) throw error
    const [first, ...more] = events
    if (!first) return true
    if (more.length > 0) {
      const middle = events.length >> 1
      return (
        (await project(options, lease, stream, events.slice(0, middle))) &&
        (await project(options, lease, stream, events.slice(middle)))
      )
    }
    const fault = describeFault(error)
    await step(options, lease, async (client) => {
      await client.query(
        `update read.parked
            set revision = $5, position = $6, event_id = $7, type = $8, fault = $9, release_asked_at = null
          where ${PROJECTIONS.row} and stream = $4`,
        [...idOf(lease), stream, first.revision, first.position, first.id, first.type, JSON.stringify(fault)],
      )
    })
    const { id: eventId, position, type } = first
    options.log.error({ eventId, position: String(position), type, stream, fault }, 'a parked stream stays parked')
    return false
  }
}

/** In a transaction that holds the row of the checkpoint: no other owner moves it, or releases the same. */
async function step<Event>(
  { pool }: ParkingOptions<Event>,
  lease: Lease,
  work: (client: pg.ClientBase) => Promise<void>,
): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `update read.projections set updated_at = clock_timestamp() where ${PROJECTIONS.row} and epoch = $4`,
      [...idOf(lease), lease.epoch],
    )
    if (rowCount !== 1) throw new LeaseLost(`${lease.name} has another owner`)
    await work(client)
  })
}

export interface ParkedStream {
  readonly stream: string
  readonly revision: string
  readonly eventId: string
  readonly type: string
  readonly fault: unknown
  readonly parkedAt: Date
  readonly releaseAsked: boolean
}

/** Of the live build. */
export async function listParked(pool: pg.Pool, name: string): Promise<readonly ParkedStream[]> {
  const { rows } = await pool.query<ParkedStream>(
    `select stream, revision::text, event_id as "eventId", type, fault, parked_at as "parkedAt",
            release_asked_at is not null as "releaseAsked"
       from read.parked join read.projections using (name, version, build)
      where name = $1 and live order by parked_at`,
    [name],
  )
  return rows
}

/** Of one stream of the live build, or of all. Returns how many are asked for; whoever owns the projection does it. */
export async function askRelease(pool: pg.Pool, name: string, stream?: string): Promise<number> {
  const { rowCount } = await pool.query(
    `update read.parked as aside set release_asked_at = clock_timestamp() from read.projections as build
      where (build.name, build.version, build.build) = (aside.name, aside.version, aside.build) and build.live
        and aside.name = $1 and ($2::text is null or aside.stream = $2)`,
    [name, stream ?? null],
  )
  await pool.query('select pg_notify($1, $2)', [REQUEST_CHANNEL, name])
  return rowCount ?? 0
}

/** Leaves a stream aside by hand, from the event behind the checkpoint on. False: it is parked already, or nothing is live. */
export async function parkStream(
  pool: pg.Pool,
  store: Pick<EventStore, 'read'>,
  name: string,
  stream: string,
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ version: number; build: number; position: string | null }>(
      `update read.projections set epoch = epoch + 1, owner = null, lease_until = null
        where name = $1 and live returning version, build, position::text`,
      [name],
    )
    const [live] = rows
    if (!live) return false
    // Its owner has lost the lease, and the row is locked: the position stays while the stream is read.
    const position = BigInt(live.position ?? -1)
    let revision = 0n
    for await (const event of store.read(stream, { backwards: true })) {
      if (event.position > position) continue
      revision = event.revision + 1n
      break
    }
    const { rowCount } = await client.query(
      `insert into read.parked (name, version, build, stream, revision, position, event_id, type, fault)
       values ($1, $2, $3, $4, $5, $6, '', '', '{"error":"parked by an operator"}') on conflict do nothing`,
      [name, live.version, live.build, stream, revision, live.position ?? 0],
    )
    await client.query('select pg_notify($1, $2)', [
      PROJECTION_CHANNEL,
      formatNews({ name, version: live.version, build: live.build, position: null }),
    ])
    return rowCount === 1
  })
}
