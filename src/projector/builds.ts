/** The builds of a projection as their rows tell, and what may be asked of them. */
import type pg from 'pg'
import { inTransaction } from '../platform/postgres.ts'
import { formatNews, PROJECTION_CHANNEL, REQUEST_CHANNEL } from './channel.ts'
import { dropTableSql } from './ddl.ts'
import { addBuild, lockBuilds, type ProjectionDefinition } from './schema.ts'

export interface Build {
  readonly name: string
  readonly version: number
  readonly build: number
  readonly stage: 'live' | 'building' | 'refused' | 'kept'
  readonly purpose: 'flip' | 'verify'
  /** It becomes live whatever the comparison finds. */
  readonly forced: boolean
  readonly state: 'running' | 'halted'
  /** A process holds its lease. */
  readonly owned: boolean
  readonly epoch: bigint
  readonly position: bigint | null
  /** 0 when caught up, else the age of the last event handled by the database's clock; null before the first. */
  readonly lagSeconds: number | null
  readonly bulk: 'raw' | 'keyed' | 'done'
  readonly tables: readonly string[]
  /** Events handled by whoever makes it, since `startedAt`. */
  readonly events: number
  /** Where the log ended when the work on it began, or the live build was. */
  readonly target: bigint | null
  readonly startedAt: Date | null
  /** Its position at that time; null: before the first event. */
  readonly startedFrom: bigint | null
  readonly updatedAt: Date
  readonly halted: unknown
  /** Of the comparison with the live build. */
  readonly report: unknown
  readonly parked: number
  /** An operator has asked for the release of a parked stream. */
  readonly releaseAsked: boolean
}

/** All builds of the projection, or of all, newest first. Throws what PostgreSQL throws. */
export async function listBuilds(db: pg.Pool | pg.ClientBase, name?: string): Promise<readonly Build[]> {
  const { rows } = await db.query<StoredBuild>(
    `select name, version, build, stage, purpose, forced, state, epoch::text, position::text, bulk, tables,
            events::text, target::text, started_at as "startedAt", started_from::text as "startedFrom",
            updated_at as "updatedAt", halted, report, owned,
            case when caught_up and owned then 0
                 when event_time is not null
                 then greatest(0, extract(epoch from clock_timestamp() - event_time))::float8 end as "lagSeconds",
            coalesce(parked, 0)::int as parked, coalesce(asked, false) as "releaseAsked"
       from (select *, coalesce(owner is not null and lease_until > clock_timestamp(), false) as owned
               from read.projections where $1::text is null or name = $1) as build
       left join (select name, version, build, count(*) as parked, bool_or(release_asked_at is not null) as asked
                    from read.parked group by 1, 2, 3) as aside using (name, version, build)
      order by name, version desc, build desc`,
    [name ?? null],
  )
  return rows.map((row) => ({
    ...row,
    epoch: BigInt(row.epoch),
    events: Number(row.events),
    position: row.position === null ? null : BigInt(row.position),
    target: row.target === null ? null : BigInt(row.target),
    startedFrom: row.startedFrom === null ? null : BigInt(row.startedFrom),
  }))
}

type StoredBuild = Omit<Build, 'epoch' | 'events' | 'position' | 'target' | 'startedFrom'> & {
  readonly epoch: string
  readonly events: string
  readonly position: string | null
  readonly target: string | null
  readonly startedFrom: string | null
}

export type RebuildAnswer =
  | { readonly kind: 'accepted'; readonly version: number; readonly build: number }
  /** One is under way already. */
  | { readonly kind: 'conflict'; readonly version: number; readonly build: number }

export interface RebuildRequest {
  readonly purpose?: 'flip' | 'verify'
  /** Make it live even where its rows differ from those of the live build of the same version. */
  readonly forced?: boolean
}

/**
 * Asks for a new build, of the version of this code. A process that projects takes it up. What an earlier one has left
 * unfinished in a halt, or a verification that died, gives way. With `forced` a build that was refused is taken as it is.
 */
export function requestRebuild(
  pool: pg.Pool,
  projection: ProjectionDefinition,
  { purpose = 'flip', forced = false }: RebuildRequest = {},
): Promise<RebuildAnswer> {
  const { name, version } = projection
  return inTransaction(pool, async (client) => {
    await lockBuilds(client)
    const builds = await listBuilds(client, name)
    const active = builds.find((one) => one.stage === 'building' && !isAbandoned(one))
    if (active) return { kind: 'conflict', version: active.version, build: active.build }
    for (const one of builds) if (one.stage === 'building') await dropBuild(client, one)
    const refused = builds.find((one) => one.stage === 'refused' && one.version === version)
    if (refused && forced && purpose === 'flip') {
      await takeUpAgain(client, refused)
      return { kind: 'accepted', version, build: refused.build }
    }
    const build = 1 + Math.max(0, ...builds.filter((one) => one.version === version).map((one) => one.build))
    await addBuild(client, projection, { build, stage: 'building', purpose, forced })
    await announce(client, { name, version, build })
    return { kind: 'accepted', version, build }
  })
}

/** Nobody will finish it. */
const isAbandoned = ({ state, purpose, owned }: Build): boolean =>
  state === 'halted' || (purpose === 'verify' && !owned)

/** Drops a build that was only to be compared, where it is still there. Whoever makes it must have stopped. */
export function cancelVerification(pool: pg.Pool, { name, version, build }: BuildId): Promise<void> {
  return inTransaction(pool, async (client) => {
    await lockBuilds(client)
    const builds = await listBuilds(client, name)
    const mine = builds.find((one) => one.version === version && one.build === build && one.purpose === 'verify')
    if (mine) await dropBuild(client, mine)
  })
}

export type RollbackAnswer = RebuildAnswer | { readonly kind: 'nothing' }

/** Asks that the build which was live before catches up and is live again. A process of its version has to run. */
export function requestRollback(pool: pg.Pool, name: string): Promise<RollbackAnswer> {
  return inTransaction(pool, async (client) => {
    await lockBuilds(client)
    const builds = await listBuilds(client, name)
    const active = builds.find((one) => one.stage === 'building' && !isAbandoned(one))
    if (active) return { kind: 'conflict', version: active.version, build: active.build }
    const [kept] = builds
      .filter((one) => one.stage === 'kept')
      .sort((a, b) => Number(b.updatedAt) - Number(a.updatedAt))
    if (!kept) return { kind: 'nothing' }
    await takeUpAgain(client, kept)
    return { kind: 'accepted', version: kept.version, build: kept.build }
  })
}

type BuildId = Pick<Build, 'name' | 'version' | 'build'>

/**
 * To become live whatever the comparison finds. It only has to get from where it is to where the live one is, and is
 * counted from here on: what was handled before says nothing of how long that takes.
 */
async function takeUpAgain(client: pg.ClientBase, { name, version, build }: BuildId): Promise<void> {
  await client.query(
    `update read.projections as mine
        set stage = 'building', forced = true, report = null, events = 0, started_at = clock_timestamp(),
            started_from = position, target = (select position from read.projections where name = mine.name and live)
      where name = $1 and version = $2 and build = $3`,
    [name, version, build],
  )
  await announce(client, { name, version, build })
}

/** Drops the tables and the row, in the transaction of the caller, who has locked the builds. Not of one that is live. */
export async function dropBuild(
  client: pg.ClientBase,
  { name, version, build, tables }: BuildId & Pick<Build, 'tables'>,
): Promise<void> {
  await client.query('delete from read.projections where name = $1 and version = $2 and build = $3 and not live', [
    name,
    version,
    build,
  ])
  // After the row, as whoever writes into the build has it: else the two could wait for each other.
  for (const table of tables) await client.query(dropTableSql(table, version, build))
  await announce(client, { name, version, build })
}

/** Those who run the projection look at its builds again, and those who wait for it at its row. */
export async function announce(client: pg.ClientBase, build: BuildId): Promise<void> {
  await client.query('select pg_notify($1, $2), pg_notify($3, $4)', [
    PROJECTION_CHANNEL,
    formatNews({ ...build, position: null }),
    REQUEST_CHANNEL,
    build.name,
  ])
}
