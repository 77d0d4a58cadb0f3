import { z } from 'zod'

/** The `Idempotency-Key` header: 1 to 255 visible ASCII characters, chosen by the client, compared as they are. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'Expected 1 to 255 visible ASCII characters')
  .meta({ description: 'Makes a repetition of this command harmless. Kept for 24 hours.' })
