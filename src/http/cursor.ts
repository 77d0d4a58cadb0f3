import { createHmac, timingSafeEqual } from 'node:crypto'

/** Makes and opens opaque tokens that only this installation can make. */
export interface Sealer {
  /** base64url text, safe in a URL and a header. The payload is authenticated, NOT hidden: put no secret in. */
  seal(purpose: string, payload: string): string
  /** The payload, or null when the token was not sealed with this key for this purpose. Never throws on junk. */
  open(purpose: string, token: string): string | null
}

/** HMAC-SHA256 (RFC 2104) under `key`, which has at least 32 bytes. Throws RangeError for a shorter one. */
export function openSealer(key: Buffer): Sealer {
  if (key.length < macBytes) throw new RangeError(`the sealing key has ${key.length} bytes, at least 32 are needed`)

  function mac(purpose: string, payload: Buffer): Buffer {
    const name = Buffer.from(purpose)
    // The length before the name keeps ('ab', 'c') and ('a', 'bc') apart.
    const length = Buffer.alloc(4)
    length.writeUInt32BE(name.length)
    return createHmac('sha256', key).update(length).update(name).update(payload).digest()
  }

  return {
    seal(purpose, payload) {
      const bytes = Buffer.from(payload)
      return Buffer.concat([mac(purpose, bytes), bytes]).toString('base64url')
    },
    open(purpose, token) {
      if (token.length > longestToken) return null
      const bytes = Buffer.from(token, 'base64url')
      // Node skips what is no base64url: only the one spelling that seal() makes is a token.
      if (bytes.length < macBytes || bytes.toString('base64url') !== token) return null
      const payload = bytes.subarray(macBytes)
      return timingSafeEqual(bytes.subarray(0, macBytes), mac(purpose, payload)) ? payload.toString() : null
    },
  }
}

const macBytes = 32
const longestToken = 4096
