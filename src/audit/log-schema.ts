import type { Migrations } from '../platform/migrations.ts'

/** The channel that tells the size of the tree each time it has grown, once that is committed. */
export const LOG_CHANNEL = 'strongroom_log'

/**
 * Leaves, the roots of complete subtrees at every fourth level (see proofs.ts), and signed checkpoints are only ever
 * added. `tree` is the one row that changes: the log's name and key, which never do, its size, and the roots at its
 * right edge (see frontier.ts), 32 bytes each, the largest subtree first.
 *
 * The triggers keep mistakes away, not a superuser: that nothing was changed is proven by the checkpoints that others
 * hold, not by this database.
 */
const tables = `
create table log.tree (
  the_only_one boolean primary key default true check (the_only_one),
  origin text not null,
  verifier_key text not null,
  size bigint not null default 0 check (size >= 0),
  frontier bytea not null default '',
  made_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

create table log.leaves (
  index bigint primary key,
  event_id uuid not null unique,
  hash bytea not null check (octet_length(hash) = 32)
);

create table log.subtrees (
  level smallint not null,
  index bigint not null,
  hash bytea not null check (octet_length(hash) = 32),
  primary key (level, index)
);

create table log.checkpoints (
  size bigint primary key,
  root bytea not null check (octet_length(root) = 32),
  note text not null,
  signed_at timestamptz not null default clock_timestamp()
);

create function log.refuse_change() returns trigger language plpgsql as $body$
begin
  raise exception 'the log is append-only';
end
$body$;

create trigger append_only before update or delete or truncate on log.leaves
  for each statement execute function log.refuse_change();
create trigger append_only before update or delete or truncate on log.subtrees
  for each statement execute function log.refuse_change();
create trigger append_only before update or delete or truncate on log.checkpoints
  for each statement execute function log.refuse_change();
create trigger only_one before delete or truncate on log.tree
  for each statement execute function log.refuse_change();
create trigger only_grows before update on log.tree for each row
  when (new.size < old.size or new.origin <> old.origin or new.verifier_key <> old.verifier_key)
  execute function log.refuse_change();
`

/** For the last checkpoint of each day, among up to 86,400. */
const byTime = 'create index on log.checkpoints (signed_at);'

export const logMigrations: Migrations = { '0001 log': tables, '0002 checkpoints by time': byTime }
