/**
 * What the links in mails carry: which event of which account they are about, and proof that we wrote them. Nothing of
 * it is stored, in events or in tables: who reads those finds no token, and can make none without the key.
 *
 * A token says nothing about being used or superseded: that is for the account's state to decide.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { parse, stringify } from 'uuid'

/** A token of one purpose opens nothing of another. */
export type LinkPurpose = 'reset' | 'not-me' | 'email-old' | 'email-new'

export interface LinkClaim {
  readonly userId: string
  readonly eventId: string
  /** When the event happened, in milliseconds since 1970; whole seconds are kept. */
  readonly at: number
}

/** base64url, safe in a URL. `key` is the vault's `links`. */
export const makeToken = (key: Buffer, purpose: LinkPurpose, { userId, eventId, at }: LinkClaim): string => {
  const claim = Buffer.alloc(CLAIM_BYTES)
  claim.set(parse(userId), 0)
  claim.set(parse(eventId), UUID_BYTES)
  claim.writeUIntBE(Math.floor(at / 1_000), 2 * UUID_BYTES, TIME_BYTES)
  return Buffer.concat([claim, proofOf(key, purpose, claim)]).toString('base64url')
}

/** null for everything that `makeToken` did not make with this key for this purpose. Never throws on junk. */
export const openToken = (key: Buffer, purpose: LinkPurpose, token: string): LinkClaim | null => {
  if (token.length !== TOKEN_LENGTH) return null
  const bytes = Buffer.from(token, 'base64url')
  // Node skips what is no base64url: only the one spelling that makeToken() makes is opened.
  if (bytes.length !== CLAIM_BYTES + PROOF_BYTES || bytes.toString('base64url') !== token) return null
  const claim = bytes.subarray(0, CLAIM_BYTES)
  if (!timingSafeEqual(proofOf(key, purpose, claim), bytes.subarray(CLAIM_BYTES))) return null
  return {
    userId: stringify(claim, 0),
    eventId: stringify(claim, UUID_BYTES),
    at: claim.readUIntBE(2 * UUID_BYTES, TIME_BYTES) * 1_000,
  }
}

const UUID_BYTES = 16
/** Seconds since 1970. */
const TIME_BYTES = 6
const CLAIM_BYTES = 2 * UUID_BYTES + TIME_BYTES
const PROOF_BYTES = 32
const TOKEN_LENGTH = Math.ceil(((CLAIM_BYTES + PROOF_BYTES) * 4) / 3)

const proofOf = (key: Buffer, purpose: LinkPurpose, claim: Buffer): Buffer =>
  createHmac('sha256', key).update(`strongroom link\0${purpose}\0`).update(claim).digest()
