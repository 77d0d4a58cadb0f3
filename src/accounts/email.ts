/**
 * One spelling per address. Only ASCII letters are folded: any wider folding (Turkish i, full-width letters, look-alike
 * alphabets) would let one address reach the account of another.
 */
import { z } from 'zod'

/** ASCII only, at most 254 characters (RFC 5321 4.5.3.1.3); internationalised domains come in their xn-- form. */
export const emailSchema = z
  .email({ error: 'must be an e-mail address in ASCII, such as ada@example.com' })
  .max(254)
  .transform((address) => address.replace(/[A-Z]/g, (letter) => letter.toLowerCase()))
