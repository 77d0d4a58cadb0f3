import type { Migrations } from '../platform/migrations.ts'

/** The channel on which the store announces the position of the last event of each batch, once it is committed. */
export const EVENTS_CHANNEL = 'strongroom_events'

/** Known to nothing but store.append: advisory locks are per database. */
const APPEND_LOCK = '6037823654104391023'

/**
 * Names are compared byte by byte (collation C): faster, and an upgrade of the operating system's locale data cannot
 * silently corrupt the index. JSON is kept as text: json would refuse, and jsonb would change, some of what was written.
 */
const events = `
create table store.events (
  position bigint primary key,
  stream text collate "C" not null,
  revision bigint not null,
  id uuid not null,
  type text collate "C" not null,
  data text not null,
  metadata text not null,
  recorded_at timestamptz not null,
  unique (stream, revision)
);

create function store.refuse_change() returns trigger language plpgsql as $body$
begin
  raise exception 'the events are append-only';
end
$body$;

create trigger append_only before update or delete or truncate on store.events
  for each statement execute function store.refuse_change();
`

/**
 * Appends the events of many callers in one transaction, each append (and the revision it expects) on its own.
 *
 * The lock makes positions a global order without gaps: whoever holds it is the only one to write, and PostgreSQL lets
 * go of it only after the transaction has become visible, so no event ever appears behind a position that a reader has
 * already seen. For this each statement below must see everything committed up to the moment the lock was granted. The
 * function is volatile, so in READ COMMITTED each takes a snapshot of its own, after the lock; the snapshot of the
 * calling statement, or one kept through the transaction by a stricter isolation level, would be from before it.
 *
 * Plans are kept (making them costs a third of a small append), and each has one sensible shape: an index look-up per
 * element. Without enable_seqscan = off, a plan made while the table was empty would scan it once it is large.
 *
 * In: per append its stream, the revision expected (-1: none) and its number of events; per event the number of its
 * append (from 1) and what is stored. At most one append per stream may be in a call. Out: the position of the last
 * event before the call; per append the revision its stream was at (-1: none), the append being written exactly where
 * that is the expected one; and for one that was not, the position of its last event where exactly its ids follow the
 * expected revision, however much came after them: a repeat. The caller counts the rest up by itself.
 */
const append = `
create function store.append(
  streams text[], expected bigint[], counts integer[],
  owners integer[], event_streams text[], revisions bigint[],
  ids uuid[], types text[], datas text[], metadatas text[],
  out head bigint, out actual bigint[], out repeated bigint[]
)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $body$
declare
  clock timestamptz;
  appended_count bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'store.append needs READ COMMITTED';
  end if;
  -- An acknowledged event must survive a crash, whatever the server's default.
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;
  perform pg_advisory_xact_lock(${APPEND_LOCK});

  select e.position, e.recorded_at into head, clock from store.events e order by e.position desc limit 1;
  head := coalesce(head, 0);
  -- Time never runs backwards in the order of positions, even where the server's clock was set back.
  clock := greatest(clock, clock_timestamp());

  select array_agg(coalesce(newest.revision, -1) order by a.number) into actual
  from unnest(streams) with ordinality a (stream, number)
  left join lateral (
    select e.revision from store.events e where e.stream = a.stream order by e.revision desc limit 1
  ) newest on true;

  insert into store.events (position, stream, revision, id, type, data, metadata, recorded_at)
  select head + row_number() over (order by e.number), e.stream, e.revision, e.id, e.type, e.data, e.metadata, clock
  from unnest(owners, event_streams, revisions, ids, types, datas, metadatas)
    with ordinality e (owner, stream, revision, id, type, data, metadata, number)
  where actual[e.owner] = expected[e.owner];

  get diagnostics appended_count = row_count;
  if appended_count > 0 then
    perform pg_notify('${EVENTS_CHANNEL}', (head + appended_count)::text);
  end if;

  if actual <> expected then
    select array_agg(found.last_position order by a.number) into repeated
    from generate_subscripts(counts, 1) a (number)
    left join (
      select e.owner, count(*) as count, max(stored.position) as last_position
      from unnest(owners, event_streams, revisions, ids) e (owner, stream, revision, id)
      cross join lateral (
        select s.position from store.events s
        where s.stream = e.stream and s.revision = e.revision and s.id = e.id limit 1
      ) stored
      where actual[e.owner] <> expected[e.owner]
      group by e.owner
    ) found on found.owner = a.number and found.count = counts[a.number];
  end if;
end
$body$;
`

export const storeMigrations: Migrations = { '0001 events': events, '0002 append': append }
