/** Shapes that several resources answer with. */
import { z } from 'zod'
import { endCauses } from '../../account/events.ts'

export const instant = z.iso.datetime({ precision: 3 }).meta({ description: 'RFC 3339, UTC, milliseconds' })

/** What could turn a line of a list or an export upside down is no part of a name; joiners, which some scripts need, are. */
export const nameSchema = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u, 'must not hold control characters')
export const userSchema = z.strictObject({ id: z.uuid(), email: z.string(), name: z.string().nullable() })

export const newPasswordProblems = [
  'password-too-short',
  'password-blocklisted',
  'password-context',
  'password-composition',
] as const

export const codeMethods = ['totp', 'backup_code'] as const

/** Whatever was typed is a code, if a wrong one: a program that sends it as a number gets the answer of a wrong code. */
export const codeSchema = z
  .union([z.string().max(100), z.number()])
  .transform((code) => (typeof code === 'number' ? '' : code))
  .meta({ description: 'Six digits of the authenticator app, or a backup code' })

/** Longer than any link we mail. What it says is looked at by the command. */
export const linkTokenSchema = z.string().min(1).max(512).meta({ description: 'From the link in the mail' })

export const deviceTypes = ['desktop', 'mobile', 'tablet', 'bot', 'other'] as const
export const device = z.strictObject({ type: z.enum(deviceTypes) })
export const software = z.strictObject({ name: z.string().nullable(), version: z.string().nullable() })
export const location = z.strictObject({
  country: z.string().meta({ description: 'ISO 3166-1 alpha-2' }),
  region: z.string().nullable(),
  city: z.string().nullable(),
})

export const endedReasons = ['logged_out', 'revoked', 'expired', ...endCauses, 'erased'] as const

export const sessionSchema = z.strictObject({
  id: z.uuid(),
  hash: z.string(),
  status: z.enum(['active', 'ended']),
  endedReason: z.enum(endedReasons).nullable(),
  device,
  browser: software,
  os: software,
  ip: z.string().nullable(),
  location: location.nullable(),
  signedInAt: instant,
  lastAccessedAt: instant,
  endedAt: instant.nullable(),
  current: z.boolean(),
})
export type SessionBody = z.infer<typeof sessionSchema>

export const auditEventSchema = z.strictObject({
  id: z.uuid(),
  sequence: z
    .int()
    .nullable()
    .meta({ description: "Without gaps in the account's own events; null for an auditor's access, which is none" }),
  code: z.string(),
  message: z.string(),
  outcome: z.enum(['success', 'failure']),
  occurredAt: instant,
  ip: z.string().nullable(),
  location: location.nullable(),
  device: device.nullable(),
  browser: software.nullable(),
  os: software.nullable(),
  userAgent: z.string().nullable(),
  sessionHash: z.string().nullable(),
  sessionId: z.uuid().nullable(),
  fingerprint: z.null(),
  actor: z.strictObject({ kind: z.enum(['user', 'anonymous', 'operator', 'system']), id: z.string().nullable() }),
  data: z.record(z.string(), z.unknown()).meta({ description: "What happened, by the event's type" }),
})
export type AuditEventBody = z.infer<typeof auditEventSchema>
