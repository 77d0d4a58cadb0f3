/**
 * How often one client address may try to prove who it is, whatever the accounts: a brake on spraying one password
 * over many of them. The counts are in PostgreSQL, so all nodes count together; once an address is at its limit a node
 * remembers that for the rest of the minute, and a flood costs the database nothing.
 */
import { isIP, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import type pg from 'pg'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'

export interface AddressLimits {
  /**
   * Counts one try from this address. Throws AddressLimitReached, and what the database throws where it is away: a
   * try that cannot be counted must not be a free one.
   */
  consume(address: string): Promise<void>
  /** Deletes counts whose minute is over. */
  forget(): Promise<void>
}

export class AddressLimitReached extends Error {
  override readonly name = 'AddressLimitReached'
  readonly retryAfterSeconds: number
  constructor(retryAfterSeconds: number) {
    super(`too many tries from one address; again in ${retryAfterSeconds} s`)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

const SECONDS = 60

export const openAddressLimits = (pool: pg.Pool, perMinute: number): AddressLimits => {
  const limiter = new RateLimiterPostgres({
    storeClient: pool,
    storeType: 'pool',
    schemaName: 'vault',
    tableName: 'address_limits',
    tableCreated: true,
    clearExpiredByTimeout: false,
    keyPrefix: '',
    points: perMinute,
    duration: SECONDS,
    inMemoryBlockOnConsumed: perMinute,
  })
  return {
    async consume(address) {
      try {
        await limiter.consume(bucketOf(address))
      } catch (error) {
        if (error instanceof RateLimiterRes) throw new AddressLimitReached(Math.ceil(error.msBeforeNext / 1_000))
        throw error
      }
    },
    async forget() {
      await pool.query('delete from vault.address_limits where expire <= $1', [Date.now()])
    },
  }
}

/**
 * IPv4 counts by address, in whatever form it comes; IPv6 by its /64, for that much belongs to one subscriber, who
 * could take a new address for every try. What is no address (the client has left already) shares one bucket.
 */
export const bucketOf = (address: string): string => {
  // Not ipaddr.js, which would also take shortened and octal IPv4.
  if (isIP(address) === 0) return 'none'
  const plain = ipaddr.process(address).toNormalizedString()
  return isIPv6(plain) ? `${plain.split(':').slice(0, 4).join(':')}::/64` : plain
}
