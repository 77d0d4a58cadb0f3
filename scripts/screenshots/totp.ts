import { generate } from 'otplib'

/** What the authenticator app shows at a time (milliseconds since 1970). */
export const codeAt = (time: number, secret: string): Promise<string> =>
  generate({ secret, epoch: Math.floor(time / 1_000) })
