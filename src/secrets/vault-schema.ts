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
}
