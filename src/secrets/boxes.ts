/**
 * The two boxes of an event, sealed under its user's data key and bound to stream, type, event id and box name: a box
 * moved to another event does not open.
 *
 * The personal box is committed to: `commit` = SHA-256(salt || canonical JSON of the content), with the salt inside.
 * Whoever is shown content and salt can check them against the log; whoever is not learns nothing, not even by
 * guessing; and an erased box leaves the commitment, and so every proof, as it was.
 */
import { createHash, randomBytes } from 'node:crypto'
import canonicalize from 'canonicalize'
import { z } from 'zod'
import { type Box, type Credential, type Personal, personalSchema } from '../account/events.ts'
import { open, seal } from './sealing.ts'

/** What a box is bound to. */
export interface BoxPlace {
  readonly stream: string
  readonly type: string
  readonly eventId: string
}

const SALT_BYTES = 16

const personalContent = z.strictObject({ v: z.literal(1), salt: z.string(), personal: personalSchema })
const credentialContent = z.strictObject({
  v: z.literal(1),
  credential: z.strictObject({
    passwordHash: z.string().optional(),
    tokenHash: z.string().optional(),
    totpSecret: z.string().optional(),
    backupCodes: z.string().optional(),
  }),
})

export const sealPersonal = (
  key: Buffer,
  place: BoxPlace,
  personal: Personal,
): { readonly box: Box; readonly commit: string } => {
  const salt = randomBytes(SALT_BYTES)
  const content = { v: 1, salt: salt.toString('base64url'), personal }
  return { box: sealJson(key, content, place, 'personal'), commit: commitTo(salt, personal) }
}

/**
 * Checked, but given back as it was sealed: zod rebuilds what it parses and drops what it thinks dangerous (a key
 * `__proto__`), and what then comes out no longer fits its commitment. Throws CannotOpen.
 */
export const openPersonal = (key: Buffer, place: BoxPlace, box: Box): Personal =>
  openCommitted(key, place, box).personal

/** With the salt, by which an auditor can hold the content against its commitment. As `openPersonal` else. */
export const openCommitted = (
  key: Buffer,
  place: BoxPlace,
  box: Box,
): { readonly personal: Personal; readonly salt: string } => {
  const content = openJson(key, box, place, 'personal')
  if (!isPlainlyPersonal(content)) personalContent.parse(content)
  const { personal, salt } = content as z.infer<typeof personalContent>
  return { personal, salt }
}

/**
 * Whether the schema is sure to accept it: nearly every box holds a few texts, and a rebuild opens millions. Of anything
 * else the schema itself decides.
 */
const isPlainlyPersonal = (content: unknown): boolean => {
  if (!isObject(content) || !isObject(content.personal)) return false
  if (Object.keys(content).length !== 3 || content.v !== 1 || typeof content.salt !== 'string') return false
  const { personal } = content
  return Object.keys(personal).every((field) => {
    const value = personal[field]
    return value === null ? MAY_BE_NULL.has(field) : typeof value === 'string' && MAY_BE_TEXT.has(field)
  })
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fieldsThatMayBe = (value: unknown): ReadonlySet<string> =>
  new Set(Object.entries(personalSchema.shape).flatMap(([name, field]) => (field.safeParse(value).success ? name : [])))

const MAY_BE_TEXT = fieldsThatMayBe('some text')
const MAY_BE_NULL = fieldsThatMayBe(null)

export const sealCredential = (key: Buffer, place: BoxPlace, credential: Credential): Box =>
  sealJson(key, { v: 1, credential }, place, 'credential')

/** Throws CannotOpen. For commands/ alone, at the moment of use. */
export const openCredential = (key: Buffer, place: BoxPlace, box: Box): Credential =>
  credentialContent.parse(openJson(key, box, place, 'credential')).credential as Credential

/** SHA-256(salt || JCS(personal)), hex. JCS: RFC 8785. */
export const commitTo = (salt: Buffer, personal: Personal): string =>
  createHash('sha256')
    .update(salt)
    .update(canonicalize(personal) ?? '')
    .digest('hex')

const associated = ({ stream, type, eventId }: BoxPlace, name: 'personal' | 'credential'): string =>
  JSON.stringify(['strongroom box', stream, type, eventId, name])

const sealJson = (key: Buffer, content: object, place: BoxPlace, name: 'personal' | 'credential'): Box =>
  seal(key, Buffer.from(JSON.stringify(content)), associated(place, name)) as Box

const openJson = (key: Buffer, box: Box, place: BoxPlace, name: 'personal' | 'credential'): unknown =>
  JSON.parse(open(key, box, associated(place, name)).toString('utf8'))
