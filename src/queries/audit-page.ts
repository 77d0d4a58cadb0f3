/**
 * A page of a person's audit log, as the JSON that leaves. Asked for more often than anything else of the read side, and
 * mostly text that only passes through; so it is never made into objects, which would take twice as long. Its lines are
 * AuditEvents as `auditEventView` makes them: a test holds the two together.
 */
import { type CompiledQuery, type Kysely, sql } from 'kysely'
import type { Database } from '../platform/database.ts'
import { type AuditFilter, auditEventsBefore } from './audit-events.ts'

/** Rows as arrays of text, in the order of the columns selected. */
export type ReadTextRows = (query: CompiledQuery) => Promise<readonly TextRow[]>
type TextRow = readonly (string | null)[]

export interface AuditPage {
  /** AuditEvents as JSON, newest first. */
  readonly lines: readonly string[]
  /** Position of the last one, where there are more behind it. */
  readonly nextBefore: string | null
}

export const auditPage = async (
  { db, readTextRows }: { readonly db: Kysely<Database>; readonly readTextRows: ReadTextRows },
  userId: string,
  filter: AuditFilter,
  { before, limit }: { readonly before: string | null; readonly limit: number },
): Promise<AuditPage> => {
  const found = await readTextRows(auditPageQuery(db, userId, filter, { before, limit: limit + 1 }))
  const rows = found.slice(0, limit)
  return {
    lines: rows.map(auditEventLine),
    nextBefore: found.length > limit ? (rows.at(-1)?.[0] ?? null) : null,
  }
}

const auditPageQuery = (
  db: Kysely<Database>,
  userId: string,
  filter: AuditFilter,
  page: { readonly before: string | null; readonly limit: number },
): CompiledQuery => auditEventsBefore(db, userId, filter, page).clearSelect().select(columns).compile()

/** Milliseconds since 1970 rather than a time as text, which would depend on the settings of the connection. */
const columns = [
  'position',
  'id',
  'sequence',
  'code',
  'message',
  'outcome',
  sql<string>`(extract(epoch from occurred_at) * 1000)::bigint`.as('occurred_ms'),
  'ip',
  'country',
  'region',
  'city',
  'device_type',
  'browser_name',
  'browser_version',
  'os_name',
  'os_version',
  'user_agent',
  'session_hash',
  'session_id',
  'actor',
  'data',
] as const

/** A row of `columns` as JSON. Actor and data are JSON as they are. */
const auditEventLine = (row: TextRow): string => {
  const [, id, sequence, code, message, outcome, occurredMs, ip, country, region, city, ...more] = row
  const [deviceType, browser, browserVersion, os, osVersion, userAgent, sessionHash, sessionId, actor, data] = more
  const location =
    country === null ? 'null' : `{"country":${text(country)},"region":${text(region)},"city":${text(city)}}`
  const client =
    deviceType === null
      ? '"device":null,"browser":null,"os":null'
      : `"device":{"type":${text(deviceType)}},"browser":${software(browser, browserVersion)},"os":${software(os, osVersion)}`
  return (
    `{"id":"${id}","sequence":${sequence},"code":${text(code)},"message":${text(message)},"outcome":${text(outcome)},` +
    `"occurredAt":"${new Date(Number(occurredMs)).toISOString()}","ip":${text(ip)},"location":${location},${client},` +
    `"userAgent":${text(userAgent)},"sessionHash":${text(sessionHash)},"sessionId":${text(sessionId)},` +
    `"fingerprint":null,"actor":${actor},"data":${data}}`
  )
}

type Value = string | null | undefined
const text = (value: Value): string => (value === null || value === undefined ? 'null' : JSON.stringify(value))
const software = (name: Value, version: Value): string => `{"name":${text(name)},"version":${text(version)}}`
