/**
 * What auditors did: facts of streams that are no account's, one per access token (`access-<token id>`) and one for
 * whoever exports at the machine itself. They hold ids and nothing else of a person, so they have no boxes, and an
 * erasure finds nothing in them. Codes are never renamed.
 */
import { z } from 'zod'
import { eventTypes, metadataSchema } from './events.ts'
import { UnreadableEvent } from './upcast.ts'

const uuid = z.uuid()

/** As it was asked for. An IP address is a person's: that one was named is said, and not which. */
const filterSchema = z.strictObject({
  codes: z.array(z.string()).optional(),
  outcome: z.enum(['success', 'failure']).optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  ip: z.literal('given').optional(),
  country: z.string().optional(),
  device: z.string().optional(),
  session: z.string().optional(),
  user: uuid.optional(),
})
export type AccessFilter = z.infer<typeof filterSchema>

/** `userId`: whom the filter names, by id or by a session; that person is shown the event. */
const named = { filter: filterSchema, userId: uuid.nullable() }

/** Version of the data that is written today. */
export const ACCESS_VERSION = 1

export const accessCatalogue = {
  'audit:accessed': {
    message: 'Audit log read by an auditor',
    outcome: 'success',
    /** One per token, filter and hour, in which the rows may have been read many times. `hour`: its beginning. */
    versions: { 1: z.strictObject({ ...named, hour: z.iso.datetime({ precision: 3 }), filterHash: z.string() }) },
  },
  'audit:exported': {
    message: 'Audit log exported by an auditor',
    outcome: 'success',
    /** Recorded before the first row leaves. */
    versions: {
      1: z.strictObject({
        ...named,
        format: z.enum(['csv', 'ndjson', 'json', 'bundle']),
        schema: z.enum(['native', 'ocsf']),
      }),
    },
  },
} as const

export type AccessType = keyof typeof accessCatalogue
export type AccessData<T extends AccessType> = z.infer<(typeof accessCatalogue)[T]['versions'][typeof ACCESS_VERSION]>

export const accessTypes = Object.keys(accessCatalogue) as readonly AccessType[]

/** Every code that an audit log can show: those of accounts, and those of who looked at them. */
export const auditCodes = [...eventTypes, ...accessTypes] as const

/** `access-<token id>`. */
export const isAccessStream = (stream: string): boolean => stream.startsWith('access-')

export const isAccessType = (type: string): type is AccessType => Object.hasOwn(accessCatalogue, type)

const accessMetadataSchema = metadataSchema.omit({ idempotency: true })

/** As a projection sees it. */
export interface ProjectedAccess {
  readonly kind: 'access'
  readonly id: string
  readonly type: AccessType
  readonly position: bigint
  readonly data: AccessData<AccessType>
  readonly metadata: z.infer<typeof accessMetadataSchema>
}

interface StoredAccess {
  readonly id: string
  readonly type: string
  readonly position: bigint
  readonly data: unknown
  readonly metadata: object
}

/** An event of an access stream, held against its schema. Throws UnreadableEvent. */
export const readAccessEvent = ({ id, type, position, data, metadata }: StoredAccess): ProjectedAccess => {
  if (!isAccessType(type)) throw new UnreadableEvent('unknown-type', `event ${id} has the unknown type ${type}`)
  const { boxes: _, commit: __, ...rest } = metadata as Readonly<Record<string, unknown>>
  const envelope = accessMetadataSchema.safeParse(rest)
  if (envelope.success && envelope.data.schemaVersion !== ACCESS_VERSION) {
    throw new UnreadableEvent('unknown-version', `event ${id} of type ${type} has an unknown version`)
  }
  const content = accessCatalogue[type].versions[ACCESS_VERSION].safeParse(data)
  if (!envelope.success || !content.success) {
    throw new UnreadableEvent('invalid', `event ${id} of type ${type} is not as its schema says`)
  }
  // As it is stored: a schema gives its own order to the fields, and a row must not change with it.
  return { kind: 'access', id, type, position, data: data as ProjectedAccess['data'], metadata: envelope.data }
}
