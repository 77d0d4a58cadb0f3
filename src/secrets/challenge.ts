/**
 * What is between the two steps of signing in, kept by the browser: whose password was right, and of which credentials.
 * Sealed, so that nobody can make one or look into one; padded by the sealer, so that all look alike.
 */
import { z } from 'zod'
import type { Sealer } from './sealed-tokens.ts'

/** `expiresAt`: milliseconds since 1970. Whether that is over is for the reader of the clock to say. */
export type Challenge = Readonly<z.infer<typeof schema>>

const schema = z.strictObject({
  userId: z.uuid(),
  challengeId: z.uuid(),
  /** A password or factor changed meanwhile makes the challenge void. */
  credentialEpoch: z.int().nonnegative(),
  expiresAt: z.int().nonnegative(),
})

const PURPOSE = 'log-in challenge'

export const sealChallenge = (sealer: Sealer, challenge: Challenge): string =>
  sealer.seal(PURPOSE, JSON.stringify(schema.parse(challenge)))

/** null: not a challenge that this installation has made. */
export const openChallenge = (sealer: Sealer, token: string): Challenge | null => {
  const payload = sealer.open(PURPOSE, token)
  return payload === null ? null : schema.parse(JSON.parse(payload))
}
