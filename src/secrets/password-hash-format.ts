/**
 * The stored form of a password hash: the header of Percival's scrypt file format, in base64. 96 bytes: `scrypt`, a zero,
 * logN (1), r (4), p (4), salt (32), the first 16 bytes of SHA-256 over all before, HMAC-SHA-256 over all before (32).
 */
import { createHash, randomBytes } from 'node:crypto'
import type { ScryptParams } from 'scrypt-kdf'

/** What is stored is no hash that may be run: damaged, planted, or made with parameters that are out of bounds. */
export class UnusableHash extends Error {
  override readonly name = 'UnusableHash'
}

export const encodeHash = (key: Uint8Array): string => Buffer.from(key).toString('base64')

/**
 * Checks all that can be checked before a byte of memory is spent. Throws UnusableHash; the message holds nothing of the
 * hash. The header's own checksum finds damage, which would otherwise look like a wrong password for ever.
 */
export const decodeHash = (hash: string): { readonly key: Buffer; readonly params: ScryptParams } => {
  const key = Buffer.from(hash, 'base64')
  if (key.length !== 96 || key.toString('base64') !== hash) throw new UnusableHash('not 96 bytes of base64')
  if (!key.subarray(0, 7).equals(MAGIC)) throw new UnusableHash('not in the scrypt format, version 0')
  if (!checksum(key).equals(key.subarray(48, 64))) throw new UnusableHash('damaged: the checksum does not fit')
  const params = { logN: key.readUInt8(7), r: key.readUInt32BE(8), p: key.readUInt32BE(12) }
  if (!isAffordable(params)) throw new UnusableHash(`out of bounds: ${JSON.stringify(params)}`)
  return { key, params }
}

/**
 * Whether we run scrypt with such parameters at all: at most 256 MiB of memory (128 * N * r) and about 2.5 seconds of a
 * core of 2020 (N * r * p). The strongest setting that OWASP lists, 2^17 r8 p1, takes half and a quarter of that.
 */
export const isAffordable = ({ logN, r, p }: ScryptParams): boolean => {
  const wellFormed = [logN, r, p].every((value) => Number.isInteger(value) && value >= 1)
  return wellFormed && logN <= 30 && 2 ** logN * r <= 2 ** 21 && 2 ** logN * r * p <= 2 ** 22 && r * p <= 2 ** 14
}

/** A hash of the right form that no password fits; it costs nothing to make. */
export const dummyHash = ({ logN, r, p }: ScryptParams): string => {
  const key = Buffer.concat([MAGIC, Buffer.alloc(9), randomBytes(80)])
  key.writeUInt8(logN, 7)
  key.writeUInt32BE(r, 8)
  key.writeUInt32BE(p, 12)
  checksum(key).copy(key, 48)
  return encodeHash(key)
}

const MAGIC = Buffer.from('scrypt\0', 'latin1')

const checksum = (key: Buffer): Buffer => createHash('sha256').update(key.subarray(0, 48)).digest().subarray(0, 16)
