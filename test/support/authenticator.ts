/**
 * An authenticator app: RFC 6238 over RFC 4226 as their texts have it, and none of the product's code, so that a
 * mistake there is not made twice.
 */
import { createHmac } from 'node:crypto'

export const STEP_MS = 30_000

export const stepAt = (at: number): number => Math.floor(at / STEP_MS)

/** The six digits that the app shows for a base32 secret at this step. */
export const codeOf = (secret: string, step: number): string => {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', fromBase32(secret)).update(counter).digest()
  const offset = (mac.at(-1) ?? 0) & 15
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** RFC 4648, section 6. */
export const fromBase32 = (text: string): Buffer => {
  const bits = [...text.replace(/=+$/, '')]
    .map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0'))
    .join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
