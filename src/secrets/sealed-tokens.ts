import { CannotOpen, open, seal } from './sealing.ts'

/** Makes and opens opaque tokens that only this installation can make, and only it can read. */
export interface Sealer {
  /** base64url text, safe in a URL and a header. */
  seal(purpose: string, payload: string): string
  /** The payload, or null when the token was not sealed with this key for this purpose. Never throws on junk. */
  open(purpose: string, token: string): string | null
}

/**
 * Tokens for cursors and for Consistency-Token. They hold positions of the one log of all accounts, so they are
 * encrypted, not only authenticated: whoever could read them would see from the distance of two of his own how much
 * happened in between, and so whether his wrong log-in for some address has left an event, which only a known one does.
 * The payload is padded, so that its length tells nothing either. Throws RangeError for a key that has not 32 bytes.
 */
export function openSealer(key: Buffer): Sealer {
  if (key.length !== KEY_BYTES) throw new RangeError(`the sealing key has ${key.length} bytes, ${KEY_BYTES} are needed`)
  return {
    seal: (purpose, payload) => seal(key, pad(payload), placeOf(purpose)).slice(VERSION.length),
    open(purpose, token) {
      if (token.length > LONGEST_TOKEN) return null
      try {
        return unpad(open(key, VERSION + token, placeOf(purpose)))
      } catch (error) {
        if (error instanceof CannotOpen) return null
        throw error
      }
    },
  }
}

const KEY_BYTES = 32
/** Of sealed text; left out of tokens, which live for minutes. */
const VERSION = 'v1.'
const LONGEST_TOKEN = 4_096
const BLOCK = 32

const placeOf = (purpose: string): string => JSON.stringify(['strongroom token', purpose])

/** The payload, a one, zeros up to a whole number of blocks (ISO/IEC 7816-4). */
function pad(payload: string): Buffer {
  const bytes = Buffer.from(payload)
  const padded = Buffer.alloc((Math.floor(bytes.length / BLOCK) + 1) * BLOCK)
  bytes.copy(padded)
  padded[bytes.length] = 1
  return padded
}

const unpad = (padded: Buffer): string => padded.subarray(0, padded.lastIndexOf(1)).toString()
