import type pg from 'pg'
import type { Logger } from 'pino'
import type { Notifications } from '../platform/notifications.ts'
import { PROJECTION_CHANNEL, type ProjectionNews, parseNews } from './channel.ts'
import { Gauge, type LiveRow, type WaitOutcome } from './gauge.ts'

export interface ProgressOptions {
  readonly pool: pg.Pool
  readonly notifications: Notifications
  readonly log: Logger
}

export interface ReadModelStatus {
  readonly name: string
  readonly version: number
  readonly state: 'running' | 'halted'
  /** A process holds its lease. */
  readonly owned: boolean
  /** Last event handled; null before the first. */
  readonly position: bigint | null
  /** 0 when caught up, else the age of the last event handled by the database's clock; null before the first. */
  readonly lagSeconds: number | null
}

/** How far the read models are, for the side that queries them: also in a process that runs no projector. */
export interface Progress {
  /**
   * Waits until the live version of the projection has handled the event at the position. `halted` at once when nothing
   * will get it there at present: it is halted, no process owns it, or it does not exist. `behind` after `timeoutMs`,
   * or when the signal aborts. Throws when the database cannot be asked.
   */
  waitFor(name: string, position: bigint, timeoutMs: number, signal?: AbortSignal): Promise<WaitOutcome>
  /**
   * Whether this stream is left aside by the live version, so that its rows are not up to date. Throws when the database
   * cannot be asked.
   */
  isParked(name: string, stream: string): Promise<boolean>
  /**
   * Whether the live version is a first build that has not got to where the history ended when it was begun: its tables
   * hold a part of what was there before. Throws when the database cannot be asked.
   */
  isPartial(name: string): Promise<boolean>
  /** Of the live version; undefined where there is none. Throws what PostgreSQL throws. */
  statusOf(name: string): Promise<ReadModelStatus | undefined>
  close(): Promise<void>
}

/** Reads `read.projections`, and listens to what projectors tell. */
export function openProgress({ pool, notifications, log }: ProgressOptions): Progress {
  const gauges = new Map<string, Gauge>()
  /** By projection; forgotten whenever something but progress has happened. */
  const parked = new Map<string, Promise<ReadonlySet<string>>>()
  /** By projection, and forgotten likewise; only that it is whole is kept. */
  const partial = new Map<string, Promise<boolean>>()
  const gaugeOf = (name: string) => {
    const gauge = gauges.get(name) ?? new Gauge(() => readLive(pool, name))
    gauges.set(name, gauge)
    return gauge
  }
  const listening = notifications.listen(PROJECTION_CHANNEL, (payload) => {
    const news = payload === undefined ? undefined : parseNews(payload)
    if (news === undefined || news.position === null) {
      parked.clear()
      partial.clear()
    }
    if (news) tell(gauges.get(news.name), news)
    else for (const gauge of gauges.values()) gauge.forget()
  })
  listening.catch((error: unknown) => log.error({ err: error }, 'the progress of read models cannot be listened to'))
  return {
    waitFor: async (name, position, timeoutMs, signal) => {
      // Without it a check might be older than the first notification heard.
      await listening
      return gaugeOf(name).waitFor(position, timeoutMs, signal)
    },
    isParked: async (name, stream) => {
      await listening
      const known = parked.get(name) ?? readParked(pool, name)
      parked.set(name, known)
      try {
        return (await known).has(stream)
      } catch (error) {
        if (parked.get(name) === known) parked.delete(name)
        throw error
      }
    },
    isPartial: async (name) => {
      await listening
      const known = partial.get(name) ?? readPartial(pool, name)
      partial.set(name, known)
      const isWhole = await known.then(
        (found) => !found,
        () => false,
      )
      if (!isWhole && partial.get(name) === known) partial.delete(name)
      return known
    },
    statusOf: (name) => readStatus(pool, name),
    close: async () => {
      const stop = await listening.catch(() => undefined)
      stop?.()
    },
  }
}

function tell(gauge: Gauge | undefined, { version, build, position }: ProjectionNews): void {
  if (position === null) gauge?.forget()
  else gauge?.advance({ version, build }, position)
}

async function readLive(pool: pg.Pool, name: string): Promise<LiveRow | undefined> {
  // Halted at the checkpoint itself, the position is of another store: no position of this one was reached.
  const { rows } = await pool.query<{ version: number; build: number; position: string | null; moving: boolean }>(
    `select version, build, case when state = 'halted' and halted_at <= position then null else position::text end as position,
            state = 'running' and owner is not null and lease_until > clock_timestamp() as moving
       from read.projections where name = $1 and live`,
    [name],
  )
  const [row] = rows
  return row && { ...row, position: row.position === null ? null : BigInt(row.position) }
}

async function readParked(pool: pg.Pool, name: string): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ stream: string }>(
    'select stream from read.parked join read.projections using (name, version, build) where name = $1 and live',
    [name],
  )
  return new Set(rows.map(({ stream }) => stream))
}

async function readPartial(pool: pg.Pool, name: string): Promise<boolean> {
  const { rows } = await pool.query<{ partial: boolean }>(
    'select coalesce(coalesce(position, -1) < target, false) as partial from read.projections where name = $1 and live',
    [name],
  )
  return rows[0]?.partial ?? false
}

async function readStatus(pool: pg.Pool, name: string): Promise<ReadModelStatus | undefined> {
  const { rows } = await pool.query<Omit<ReadModelStatus, 'position'> & { position: string | null }>(
    `select name, version, state, owned, position::text,
            case when caught_up and owned then 0
                 when event_time is not null
                 then greatest(0, extract(epoch from clock_timestamp() - event_time))::float8 end as "lagSeconds"
       from (select *, coalesce(owner is not null and lease_until > clock_timestamp(), false) as owned
               from read.projections where name = $1 and live) as live`,
    [name],
  )
  const [row] = rows
  return row && { ...row, position: row.position === null ? null : BigInt(row.position) }
}
