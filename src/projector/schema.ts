import { createHash } from 'node:crypto'
import pg from 'pg'
import { migrate } from '../platform/migrations.ts'
import { inTransaction } from '../platform/postgres.ts'
import { formatNews, PROJECTION_CHANNEL } from './channel.ts'
import { ProjectionFault } from './fault.ts'
import { layoutsOf, relationOf, type TableLayout } from './layout.ts'
import type { Projection, Table } from './row-operation.ts'

type ProjectionDefinition = Pick<Projection<never>, 'name' | 'version' | 'tables'>

/**
 * Makes schema `read` and, for each projection not seen before, its tables `read.<table>_v<version>`. Where no version
 * of the projection is served yet, this one becomes the live one and the views `read.<table>` show it; otherwise it
 * stands beside the live one, empty, until it is flipped. Safe to repeat and to run in several processes at once; a
 * process that runs no projector calls it too, so that the views it queries exist.
 *
 * Throws ProjectionFault where a definition contradicts itself, or has changed without a new version.
 */
export async function registerProjections(pool: pg.Pool, projections: readonly ProjectionDefinition[]): Promise<void> {
  await migrate(pool, 'read', MIGRATIONS)
  for (const projection of projections) {
    const layouts = layoutsOf(projection)
    await inTransaction(pool, (client) => register(client, projection, layouts))
  }
}

/**
 * One row per version of a projection. `live` marks the version that the views show: a rebuild flips it and the views
 * in one transaction. `position` (of the last event handled), `event_time` and `caught_up` belong to the owner named
 * by `owner`, `epoch` and `lease_until`; every write of the owner is conditional on the epoch. `last_*` name that event:
 * a position means something in one store only, and by them another store is told (null in rows of earlier releases).
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
}

/** Serialises registration between processes: CREATE ... IF NOT EXISTS alone fails when two run it at once. */
const REGISTRATION_LOCK = 'strongroom.read.registration'

async function register(
  client: pg.ClientBase,
  projection: ProjectionDefinition,
  layouts: ReadonlyMap<string, TableLayout>,
): Promise<void> {
  const { name, version, tables } = projection
  await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [REGISTRATION_LOCK])
  const { rows: known } = await client.query<{ version: number; definition: string; live: boolean }>(
    'select version, definition, live from read.projections where name = $1',
    [name],
  )
  const definition = fingerprint(tables)
  const same = known.find((row) => row.version === version)
  if (same && same.definition !== definition) {
    throw new ProjectionFault(`the tables of ${name} have changed: give it version ${version + 1}, to be built anew`)
  }
  // A known version's DDL is not repeated: replacing a view would wait for, and then block, the queries on it.
  if (same) return
  const live = known.every((row) => !row.live)
  for (const table of tables) {
    const layout = layouts.get(table.name)
    if (layout) await client.query(tableSql(table, layout, version))
    if (live && layout) await client.query(viewSql(table.name, layout))
  }
  await client.query('insert into read.projections (name, version, definition, live) values ($1, $2, $3, $4)', [
    name,
    version,
    definition,
    live,
  ])
  await client.query('select pg_notify($1, $2)', [PROJECTION_CHANNEL, formatNews({ name, version, position: null })])
}

/** Of what `tableSql` makes, whatever the order in which columns or tables are written down. */
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

function tableSql(table: Table, layout: TableLayout, version: number): string {
  const columns = layout.columns.map(
    ({ name, type, nullable }) => `${pg.escapeIdentifier(name)} ${type}${nullable ? '' : ' not null'}`,
  )
  const key = table.primaryKey.map((name) => pg.escapeIdentifier(name)).join(', ')
  const indexes = table.indexes.map((definition, index) => {
    const name = pg.escapeIdentifier(`${table.name}_v${version}_${index + 1}`)
    return `create index ${name} on ${relationOf(table.name, version)} ${definition}`
  })
  const create = `create table ${layout.relation} (${columns.join(', ')}, primary key (${key}))`
  return [create, ...indexes].join(';\n')
}

function viewSql(name: string, layout: TableLayout): string {
  const columns = layout.columns.map((column) => pg.escapeIdentifier(column.name)).join(', ')
  return `create view read.${pg.escapeIdentifier(name)} as select ${columns} from ${layout.relation}`
}
