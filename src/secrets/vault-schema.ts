/** The vault's tables: a second truth beside the events. Losing them loses every person's data; see docs/runbook. */
export const vaultMigrations = {
  '001_vault': `
    create table vault.keys (
      name text primary key,
      wrapped_key text not null,
      master_key_id text not null
    );
    create table vault.users (
      user_id uuid primary key,
      email_lookup text not null unique,
      wrapped_key text not null,
      master_key_id text not null,
      legal_hold boolean not null default false,
      claimed_at timestamptz not null default now()
    );
    create table vault.throttles (
      lookup text primary key,
      failures integer not null,
      last_at timestamptz not null,
      locked_until timestamptz
    );
    create index throttles_last_at on vault.throttles (last_at);
    create table vault.activity (
      session_id uuid primary key,
      user_id uuid not null,
      last_accessed_at timestamptz not null
    );
    create index activity_user on vault.activity (user_id);
  `,
  // An account whose address changes holds two for a moment; and a claim must never stand between two tables.
  '002_addresses': `
    create table vault.addresses (
      email_lookup text primary key,
      user_id uuid not null references vault.users on delete cascade
    );
    create index addresses_user on vault.addresses (user_id);
    insert into vault.addresses (email_lookup, user_id) select email_lookup, user_id from vault.users;
    alter table vault.users drop column email_lookup;
  `,
  '003_access_tokens': `
    create table vault.access_tokens (
      id uuid primary key,
      name text not null,
      scopes text[] not null check (cardinality(scopes) > 0),
      hash text not null,
      created_at timestamptz not null,
      last_used_at timestamptz,
      revoked_at timestamptz
    );
  `,
  // Columns and their order are those of rate-limiter-flexible. Unlogged: a count of one minute is not worth a flush to
  // disk, nor a place in a backup, and after a crash everybody may begin anew.
  '004_address_limits': `
    create unlogged table vault.address_limits (
      key text primary key,
      points integer not null,
      expire bigint not null
    );
    create index address_limits_expire on vault.address_limits (expire);
  `,
  // Whose session is over needs no more looking at; the row stays for a while, for the list of ended sessions.
  '005_activity_over': `
    alter table vault.activity add column over boolean not null default false;
    create index activity_not_over on vault.activity (last_accessed_at, session_id) where not over;
    create index activity_over on vault.activity (last_accessed_at) where over;
  `,
  // The columns are those of read.projections (src/projector/schema.ts), whose statements work on both. Here, because a
  // reactor that begins anew mails, erases or signs again.
  '006_reactors': `
    create table vault.reactors (
      name text primary key,
      version integer not null check (version = 1),
      position bigint,
      last_stream text,
      last_revision bigint,
      last_event_id text,
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
      check ((state = 'halted') = (halted_at is not null)),
      check (num_nonnulls(last_stream, last_revision, last_event_id) in (0, 3)),
      check (position is not null or last_stream is null)
    ) with (fillfactor = 50);
  `,
  // Mail to be sent, by the event it is about. No address, no text, no token: all that is made when it is sent.
  '007_outbox': `
    create table vault.outbox (
      id bigint generated always as identity primary key,
      event_id uuid not null,
      kind text not null,
      user_id uuid not null,
      revision bigint not null,
      occurred_at timestamptz not null,
      attempts integer not null default 0,
      next_attempt_at timestamptz not null default clock_timestamp(),
      done_at timestamptz,
      outcome text check (outcome in ('sent', 'dropped', 'given_up')),
      unique (event_id, kind),
      check ((done_at is null) = (outcome is null))
    );
    create index outbox_due on vault.outbox (next_attempt_at) where done_at is null;
    create index outbox_done on vault.outbox (done_at) where done_at is not null;
  `,
  // Who was erased, by a random id, and how far it is: the reactor files a row where it deletes the key, and the rest is
  // done because of it. It stays, so that a key that comes back by a restore is found and deleted again.
  '008_erasures': `
    create table vault.erasures (
      user_id uuid primary key,
      event_id uuid not null,
      erased_at timestamptz not null,
      filed_at timestamptz not null default clock_timestamp(),
      next_sweep_at timestamptz not null default clock_timestamp(),
      last_sweep_at timestamptz,
      done_at timestamptz
    );
    create index erasures_due on vault.erasures (next_sweep_at) where done_at is null;
  `,
  // Folded states of long accounts (src/accounts/snapshots.ts), sealed, disposable. Here, so that they go with their user.
  '009_snapshots': `
    create table vault.snapshots (
      user_id uuid primary key references vault.users on delete cascade,
      fold text not null,
      revision bigint not null,
      event_id uuid not null,
      sealed text not null,
      taken_at timestamptz not null
    );
    -- What is sealed does not compress.
    alter table vault.snapshots alter column sealed set storage external;
  `,
  // ANALYZE keeps samples of a column's values, and a deletion of rows does not reach them: wrapped keys of who is erased,
  // keyed addresses, client addresses. A type that is set, also to what it is, drops the samples there are.
  '010_no_samples': `
    alter table vault.users alter column wrapped_key type text, alter column wrapped_key set statistics 0;
    alter table vault.addresses alter column email_lookup type text, alter column email_lookup set statistics 0;
    alter table vault.throttles alter column lookup type text, alter column lookup set statistics 0;
    alter table vault.snapshots alter column sealed type text, alter column sealed set storage external,
      alter column sealed set statistics 0;
    alter table vault.address_limits alter column key type text, alter column key set statistics 0;
  `,
}
