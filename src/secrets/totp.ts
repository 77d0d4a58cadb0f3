/**
 * Codes of an authenticator app: TOTP (RFC 6238) over HMAC-SHA-1 with six digits and steps of 30 seconds, the one set
 * of parameters that every app understands. SHA-1 is no weakness here: HMAC does not rest on collisions.
 */
import { timingSafeEqual } from 'node:crypto'
import { generateSecret, generateSync, generateURI } from 'otplib'
import QRCode from 'qrcode'
import type { Secret } from '../account/events.ts'

/** RFC 4226, section 4: 160 bits are recommended, 128 are the least. */
const SECRET_BYTES = 20
const STEP_SECONDS = 30
/** Enough correction for a reflection on the screen; the white frame of four modules is the standard's (ISO 18004). */
const QR = { errorCorrectionLevel: 'M', margin: 4 } as const
const CODE = /^[0-9]{6}$/

/** 160 random bits as 32 characters of base32 (RFC 4648), as apps take them when they are typed in. */
export const newTotpSecret = (): Secret => generateSecret({ length: SECRET_BYTES }) as Secret

/** What the QR code says. The app shows it as "Strongroom" and the account's e-mail address. */
export const otpauthUri = (secret: string, email: string): string =>
  generateURI({ issuer: 'Strongroom', label: email, secret })

/** The URI as a picture for a phone's camera. It holds the secret: whoever sends it forbids storing it. */
export const qrSvg = (uri: string): Promise<string> => QRCode.toString(uri, { ...QR, type: 'svg' })

export const qrPng = (uri: string): Promise<Buffer> => QRCode.toBuffer(uri, { ...QR, type: 'png', scale: 6 })

/**
 * The time step (Unix time divided by 30 s) whose code it is, or null. Only the current step and the one before are
 * looked at, for codes that are typed slowly and clocks that are late (RFC 6238, section 5.2): `nowMs` in milliseconds.
 * Never throws for a code, whatever it is.
 */
export const matchingStep = (secret: Secret, code: string, nowMs: number): number | null => {
  if (!CODE.test(code)) return null
  const given = Buffer.from(code)
  const current = Math.floor(nowMs / 1_000 / STEP_SECONDS)
  // Both are compared always, so that the time taken tells nothing. Where both match, the newer step bars more.
  const matches = [current - 1, current].filter((step) => step >= 0 && timingSafeEqual(codeOf(secret, step), given))
  return matches.at(-1) ?? null
}

const codeOf = (secret: Secret, step: number): Buffer =>
  Buffer.from(generateSync({ secret, epoch: step * STEP_SECONDS, period: STEP_SECONDS, digits: 6 }))
