/**
 * Rows of the audit log as events of the Open Cybersecurity Schema Framework 1.3: what is about signing in becomes
 * Authentication (class 3002), all else that happens to an account Account Change (3001), and what an auditor has read
 * API Activity (6003). Ids of activities are the schema's; what it has no id for is 99, Other, with our own name.
 */
import type { Readable } from 'node:stream'
import { streamFrom } from '../platform/stream-from.ts'
import { lineSafe } from './json-lines.ts'

export const OCSF_VERSION = '1.3.0'

/** Lines of JSON, as exports have them. */
export const asOcsf = (lines: Readable, format: 'json' | 'ndjson' | 'csv'): Readable =>
  streamFrom(converted(lines, format === 'json'), () => lines.destroy())

async function* converted(source: Readable, array: boolean): AsyncGenerator<string> {
  let separator = '['
  let text = ''
  for await (const line of linesOf(source)) {
    const event = lineSafe(JSON.stringify(ocsfEvent(JSON.parse(line) as ExportedRow)))
    text += array ? `${separator}${event}\n` : `${event}\n`
    separator = ','
    if (text.length < BATCH) continue
    yield text
    text = ''
  }
  if (array) text += separator === '[' ? '[]\n' : ']\n'
  if (text !== '') yield text
}

const BATCH = 65_536

/** readline would pass an error of the source by. */
async function* linesOf(source: Readable): AsyncGenerator<string> {
  let rest = ''
  source.setEncoding('utf8')
  for await (const chunk of source) {
    const parts = `${rest}${chunk}`.split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
  if (rest !== '') yield rest
}

export interface ExportedRow {
  readonly id: string
  readonly userId: string | null
  readonly sequence: number | null
  readonly code: string
  readonly message: string
  readonly outcome: string
  readonly occurredAt: string
  readonly ip: string | null
  readonly location: { readonly country: string; readonly region: string | null; readonly city: string | null } | null
  readonly device: { readonly type: string } | null
  readonly os: { readonly name: string | null; readonly version: string | null } | null
  readonly userAgent: string | null
  readonly sessionHash: string | null
  readonly sessionId: string | null
  readonly actor: { readonly kind: string; readonly id: string | null }
  readonly data: Readonly<Record<string, unknown>>
}

const OTHER = 99

/** Activities of Authentication: 1 Logon, 2 Logoff. */
const authentication: Readonly<Record<string, number>> = {
  'user:logged_in': 1,
  'user:login_failed': 1,
  'user:logged_out': 2,
  'user.session:expired': 2,
  'user.session:revoked': 2,
  'user.session:others_revoked': 2,
  'user.session:ended': 2,
  'user:reauthenticated': OTHER,
  'user:reauthentication_failed': OTHER,
}

/** Activities of Account Change: 1 Create, 3 Password Change, 4 Password Reset, 6 Delete, 9 Lock, 10/11 MFA on/off, 12 Unlock. */
const accountChange: Readonly<Record<string, number>> = {
  'user:registered': 1,
  'user.password:changed': 3,
  'user.password:reset_requested': 4,
  'user:erased': 6,
  'user:locked': 9,
  'user.2fa:enabled': 10,
  'user.2fa:disabled': 11,
  'user:unlocked': 12,
}

const names: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  3002: { 1: 'Logon', 2: 'Logoff' },
  3001: {
    1: 'Create',
    3: 'Password Change',
    4: 'Password Reset',
    6: 'Delete',
    9: 'Lock',
    10: 'MFA Factor Enable',
    11: 'MFA Factor Disable',
    12: 'Unlock',
  },
  6003: { 2: 'Read' },
}

const classes = {
  3001: 'Account Change',
  3002: 'Authentication',
  6003: 'API Activity',
} as const

export const ocsfEvent = (row: ExportedRow): Readonly<Record<string, unknown>> => {
  const { uid, activity } = classOf(row.code)
  const failed = row.outcome === 'failure'
  const category =
    uid === 6003 ? { uid: 6, name: 'Application Activity' } : { uid: 3, name: 'Identity & Access Management' }
  return {
    class_uid: uid,
    class_name: classes[uid],
    category_uid: category.uid,
    category_name: category.name,
    activity_id: activity,
    activity_name: names[uid]?.[activity] ?? row.message,
    type_uid: uid * 100 + activity,
    time: Date.parse(row.occurredAt),
    message: row.message,
    severity_id: failed ? 2 : 1,
    severity: failed ? 'Low' : 'Informational',
    status_id: failed ? 2 : 1,
    status: failed ? 'Failure' : 'Success',
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'Strongroom', vendor_name: 'Strongroom' },
      uid: row.id,
      event_code: row.code,
      ...(row.sequence === null ? {} : { sequence: row.sequence }),
    },
    actor: actorOf(row),
    ...(row.userId === null ? {} : { user: { uid: row.userId, type_id: 1, type: 'User' } }),
    ...(row.sessionId === null ? {} : { session: { uid: row.sessionId, uid_alt: row.sessionHash } }),
    ...(uid === 6003 ? { api: { operation: row.code } } : {}),
    ...endpointOf(row),
    ...(row.userAgent === null ? {} : { http_request: { user_agent: row.userAgent } }),
    unmapped: row.data,
  }
}

const classOf = (code: string): { readonly uid: 3001 | 3002 | 6003; readonly activity: number } => {
  if (code.startsWith('audit:')) return { uid: 6003, activity: 2 }
  const signing = authentication[code]
  if (signing !== undefined) return { uid: 3002, activity: signing }
  return { uid: 3001, activity: accountChange[code] ?? OTHER }
}

const actorOf = ({ actor }: ExportedRow) =>
  actor.kind === 'user'
    ? { user: { uid: actor.id, type_id: 1, type: 'User' } }
    : { app_name: actor.kind, ...(actor.id === null ? {} : { app_uid: actor.id }) }

const endpointOf = ({ ip, location, device, os }: ExportedRow): object => {
  if (ip === null && location === null && device === null) return {}
  return {
    src_endpoint: {
      ...(ip === null ? {} : { ip }),
      ...(location === null
        ? {}
        : { location: { country: location.country, region: location.region, city: location.city } }),
      ...(device === null ? {} : { type_id: deviceTypes[device.type] ?? OTHER, type: device.type }),
      ...(os?.name == null ? {} : { os: { name: os.name, version: os.version, type_id: OTHER } }),
    },
  }
}

/** Of OCSF's network endpoint. */
const deviceTypes: Readonly<Record<string, number>> = { desktop: 2, tablet: 4, mobile: 5 }
