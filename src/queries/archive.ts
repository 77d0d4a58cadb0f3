/** What is kept of a person outside their own events. */
import type { Kysely } from 'kysely'
import type { Database } from '../platform/database.ts'
import type { AuditEventRow } from './audit-events.ts'

/** Accesses of auditors that name the person, oldest first. */
export const accessesTo = (db: Kysely<Database>, userId: string): Promise<readonly AuditEventRow[]> =>
  db
    .selectFrom('read.auditlog')
    .selectAll()
    .where('user_id', '=', userId)
    .where('sequence', 'is', null)
    .orderBy('position')
    .execute()

export interface MailRecord {
  readonly kind: string
  readonly occurredAt: string
  readonly outcome: string | null
}

/** Mails to the person that are still on record. What was in them is not kept. */
export const mailsTo = async (db: Kysely<Database>, userId: string): Promise<readonly MailRecord[]> => {
  const rows = await db
    .selectFrom('vault.outbox')
    .select(['kind', 'occurred_at', 'outcome'])
    .where('user_id', '=', userId)
    .orderBy('occurred_at')
    .execute()
  return rows.map(({ kind, occurred_at, outcome }) => ({ kind, occurredAt: occurred_at.toISOString(), outcome }))
}
