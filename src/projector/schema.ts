import { createHash } from 'node:crypto'
import type pg from 'pg'
import type { Position } from '../event-store/port.ts'
import { migrate } from '../platform/migrations.ts'
import { inTransaction } from '../platform/postgres.ts'
import { formatNews, PROJECTION_CHANNEL } from './channel.ts'
import { type BuildTable, createTableSql, indexesSql, primaryKeySql, viewSql } from './ddl.ts'
import { ProjectionFault } from './fault.ts'
import { layoutsOf } from './layout.ts'
import type { Projection, Table } from './row-operation.ts'

export type ProjectionDefinition = Pick<Projection<never>, 'name' | 'version' | 'tables'>

/**
 * Makes schema `read` and, for each projection not seen before, its tables `read.<table>_v<version>`. Where no version
 * of the projection is served yet, this one becomes the live one and the views `read.<table>` show it. Where it is newer
 * than all that are there, it is announced: a process that projects builds it beside the live one, and flips. An older
 * one is left alone: who goes back to it says so (see rollBack). Safe to repeat and to run in several processes at once;
 * a process that runs no projector calls it too, so that the views it queries exist.
 *
 * `tail`, of the store: where a first build is made of a history that is there already (the schema was dropped), the row
 * notes how far that goes, and until then what is in the tables is only a part (see Progress.isPartial). Left out: it is
 * not asked, and the tables count as whole.
 *
 * Throws ProjectionFault where a definition contradicts itself, or has changed without a new version; and what `tail` throws.
 */
export async function registerProjections(
  pool: pg.Pool,
  projections: readonly ProjectionDefinition[],
  { tail }: { readonly tail?: () => Promise<Position | 'start'> } = {},
): Promise<void> {
  await migrate(pool, 'read', MIGRATIONS)
  for (const projection of projections) {
    tablesOf(projection)
    await inTransaction(pool, (client) => register(client, projection, tail))
  }
}

/**
 * One row per build: a set of tables of one version of a projection. Its stage:
 * `live`: the views show it; exactly one. `building`: it is being filled in bulk, or brought up to the live one, to be
 * compared with it and to take its place; a `verify` build is only compared, and then dropped. `refused`: the comparison
 * found what it must not; it waits for an operator. `kept`: it was live before, and stays for a rollback.
 *
 * `position` (of the last event handled), `event_time` and `caught_up` belong to the owner named by `owner`, `epoch` and
 * `lease_until`; every write of the owner is conditional on the epoch. `last_*` name that event: a position means
 * something in one store only, and by them another store is told (null in rows of earlier releases).
 * `bulk`: rows are still without key and indexes, as a bulk load leaves them (`raw`, or `keyed` where it needed the keys
 * from the beginning); `done` when they are there. `events`, `target`, `started_at` and `started_from` tell how far a build is:
 * how many it has handled since, on the way from where to where; `started_from` is null where that is the beginning of the
 * log. `target` of the first build of all is where the history ended when it was made.
 */
const MIGRATIONS = {
  '0001 projections': `
    create table read.projections (
      name text not null,
      version integer not null,
      definition text not null,
      live boolean not null,
      position bigint,
      event_time timestamptz,
      caught_up boolean not null default false,
      owner text,
      epoch bigint not null default 0,
      lease_until timestamptz,
      state text not null default 'running' check (state in ('running', 'halted')),
      halted_at bigint,
      halted json,
      registered_at timestamptz not null default clock_timestamp(),
      updated_at timestamptz not null default clock_timestamp(),
      primary key (name, version),
      check ((state = 'halted') = (halted_at is not null))
    ) with (fillfactor = 50);
    create unique index projections_live on read.projections (name) where live;
  `,
  '0002 the event at the checkpoint': `
    alter table read.projections
      add column last_stream text,
      add column last_revision bigint,
      add column last_event_id text,
      add check (num_nonnulls(last_stream, last_revision, last_event_id) in (0, 3)),
      add check (position is not null or last_stream is null);
  `,
  '0003 builds': `
    alter table read.projections
      add column build integer not null default 1,
      add column stage text not null default 'live' check (stage in ('live', 'building', 'refused', 'kept')),
      add column purpose text not null default 'flip' check (purpose in ('flip', 'verify')),
      add column forced boolean not null default false,
      add column bulk text not null default 'done' check (bulk in ('raw', 'keyed', 'done')),
      add column tables text[] not null default '{}',
      add column events bigint not null default 0,
      add column target bigint,
      add column started_at timestamptz,
      add column report json;
    update read.projections set stage = 'building', bulk = 'raw', position = null, last_stream = null,
           last_revision = null, last_event_id = null where not live;
    alter table read.projections
      alter column stage drop default,
      add check (live = (stage = 'live')),
      drop constraint projections_pkey,
      add primary key (name, version, build);
    create table read.parked (
      name text not null,
      version integer not null,
      build integer not null,
      stream text not null,
      revision bigint not null,
      position bigint not null,
      event_id text not null,
      type text not null,
      fault json not null,
      parked_at timestamptz not null default clock_timestamp(),
      release_asked_at timestamptz,
      primary key (name, version, build, stream),
      foreign key (name, version, build) references read.projections on delete cascade
    );
  `,
  '0004 where a build goes on from': `
    alter table read.projections add column started_from bigint;
  `,
}

/** Serialises what makes and drops builds: CREATE ... IF NOT EXISTS alone fails when two run it at once. */
const REGISTRATION_LOCK = 'strongroom.read.registration'

export async function lockBuilds(client: pg.ClientBase): Promise<void> {
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [REGISTRATION_LOCK])
}

/** Throws ProjectionFault. */
export function tablesOf(projection: ProjectionDefinition, build = 1): readonly BuildTable[] {
  const layouts = layoutsOf(projection, build)
  return projection.tables.flatMap((table) => {
    const layout = layouts.get(table.name)
    return layout === undefined ? [] : [{ table, layout }]
  })
}

async function register(
  client: pg.ClientBase,
  projection: ProjectionDefinition,
  tail: (() => Promise<Position | 'start'>) | undefined,
): Promise<void> {
  const { name, version, tables } = projection
  await lockBuilds(client)
  const { rows: known } = await client.query<{ version: number; definition: string; live: boolean }>(
    'select version, definition, live from read.projections where name = $1',
    [name],
  )
  const definition = fingerprint(tables)
  const same = known.find((row) => row.version === version)
  if (same && same.definition !== definition) {
    throw new ProjectionFault(`the tables of ${name} have changed: give it version ${version + 1}, to be built anew`)
  }
  if (same) {
    // Rows of an earlier release do not say which tables are theirs.
    await client.query(`update read.projections set tables = $3 where name = $1 and version = $2 and tables = '{}'`, [
      name,
      version,
      tables.map((table) => table.name),
    ])
    return
  }
  const live = known.every((row) => !row.live)
  if (!live && known.some((row) => row.version > version)) return
  const end = live && tail ? await tail() : 'start'
  await addBuild(client, projection, { build: 1, stage: live ? 'live' : 'building' })
  if (end !== 'start') {
    await client.query('update read.projections set target = $3 where name = $1 and version = $2', [name, version, end])
  }
  await client.query('select pg_notify($1, $2)', [
    PROJECTION_CHANNEL,
    formatNews({ name, version, build: 1, position: null }),
  ])
}

/** The row of a build and, with their keys and indexes, its empty tables; the views of one that is live. */
export async function addBuild(
  client: pg.ClientBase,
  projection: ProjectionDefinition,
  how: {
    readonly build: number
    readonly stage: 'live' | 'building'
    readonly purpose?: 'flip' | 'verify'
    readonly forced?: boolean
  },
): Promise<void> {
  const { name, version, tables } = projection
  const { build, stage, purpose = 'flip', forced = false } = how
  for (const one of tablesOf(projection, build)) {
    await client.query(createTableSql(one))
    await client.query(primaryKeySql(one))
    for (const statement of indexesSql(one).values()) await client.query(statement)
    if (stage === 'live') await client.query(viewSql(one))
  }
  await client.query(
    `insert into read.projections (name, version, build, definition, live, stage, bulk, purpose, forced, tables)
     values ($1, $2, $3, $4, $5::text = 'live', $5, case $5 when 'live' then 'done' else 'raw' end, $6, $7, $8)`,
    [name, version, build, fingerprint(tables), stage, purpose, forced, tables.map((table) => table.name)],
  )
}

/** Of what makes a table, whatever the order in which columns or tables are written down. */
function fingerprint(tables: readonly Table[]): string {
  const facts = tables.map((table) => [
    table.name,
    Object.entries(table.columns)
      .map(([name, { type, nullable = false }]) => [name, type, nullable] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
    table.primaryKey,
    table.indexes,
  ])
  facts.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}
