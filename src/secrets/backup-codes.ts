/**
 * Backup codes stand in for a lost phone. Each has 80 random bits, written in base32 without letters that look like
 * digits (Crockford's alphabet): `7g4k-2xqm-v0ra-9d3e`.
 *
 * They are kept as salted hashes only. A slow hash as for passwords would add nothing: guessing works where people
 * choose, and nobody tries 2^80 values, however fast each is. The salt keeps equal codes of two lists apart.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Secret } from '../account/events.ts'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const COUNT = 10
const LENGTH = 16
const GROUP = 4
const SALT_BYTES = 16
/** With room for whatever somebody puts between the groups. Longer text is not even looked through. */
const LONGEST_TYPED = 64

/** Ten codes, all different. To be shown once. */
export const newBackupCodes = (): readonly string[] => {
  const codes = new Set<string>()
  while (codes.size < COUNT) codes.add(newCode())
  return [...codes]
}

/** One text for the credential box: the salt and, in the order of the codes, their hashes. */
export const hashBackupCodes = (codes: readonly string[]): Secret => {
  const salt = randomBytes(SALT_BYTES)
  const hashes = codes.map((code) => hashOf(salt, normalise(code) ?? refuse()).toString('base64url'))
  return JSON.stringify({ v: 1, salt: salt.toString('base64url'), hashes }) as Secret
}

/**
 * The index of the code in its list, or null. Capitals, spaces and hyphens do not matter, and neither does an O typed
 * for a zero. Takes the same time wherever in the list it is. Never throws for a code, whatever it is.
 */
export const matchingBackupCode = (hashes: Secret, code: string): number | null => {
  const typed = normalise(code)
  if (typed === null) return null
  const list = hashList.parse(JSON.parse(hashes))
  const given = hashOf(Buffer.from(list.salt, 'base64url'), typed)
  const matches = list.hashes.map((hash) => isEqual(Buffer.from(hash, 'base64url'), given))
  const index = matches.indexOf(true)
  return index < 0 ? null : index
}

const hashList = z.strictObject({ v: z.literal(1), salt: z.string(), hashes: z.array(z.string()) })

/** 32 divides 256: the low five bits of a random byte are as random as the byte. */
const newCode = (): string => {
  const characters = [...randomBytes(LENGTH)].map((byte) => ALPHABET.charAt(byte % ALPHABET.length))
  const groups = Array.from({ length: LENGTH / GROUP }, (_, i) => characters.slice(i * GROUP, (i + 1) * GROUP).join(''))
  return groups.join('-')
}

/** The sixteen characters as they are hashed, or null where it cannot be a code. */
const normalise = (code: string): string | null => {
  if (code.length > LONGEST_TYPED) return null
  const plain = code
    .replace(/[\s-]/g, '')
    // ASCII alone: toLowerCase would also fold the Kelvin sign to k.
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    .replace(/o/g, '0')
    .replace(/[il]/g, '1')
  return plain.length === LENGTH && [...plain].every((character) => ALPHABET.includes(character)) ? plain : null
}

const refuse = (): never => {
  throw new RangeError('a backup code is not one of newBackupCodes()')
}

const hashOf = (salt: Buffer, plain: string): Buffer =>
  createHmac('sha256', salt).update('strongroom backup code').update(plain).digest()

const isEqual = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b)
