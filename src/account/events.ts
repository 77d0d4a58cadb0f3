/**
 * The catalogue: every fact an account can record. One entry per event type, its code (the product's, never renamed),
 * the message the audit log shows, the outcome, and one schema per version of its open data.
 *
 * An event has open `data`, which stays readable for ever, and up to two boxes: `personal` (who and where) and
 * `credential` (what proves it). Open data never holds either.
 */
import { z } from 'zod'
import { plainly } from './plainly.ts'

const uuid = z.uuid()
const instant = z.iso.datetime({ precision: 3 })

/** A session's rotated token: the generation that is valid from this event on; its hash is in the credential box. */
const rotation = z.strictObject({ sessionId: uuid, generation: z.int().positive() })

export const signInMethods = ['password', 'totp', 'backup_code'] as const
export type SignInMethod = (typeof signInMethods)[number]

/** Why a session was ended by something other than its owner's log-out or revoke, or its own expiry. */
export const endCauses = ['password_changed', 'two_factor_changed', 'password_reset', 'limit', 'guessing'] as const
export type EndCause = (typeof endCauses)[number]

/** Every way a session can have ended, as the read models and the HTTP contract name it. */
export type EndedReason = 'logged_out' | 'revoked' | 'expired' | EndCause | 'erased'

/** What about a sign-in was never seen before on this account. */
export const unfamiliarThings = ['device', 'country'] as const
export type Unfamiliar = (typeof unfamiliarThings)[number]

/** Time step of a one-time code (RFC 6238, 30 s): used, so never accepted again. */
const step = z.int().nonnegative()

const changedFields = z.array(z.string().regex(/^[a-z][A-Za-z]*$/)).min(1)

interface Definition {
  readonly message: string
  readonly outcome: 'success' | 'failure'
  /** Open data by schema version. The highest is the one written today; the others are upcast to it. */
  readonly versions: Readonly<Record<number, z.ZodObject>>
}

const define = <const D extends Definition>(definition: D): D => definition

export const catalogue = {
  'user:registered': define({
    message: 'Registered',
    outcome: 'success',
    versions: { 1: z.strictObject({}) },
  }),
  'user:logged_in': define({
    message: 'Logged in',
    outcome: 'success',
    versions: {
      1: z.strictObject({ sessionId: uuid, method: z.enum(signInMethods) }),
      2: z.strictObject({
        sessionId: uuid,
        /** What proved it last: the password alone, or the second factor after it. */
        method: z.enum(signInMethods),
        /** The challenge between password and second factor, used up by this; null where there was none. */
        challengeId: uuid.nullable(),
        step: step.nullable(),
        /** Nothing is on the first sign-in of an account. */
        unfamiliar: z.array(z.enum(unfamiliarThings)),
      }),
    },
  }),
  'user:logged_out': define({
    message: 'Logged out',
    outcome: 'success',
    versions: { 1: z.strictObject({ sessionId: uuid }) },
  }),
  'user:login_failed': define({
    message: 'Login failed',
    outcome: 'failure',
    /** `failures`: in a row, this one included, without a pause longer than the lock time. */
    versions: { 1: z.strictObject({ method: z.enum(signInMethods), failures: z.int().positive() }) },
  }),
  'user:locked': define({
    message: 'Login locked after too many failures',
    outcome: 'failure',
    versions: { 1: z.strictObject({ failures: z.int().positive(), until: instant }) },
  }),
  'user:unlocked': define({
    message: 'Login unlocked',
    outcome: 'success',
    versions: { 1: z.strictObject({ by: z.enum(['operator', 'password_reset']) }) },
  }),
  'user:reauthenticated': define({
    message: 'Identity confirmed',
    outcome: 'success',
    versions: {
      1: z.strictObject({
        sessionId: uuid,
        method: z.enum(['password', 'totp']),
        step: step.nullable(),
        rotated: rotation,
      }),
    },
  }),
  'user:reauthentication_failed': define({
    message: 'Confirming identity failed',
    outcome: 'failure',
    versions: { 1: z.strictObject({ sessionId: uuid, method: z.enum(['password', 'totp']) }) },
  }),
  'user:compromise_reported': define({
    message: 'Reported as not me',
    outcome: 'success',
    /** `eventId`: what the owner was told of by mail, and says was somebody else. */
    versions: { 1: z.strictObject({ eventId: uuid }) },
  }),
  'user:erased': define({
    message: 'Personal data erased',
    outcome: 'success',
    versions: { 1: z.strictObject({}) },
  }),
  'user.password:reset_requested': define({
    message: 'Requested a password reset',
    outcome: 'success',
    versions: { 1: z.strictObject({}) },
  }),
  'user.password:changed': define({
    message: 'Password changed',
    outcome: 'success',
    versions: { 1: z.strictObject({ by: z.enum(['owner', 'password_reset']), rotated: rotation.nullable() }) },
  }),
  'user.password:change_failed': define({
    message: 'Password change failed',
    outcome: 'failure',
    versions: { 1: z.strictObject({ sessionId: uuid }) },
  }),
  'user.password:rehashed': define({
    message: 'Password storage strengthened',
    outcome: 'success',
    versions: { 1: z.strictObject({ replaces: uuid }) },
  }),
  'user.profile:updated': define({
    message: 'Profile updated',
    outcome: 'success',
    versions: { 1: z.strictObject({ fields: changedFields }) },
  }),
  'user.preferences:updated': define({
    message: 'Preferences updated',
    outcome: 'success',
    versions: { 1: z.strictObject({ fields: changedFields }) },
  }),
  'user.email:change_requested': define({
    message: 'Requested a change of the e-mail address',
    outcome: 'success',
    /** The new address is in the personal box. */
    versions: { 1: z.strictObject({}) },
  }),
  'user.email:change_failed': define({
    message: 'Requesting a change of the e-mail address failed',
    outcome: 'failure',
    versions: { 1: z.strictObject({ sessionId: uuid }) },
  }),
  'user.email:change_confirmed': define({
    message: 'Confirmed a change of the e-mail address',
    outcome: 'success',
    versions: { 1: z.strictObject({ address: z.enum(['old', 'new']) }) },
  }),
  'user.email:changed': define({
    message: 'E-mail address changed',
    outcome: 'success',
    versions: { 1: z.strictObject({}) },
  }),
  'user.email:restored': define({
    message: 'Former e-mail address restored',
    outcome: 'success',
    /** Reported from the former address. It is in the personal box. */
    versions: { 1: z.strictObject({}) },
  }),
  'user.2fa:enrollment_started': define({
    message: '2FA setup started',
    outcome: 'success',
    versions: { 1: z.strictObject({ enrollmentId: uuid, expiresAt: instant }) },
  }),
  'user.2fa:enrollment_failed': define({
    message: '2FA setup: wrong code',
    outcome: 'failure',
    versions: { 1: z.strictObject({ sessionId: uuid, enrollmentId: uuid }) },
  }),
  'user.2fa:enabled': define({
    message: '2FA enabled',
    outcome: 'success',
    versions: {
      1: z.strictObject({
        enrollmentId: uuid,
        /** Of the code that confirmed the enrolment. */
        step,
        codeListId: uuid,
        rotated: rotation,
      }),
    },
  }),
  'user.2fa:disabled': define({
    message: '2FA disabled',
    outcome: 'success',
    versions: {
      1: z.strictObject({ enrollmentId: uuid, by: z.enum(['owner', 'operator']), rotated: rotation.nullable() }),
    },
  }),
  'user.2fa:disable_failed': define({
    message: 'Disabling 2FA failed',
    outcome: 'failure',
    /** `method`: what was wrong. */
    versions: { 1: z.strictObject({ sessionId: uuid, method: z.enum(signInMethods) }) },
  }),
  'user.2fa:backup_codes_generated': define({
    message: 'Backup codes generated',
    outcome: 'success',
    versions: { 1: z.strictObject({ codeListId: uuid }) },
  }),
  'user.2fa:backup_code_used': define({
    message: 'Backup code used',
    outcome: 'success',
    versions: {
      1: z.strictObject({ codeListId: uuid, index: z.int().nonnegative(), remaining: z.int().nonnegative() }),
    },
  }),
  'user.session:revoked': define({
    message: 'Session revoked',
    outcome: 'success',
    versions: { 1: z.strictObject({ sessionId: uuid, by: z.enum(['owner', 'operator']) }) },
  }),
  'user.session:others_revoked': define({
    message: 'All other sessions revoked',
    outcome: 'success',
    versions: { 1: z.strictObject({ sessionId: uuid, revoked: z.int().nonnegative() }) },
  }),
  'user.session:ended': define({
    message: 'Session ended',
    outcome: 'success',
    versions: { 1: z.strictObject({ sessionId: uuid, reason: z.enum(endCauses) }) },
  }),
  'user.session:expired': define({
    message: 'Session expired',
    outcome: 'success',
    versions: { 1: z.strictObject({ sessionId: uuid, limit: z.enum(['idle', 'absolute']) }) },
  }),
} as const

export type EventType = keyof typeof catalogue
export const eventTypes = Object.keys(catalogue) as readonly EventType[]
export const isEventType = (type: string): type is EventType => Object.hasOwn(catalogue, type)

/** By type: the schema version that is written today, which is the highest, and its schema. */
const current = new Map(
  Object.entries(catalogue).map(([type, { versions }]) => {
    const [version, schema] = Object.entries<z.ZodObject>(versions).at(-1) ?? []
    if (schema === undefined) throw new Error(`event type ${type} has no schema`)
    return [type, { version: Number(version), schema, isPlain: plainly(schema) }]
  }),
)

const currentOf = (type: EventType) => {
  const found = current.get(type)
  if (found === undefined) throw new Error(`there is no event type ${type}`)
  return found
}

/** The schema version that is written today. */
export const currentVersion = (type: EventType): number => currentOf(type).version

export const currentSchema = (type: EventType): z.ZodObject => currentOf(type).schema

/** Whether the current schema is sure to accept the data, and would give it back as it is. */
export const isPlainData = (type: EventType, data: unknown): boolean => currentOf(type).isPlain(data)

/** The schema of the highest version. A third version of any type adds its line here. */
type Latest<Versions> = Versions extends { readonly 2: infer Schema extends z.ZodObject }
  ? z.infer<Schema>
  : Versions extends { readonly 1: infer Schema extends z.ZodObject }
    ? z.infer<Schema>
    : never

/** Open data of a type, in its current version. */
export type DataOf<T extends EventType> = Latest<(typeof catalogue)[T]['versions']>

/** The part of the client that identifies nobody, kept open so that it outlives an erasure. */
const coarseClient = z.strictObject({
  country: z.string().nullable(),
  deviceType: z.enum(['desktop', 'mobile', 'tablet', 'bot', 'other']),
  browser: z.strictObject({ name: z.string().nullable(), version: z.string().nullable() }),
  os: z.strictObject({ name: z.string().nullable(), version: z.string().nullable() }),
  /** Which data the location and the device were resolved with, at write time: a replay never resolves again. */
  geoVersion: z.string(),
  uaVersion: z.string(),
})

export const actorSchema = z.strictObject({
  kind: z.enum(['user', 'anonymous', 'operator', 'system']),
  id: z.string().nullable(),
})

/** What an idempotent command left behind: enough to recognise its repeat, and to answer it again. */
export const idempotencySchema = z.strictObject({
  /** Keyed hash of the request's body, base64url. */
  bodyHash: z.string(),
  status: z.int(),
  body: z.json(),
  /** The answer carried a secret, which is not kept: a repeat is told that it was done already. */
  secret: z.boolean(),
})

export const metadataSchema = z.strictObject({
  schemaVersion: z.int().positive(),
  commandId: uuid,
  correlationId: uuid,
  causationId: uuid.nullable(),
  /** UTC, milliseconds, by the clock of the process that decided. */
  occurredAt: instant,
  actor: actorSchema,
  /** The session that acted, or that this event begins; null where there is none. */
  sessionId: uuid.nullable(),
  /** Keyed hash of that session's id, as the audit log shows it. */
  sessionHash: z.string().nullable(),
  client: coarseClient.nullable(),
  idempotency: idempotencySchema.optional(),
})

export type CoarseClient = z.infer<typeof coarseClient>
export type Actor = z.infer<typeof actorSchema>
export type Idempotency = z.infer<typeof idempotencySchema>
export type EventMetadata = z.infer<typeof metadataSchema>

/** The content of a personal box: the person behind the event. Absent fields were never known. */
export const personalSchema = z.strictObject({
  ip: z.string().optional(),
  userAgent: z.string().nullable().optional(),
  region: z.string().nullable().optional(),
  city: z.string().nullable().optional(),
  email: z.string().optional(),
  name: z.string().nullable().optional(),
  /** New values of the fields that a profile or preferences event names. */
  values: z.record(z.string(), z.json()).optional(),
})
export type Personal = z.infer<typeof personalSchema>

/** Sealed content, opaque to the domain; or what is left of it once the person's data key is gone. */
export type Box = string & { readonly box: unique symbol }
export type MaybeBox = Box | 'erased' | null

interface Recorded<T extends EventType> {
  readonly id: string
  readonly type: T
  readonly revision: bigint
  readonly data: DataOf<T>
  readonly metadata: EventMetadata
}

/** As the account sees its history: boxes stay closed. */
export type AccountEvent<T extends EventType = EventType> = {
  [K in T]: Recorded<K> & { readonly personal: MaybeBox; readonly credential: MaybeBox }
}[T]

/** As a projection sees it: who and where are open, or gone for ever; no projection can hold a credential. */
export type ProjectedEvent<T extends EventType = EventType> = {
  [K in T]: Recorded<K> & {
    readonly userId: string
    readonly position: bigint
    readonly personal: Personal | 'erased' | null
  }
}[T]

/** A secret on its way into a credential box. The domain can move it, and can do nothing else with it. */
export type Secret = string & { readonly secret: unique symbol }
export type Credential = Readonly<Partial<Record<'passwordHash' | 'tokenHash' | 'totpSecret' | 'backupCodes', Secret>>>

/** As decided, before it has an id, a time and a place in the stream. */
export type NewAccountEvent<T extends EventType = EventType> = {
  [K in T]: {
    readonly type: K
    readonly data: DataOf<K>
    readonly personal?: Pick<Personal, 'email' | 'name' | 'values'>
    readonly credential?: Credential
  }
}[T]
