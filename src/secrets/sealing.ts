/**
 * Authenticated encryption, in one shape for everything we seal: AES-256-GCM (NIST SP 800-38D) with a random 96-bit
 * nonce. The associated data names what the sealed text is and where it belongs, so that it opens nowhere else.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const NONCE = 12
const TAG = 16
const PREFIX = 'v1.'

export const seal = (key: Buffer, plain: Buffer, associated: string): string => {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(associated))
  const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  return PREFIX + sealed.toString('base64url')
}

/** The key, the place or a byte of it is wrong. Never says which. */
export class CannotOpen extends Error {
  override readonly name = 'CannotOpen'
}

/** Throws CannotOpen. */
export const open = (key: Buffer, sealed: string, associated: string): Buffer => {
  if (!sealed.startsWith(PREFIX)) throw new CannotOpen(`sealed text of an unknown version: ${associated}`)
  const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64url')
  if (bytes.length < NONCE + TAG) throw new CannotOpen(`sealed text is cut short: ${associated}`)
  // Node skips what is no base64url: only the one spelling that seal() makes is opened.
  if (PREFIX + bytes.toString('base64url') !== sealed) throw new CannotOpen(`sealed text is misspelt: ${associated}`)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG })
    .setAAD(Buffer.from(associated))
    .setAuthTag(bytes.subarray(-TAG))
  try {
    const plain = decipher.update(bytes.subarray(NONCE, -TAG))
    // Of a stream cipher nothing is left to come: this only checks the tag.
    decipher.final()
    return plain
  } catch (cause) {
    throw new CannotOpen(`sealed text cannot be opened: ${associated}`, { cause })
  }
}
