/**
 * Rows of the audit log as events of the Open Cybersecurity Schema Framework 1.4: what is about signing in becomes
 * Authentication (class 3002), all else that happens to an account Account Change (3001), and what an auditor has read
 * API Activity (6003). Ids of activities are the schema's; what it has no id for is 99, Other, with our own name.
 * An attempt that failed has the activity that was attempted, and the status says that it failed.
 */
import type { Readable } from 'node:stream'
import { streamFrom } from '../platform/stream-from.ts'
import { lineSafe } from './json-lines.ts'

/** The first that has Unlock among the activities of Account Change. */
export const OCSF_VERSION = '1.4.0'

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
  'user.password:change_failed': 3,
  'user.password:reset_requested': 4,
  'user:erased': 6,
  'user:locked': 9,
  'user.2fa:enabled': 10,
  'user.2fa:enrollment_failed': 10,
  'user.2fa:disabled': 11,
  'user.2fa:disable_failed': 11,
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
    ...partsOf[uid](row),
    ...(row.userAgent === null ? {} : { http_request: { user_agent: row.userAgent } }),
    unmapped: row.data,
  }
}

const classOf = (code: string): { readonly uid: keyof typeof classes; readonly activity: number } => {
  if (code.startsWith('audit:')) return { uid: 6003, activity: 2 }
  const signing = authentication[code]
  if (signing !== undefined) return { uid: 3002, activity: signing }
  return { uid: 3001, activity: accountChange[code] ?? OTHER }
}

/** What a class has of its own: the same thing of ours is another attribute in each, and none may be missing that it requires. */
const partsOf: Readonly<Record<keyof typeof classes, (row: ExportedRow) => object>> = {
  3001: (row) => ({ actor: { ...actorOf(row), ...sessionOf(row) }, ...userOf(row), ...endpointOf(row) }),
  3002: (row) => ({
    actor: actorOf(row),
    ...userOf(row),
    ...sessionOf(row),
    service: { name: 'Strongroom' },
    ...endpointOf(row),
  }),
  6003: (row) => ({
    actor: actorOf(row),
    api: { operation: row.code },
    ...(row.userId === null ? {} : { resources: [{ uid: row.userId, type: 'User' }] }),
    // From where an auditor looked is not recorded.
    src_endpoint: unknownEndpoint,
  }),
}

const actorOf = ({ actor }: ExportedRow): object =>
  actor.kind === 'user' && actor.id !== null
    ? { user: { uid: actor.id, type_id: 1, type: 'User' } }
    : { app_name: actor.kind, ...(actor.id === null ? {} : { app_uid: actor.id }) }

const userOf = ({ userId }: ExportedRow): object =>
  userId === null ? {} : { user: { uid: userId, type_id: 1, type: 'User' } }

const sessionOf = ({ sessionId, sessionHash }: ExportedRow): object =>
  sessionId === null ? {} : { session: { uid: sessionId, ...known({ uid_alt: sessionHash }) } }

const unknownEndpoint = { name: 'unknown', type_id: 0, type: 'Unknown' } as const

/** An endpoint has to be called something, also where its address was never known or is erased, and the country is left. */
const endpointOf = ({ ip, location, device, os }: ExportedRow): object => {
  if (ip === null && location === null && device === null) return {}
  return {
    src_endpoint: {
      ...(ip === null ? { name: unknownEndpoint.name } : { ip }),
      ...(location === null ? {} : { location: known(location) }),
      ...(device === null ? {} : (deviceTypes[device.type] ?? { type_id: OTHER, type: device.type })),
      ...(os?.name == null
        ? {}
        : { os: { name: os.name, ...known({ version: os.version }), type_id: OTHER, type: os.name } }),
    },
  }
}

/** A value that is not known is left out: null is none of the schema's types. */
const known = (values: object): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))

/** Of OCSF's network endpoint. */
const deviceTypes: Readonly<Record<string, object>> = {
  desktop: { type_id: 2, type: 'Desktop' },
  tablet: { type_id: 4, type: 'Tablet' },
  mobile: { type_id: 5, type: 'Mobile' },
}
