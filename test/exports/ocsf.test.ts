/** Each code of ours as an event of OCSF 1.4.0: what its class and its objects require is there, and nothing that they do not know. */
import { describe, expect, it } from 'vitest'
import { auditCodes } from '../../src/account/access-events.ts'
import { type ExportedRow, ocsfEvent } from '../../src/exports/ocsf.ts'

interface Shape {
  readonly required: readonly string[]
  readonly optional?: readonly string[]
  readonly atLeastOne?: readonly string[]
}

/** From events/ and objects/ of ocsf/ocsf-schema at 1.4.0, of the optional attributes those that are written here. */
const baseEvent: Shape = {
  required: ['activity_id', 'category_uid', 'class_uid', 'metadata', 'severity_id', 'time', 'type_uid'],
  optional: ['activity_name', 'category_name', 'class_name', 'message', 'severity', 'status', 'status_id', 'unmapped'],
}
const classes: Readonly<Record<number, Shape & { readonly category: number; readonly activities: readonly number[] }>> =
  {
    3001: {
      category: 3,
      activities: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 99],
      required: ['user'],
      optional: ['actor', 'http_request', 'src_endpoint'],
    },
    3002: {
      category: 3,
      activities: [1, 2, 3, 4, 5, 6, 99],
      required: ['user'],
      optional: ['actor', 'http_request', 'session', 'src_endpoint'],
      atLeastOne: ['service', 'dst_endpoint'],
    },
    6003: {
      category: 6,
      activities: [1, 2, 3, 4, 99],
      required: ['actor', 'api', 'src_endpoint'],
      optional: ['http_request', 'resources'],
    },
  }
const objects: Readonly<Record<string, Shape>> = {
  metadata: { required: ['product', 'version'], optional: ['uid', 'event_code', 'sequence'] },
  product: { required: ['name'], optional: ['vendor_name'] },
  user: { required: [], optional: ['type_id', 'type'], atLeastOne: ['account', 'name', 'uid'] },
  actor: { required: [], atLeastOne: ['process', 'user', 'invoked_by', 'session', 'app_name', 'app_uid'] },
  session: { required: [], optional: ['uid', 'uid_alt'] },
  service: { required: [], atLeastOne: ['name', 'uid'] },
  api: { required: ['operation'] },
  resources: { required: [], optional: ['type'], atLeastOne: ['name', 'uid'] },
  http_request: { required: [], optional: ['user_agent'] },
  src_endpoint: {
    required: [],
    optional: ['location', 'os', 'type', 'type_id'],
    atLeastOne: [
      'ip',
      'uid',
      'name',
      'hostname',
      'svc_name',
      'instance_uid',
      'interface_uid',
      'interface_name',
      'domain',
    ],
  },
  location: { required: [], atLeastOne: ['city', 'country', 'postal_code', 'region'] },
  os: { required: ['name', 'type_id'], optional: ['type', 'version'] },
}

type Attributes = Readonly<Record<string, unknown>>

const expectShape = (what: string, value: Attributes, { required, optional = [], atLeastOne = [] }: Shape): void => {
  const names = Object.keys(value)
  expect(names, what).toEqual(expect.arrayContaining([...required]))
  if (atLeastOne.length > 0)
    expect(
      atLeastOne.some((name) => names.includes(name)),
      `${what}: ${names}`,
    ).toBe(true)
  const known: readonly string[] = [...required, ...optional, ...atLeastOne]
  expect(
    names.filter((name) => !known.includes(name)),
    `${what}: attributes that it does not have`,
  ).toEqual([])
  for (const [name, inner] of Object.entries(value)) {
    expect(inner, `${what}.${name}`).not.toBeNull()
    if (name === 'unmapped') continue
    for (const part of Array.isArray(inner) ? inner : [inner]) {
      if (typeof part === 'object') expectShape(`${what}.${name}`, part as Attributes, objects[name] as Shape)
    }
  }
}

const expectValid = (row: ExportedRow): Attributes => {
  const event = JSON.parse(JSON.stringify(ocsfEvent(row))) as Attributes & Readonly<Record<string, number>>
  const shape = classes[event.class_uid as number]
  if (shape === undefined) throw new Error(`there is no class ${event.class_uid}`)
  expectShape(row.code, event, {
    required: [...baseEvent.required, ...shape.required],
    optional: [...(baseEvent.optional ?? []), ...(shape.optional ?? [])],
    ...(shape.atLeastOne === undefined ? {} : { atLeastOne: shape.atLeastOne }),
  })
  expect(event.category_uid).toBe(shape.category)
  expect(shape.activities).toContain(event.activity_id)
  expect(event.type_uid).toBe((event.class_uid as number) * 100 + (event.activity_id as number))
  expect(event.metadata).toMatchObject({ version: '1.4.0', event_code: row.code })
  return event
}

const USER = '0190f3a0-0000-7000-8000-000000000001'

const whole = (code: string, outcome: string): ExportedRow => ({
  id: '0190f3a0-0000-7000-8000-000000000002',
  userId: USER,
  sequence: 7,
  code,
  message: 'What happened',
  outcome,
  occurredAt: '2026-05-01T10:00:00.000Z',
  ip: '192.0.2.7',
  location: { country: 'DE', region: 'BE', city: 'Berlin' },
  device: { type: 'desktop' },
  os: { name: 'Windows', version: '11' },
  userAgent: 'Mozilla/5.0',
  sessionHash: 'a-hash',
  sessionId: '0190f3a0-0000-7000-8000-000000000003',
  actor: { kind: 'user', id: USER },
  data: { anything: null },
})
/** What an erasure leaves: country and kind of device. */
const erased = (row: ExportedRow): ExportedRow => ({
  ...row,
  ip: null,
  location: { country: 'DE', region: null, city: null },
  userAgent: null,
})
const nobodys = (row: ExportedRow): ExportedRow => ({
  ...row,
  sequence: null,
  ip: null,
  location: null,
  device: null,
  os: null,
  userAgent: null,
  sessionHash: null,
  sessionId: null,
})

describe.each(auditCodes.flatMap((code) => ['success', 'failure'].map((outcome) => [code, outcome] as const)))(
  'OCSF: %s, %s',
  (code, outcome) => {
    const row = whole(code, outcome)

    it('has what its class requires, and says how it ended', () => {
      const failed = outcome === 'failure'
      expect(expectValid(row)).toMatchObject({ status_id: failed ? 2 : 1, status: failed ? 'Failure' : 'Success' })
    })

    it('is an event of its class after an erasure as well, and still has the country', () => {
      const event = expectValid(erased(row))
      if (event.class_uid !== 6003) expect(event).toMatchObject({ src_endpoint: { location: { country: 'DE' } } })
    })

    it('is one where only the kind of device is known, or nothing of a client', () => {
      for (const type of ['desktop', 'mobile', 'tablet', 'bot', 'other']) {
        expectValid({ ...nobodys(row), device: { type }, os: { name: null, version: null } })
      }
      expectValid(nobodys(row))
      expectValid({ ...row, os: { name: 'Plan 9', version: null } })
    })

    it('is one whoever acted', () => {
      for (const kind of ['user', 'anonymous', 'operator', 'system']) {
        for (const id of ['somebody', null]) expectValid({ ...row, actor: { kind, id } })
      }
    })
  },
)

describe('OCSF', () => {
  it.each([
    ['user.password:change_failed', 3],
    ['user.2fa:enrollment_failed', 10],
    ['user.2fa:disable_failed', 11],
    ['user:unlocked', 12],
  ])('%s is the activity %i of Account Change', (code, activity_id) => {
    expect(expectValid(whole(code, 'failure'))).toMatchObject({ class_uid: 3001, activity_id, status_id: 2 })
  })

  it('a session is that of the actor in Account Change, and the subject of Authentication', () => {
    const session = { uid: whole('', '').sessionId, uid_alt: 'a-hash' }
    expect(expectValid(whole('user.password:changed', 'success'))).toMatchObject({ actor: { session } })
    expect(expectValid(whole('user:logged_in', 'success'))).toMatchObject({ session })
  })

  it('whom an auditor has looked at is the resource, and one who looked at all has none', () => {
    const row = nobodys({ ...whole('audit:accessed', 'success'), actor: { kind: 'operator', id: 'a-token' } })
    const actor = { app_name: 'operator', app_uid: 'a-token' }
    expect(expectValid(row)).toMatchObject({ actor, resources: [{ uid: USER, type: 'User' }] })
    expect(expectValid({ ...row, userId: null })).not.toHaveProperty('resources')
  })
})
