/** The tables outside the event store as kysely knows them. Each schema is a truth of its own; see docs. */
import type { ColumnType, Generated } from 'kysely'

type Timestamp = ColumnType<Date, Date | string, Date | string>

export interface Database {
  'vault.keys': { name: string; wrapped_key: string; master_key_id: string }
  'vault.users': {
    user_id: string
    wrapped_key: string
    master_key_id: string
    legal_hold: Generated<boolean>
    claimed_at: Generated<Timestamp>
  }
  'vault.addresses': { email_lookup: string; user_id: string }
  'vault.throttles': { lookup: string; failures: number; last_at: Timestamp; locked_until: Timestamp | null }
  'vault.activity': { session_id: string; user_id: string; last_accessed_at: Timestamp; over: Generated<boolean> }
  'vault.access_tokens': {
    id: string
    name: string
    scopes: readonly string[]
    hash: string
    created_at: Timestamp
    last_used_at: Timestamp | null
    revoked_at: Timestamp | null
  }
  'vault.outbox': {
    id: Generated<string>
    event_id: string
    kind: string
    user_id: string
    revision: string
    occurred_at: Timestamp
    attempts: Generated<number>
    next_attempt_at: ColumnType<Date, Date | undefined, Date>
    done_at: Timestamp | null
    outcome: 'sent' | 'dropped' | 'given_up' | null
  }
  'vault.erasures': {
    user_id: string
    event_id: string
    erased_at: Timestamp
    filed_at: Generated<Timestamp>
    next_sweep_at: ColumnType<Date, Date | undefined, Date>
    last_sweep_at: Timestamp | null
    done_at: Timestamp | null
  }
  'vault.snapshots': {
    user_id: string
    fold: string
    revision: string
    event_id: string
    sealed: string
    taken_at: Timestamp
  }
  'read.sessions': SessionRow
  'read.auditlog': AuditRow
}

export interface SessionRow {
  id: string
  user_id: string
  hash: string
  ended_reason: string | null
  ended_at: Timestamp | null
  ended_position: string | null
  device_type: string
  browser_name: string | null
  browser_version: string | null
  os_name: string | null
  os_version: string | null
  user_agent: string | null
  ip: string | null
  country: string | null
  region: string | null
  city: string | null
  signed_in_at: Timestamp
}

export interface AuditRow {
  id: string
  /** Of an auditor's access: whom it names. */
  user_id: string | null
  /** null: an auditor's access, which is no event of the account's stream. */
  sequence: string | null
  position: string
  code: string
  message: string
  outcome: string
  occurred_at: Timestamp
  ip: string | null
  country: string | null
  region: string | null
  city: string | null
  device_type: string | null
  browser_name: string | null
  browser_version: string | null
  os_name: string | null
  os_version: string | null
  user_agent: string | null
  session_id: string | null
  session_hash: string | null
  about_session_id: string | null
  actor: string
  data: string
}
