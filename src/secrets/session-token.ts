/**
 * The session cookie's token names user, session and generation, and proves them by 256 random bits. Only the hash of
 * those bits is kept; a plain SHA-256 is enough for a secret nobody can guess (unlike a password).
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { stringify as formatUuid, parse as parseUuid } from 'uuid'
import type { Secret } from '../account/events.ts'

export interface SessionToken {
  readonly userId: string
  readonly sessionId: string
  readonly generation: number
  readonly secret: Buffer
}

const UUID = 16
const GENERATION = 4
const SECRET = 32
const LENGTH = UUID + UUID + GENERATION + SECRET
const TEXT_LENGTH = Math.ceil((LENGTH * 4) / 3)

export const newTokenSecret = (): Buffer => randomBytes(SECRET)

export const hashTokenSecret = (secret: Buffer): Secret =>
  createHash('sha256').update('strongroom session token').update(secret).digest('base64url') as Secret

/** In constant time. */
export const isTokenSecret = (secret: Buffer, hash: Secret): boolean => {
  const actual = Buffer.from(hashTokenSecret(secret))
  const expected = Buffer.from(hash)
  return actual.length === expected.length && timingSafeEqual(actual, expected)
}

export const formatToken = ({ userId, sessionId, generation, secret }: SessionToken): string => {
  const bytes = Buffer.alloc(LENGTH)
  bytes.set(parseUuid(userId), 0)
  bytes.set(parseUuid(sessionId), UUID)
  bytes.writeUInt32BE(generation, 2 * UUID)
  bytes.set(secret, 2 * UUID + GENERATION)
  return bytes.toString('base64url')
}

/** null: not a token of ours, whatever it is. */
export const parseToken = (text: string): SessionToken | null => {
  if (text.length !== TEXT_LENGTH || !/^[\w-]+$/.test(text)) return null
  const bytes = Buffer.from(text, 'base64url')
  // The last character has bits to spare: one token has one spelling.
  if (bytes.toString('base64url') !== text) return null
  try {
    return {
      userId: formatUuid(bytes.subarray(0, UUID)),
      sessionId: formatUuid(bytes.subarray(UUID, 2 * UUID)),
      generation: bytes.readUInt32BE(2 * UUID),
      secret: bytes.subarray(2 * UUID + GENERATION),
    }
  } catch {
    return null
  }
}
