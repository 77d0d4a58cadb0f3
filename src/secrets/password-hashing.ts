import { type ScryptOptions, scrypt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import type { ScryptParams } from 'scrypt-kdf'
import * as scryptKdf from 'scrypt-kdf'
import { decodeHash, dummyHash, encodeHash, isAffordable } from './password-hash-format.ts'
import { openWorkQueue } from './password-work-queue.ts'

// Its type declarations name two exports; what it exports is one class that has them.
const { kdf, verify: verifyKey } = (scryptKdf as unknown as { readonly default: typeof scryptKdf }).default

export interface PasswordHasherOptions extends ScryptParams {
  /** How many passwords may wait for their turn. */
  readonly queueLimit: number
  /** How many are hashed at once; default: as many as the processor has cores, but three at most. */
  readonly concurrency?: number
}

/** Every call but `needsRehash` rejects with `Overloaded` where too many passwords wait already. */
export interface PasswordHasher {
  /** The text to store: 128 characters of base64. */
  hash(password: string): Promise<string>
  /** Whether the password is the one that was hashed. Rejects with `UnusableHash` where the text is no hash to run. */
  verify(hash: string, password: string): Promise<boolean>
  /** For an address nobody has: takes its turn and its time just as `verify` does, so that an answer tells nothing. */
  verifyNothing(password: string): Promise<false>
  /** Whether the hash is cheaper to attack than one made today. Never true where the configuration became weaker. */
  needsRehash(hash: string): boolean
  /**
   * Base64 of 32 bytes that depend on text and salt alone: recognises a secret that is met again, at the price of a
   * hash, so that what is kept of it helps a guesser no more than the hash itself does.
   */
  derive(text: string, salt: string): Promise<string>
  /** Passwords waiting for their turn, and passwords being hashed. */
  readonly waiting: number
  readonly active: number
  /**
   * The same hasher for passwords that one client has brought. Clients take turns, so that one with hundreds of passwords
   * keeps another waiting for no more than one of them. Without it all wait in one line.
   */
  inLineOf(client: string): PasswordHasher
}

/**
 * Hashes passwords with scrypt (RFC 7914) in the format of Percival's scrypt utility, which carries its own parameters.
 *
 * A password counts by its characters, not by how a keyboard happened to encode them, hence Unicode normalisation form C
 * (SP 800-63B-4 3.1.1.2; RFC 8265 OpaqueString). Form KC would be wrong here: it makes different passwords the same
 * (`x²` and `x2`), which takes strength from them and lets a password in that was never set.
 *
 * Throws RangeError where the parameters are such that `verify` would refuse its own hashes.
 */
export const openPasswordHasher = (options: PasswordHasherOptions): PasswordHasher => {
  const { logN, r, p, queueLimit, concurrency = defaultConcurrency() } = options
  const params: ScryptParams = { logN, r, p }
  if (!isAffordable(params)) throw new RangeError(`scrypt with logN ${logN}, r ${r}, p ${p} is out of bounds`)
  const queue = openWorkQueue({ concurrency, queueLimit })
  const nobodys = dummyHash(params)

  const inLineOf = (client: string): PasswordHasher => {
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => queue.run(client, work)
    const verify = async (hash: string, password: string): Promise<boolean> => {
      const { key } = decodeHash(hash)
      return await inTurn(() => verifyKey(key, normalise(password)))
    }
    return {
      hash: async (password) => encodeHash(await inTurn(() => kdf(normalise(password), params))),
      verify,
      verifyNothing: async (password) => {
        await verify(nobodys, password)
        return false
      },
      derive: async (text, salt) => (await inTurn(() => rawScrypt(text, salt, params))).toString('base64'),
      needsRehash: (hash) => grew(decodeHash(hash).params, params),
      get waiting() {
        return queue.waiting
      },
      get active() {
        return queue.active
      },
      inLineOf,
    }
  }
  return inLineOf('')
}

/**
 * Each hash keeps a core busy for its whole time, so more at once than cores only makes all of them slower. They run on
 * libuv's pool, by default of four threads, which file access and name look-up use too: one thread stays theirs, else
 * a wave of log-ins would make every read of a file wait.
 */
const defaultConcurrency = (): number => Math.min(availableParallelism(), 3)

const rawScrypt = (text: string, salt: string, { logN, r, p }: ScryptParams): Promise<Buffer> => {
  const N = 2 ** logN
  return promisify<string, string, number, ScryptOptions, Buffer>(scrypt)(text, salt, 32, {
    N,
    r,
    p,
    maxmem: 128 * (N + p + 2) * r,
  })
}

const normalise = (password: string): string => password.normalize('NFC')

/** Attacking costs memory and work; a hash counts as outgrown when neither is less today and one is more. */
const grew = (then: ScryptParams, now: ScryptParams): boolean => {
  const memory = (params: ScryptParams) => 2 ** params.logN * params.r
  const work = (params: ScryptParams) => memory(params) * params.p
  return (
    memory(now) >= memory(then) && work(now) >= work(then) && (memory(now) > memory(then) || work(now) > work(then))
  )
}
