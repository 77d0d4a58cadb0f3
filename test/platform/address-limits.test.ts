import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { normalAddress } from '../../src/http/client-address.ts'
import {
  AddressLimitReached,
  type AddressLimits,
  bucketOf,
  openAddressLimits,
} from '../../src/platform/address-limits.ts'
import { isDatabaseAway, openPool } from '../../src/platform/postgres.ts'
import { openVaultDatabase, type VaultDatabase } from '../secrets/vault-database.ts'

let database: VaultDatabase
beforeAll(async () => {
  database = await openVaultDatabase()
})
afterAll(() => database.close())
afterEach(() => void vi.useRealTimers())

/** A process of its own: it remembers nothing of what another one counted. */
const aProcess = (perMinute: number): AddressLimits => openAddressLimits(database.pool, perMinute)

let counter = 0
const someAddress = (): string => `198.51.100.${counter++}`

const verdictOf = async (limits: AddressLimits, address: string): Promise<'passed' | number> => {
  try {
    await limits.consume(address)
    return 'passed'
  } catch (error) {
    if (error instanceof AddressLimitReached) return error.retryAfterSeconds
    throw error
  }
}
const verdicts = (limits: AddressLimits, address: string, times: number) =>
  Promise.all(Array.from({ length: times }, () => verdictOf(limits, address)))
const passedOf = (all: readonly ('passed' | number)[]) => all.filter((verdict) => verdict === 'passed').length

describe('tries from one address', () => {
  it('pass up to the limit, all at once too, and then wait for at most a minute', async () => {
    const [limits, address] = [aProcess(20), someAddress()]
    const first = await verdicts(limits, address, 20)
    expect(passedOf(first)).toBe(20)
    for (const verdict of await verdicts(limits, address, 30)) {
      expect(verdict).toBeGreaterThan(0)
      expect(verdict).toBeLessThanOrEqual(60)
    }
  })

  it('are counted together by all processes', async () => {
    const address = someAddress()
    const both = [aProcess(10), aProcess(10)] as const
    const all = await Promise.all(both.map((limits) => verdicts(limits, address, 10)))
    expect(passedOf(all.flat())).toBe(10)
    expect(passedOf(await verdicts(aProcess(10), address, 5))).toBe(0)
  })

  it('do not touch those from another', async () => {
    const limits = aProcess(2)
    const [one, other] = [someAddress(), someAddress()]
    await verdicts(limits, one, 5)
    expect(passedOf(await verdicts(limits, other, 2))).toBe(2)
  })

  it('begin anew after the minute', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const [limits, address] = [aProcess(3), someAddress()]
    expect(passedOf(await verdicts(limits, address, 4))).toBe(3)
    vi.setSystemTime(Date.now() + 59_000)
    expect(passedOf(await verdicts(limits, address, 1))).toBe(0)
    vi.setSystemTime(Date.now() + 1_001)
    expect(passedOf(await verdicts(limits, address, 4))).toBe(3)
  })

  it('cost the database nothing while the address is at its limit', async () => {
    const [limits, address] = [aProcess(5), someAddress()]
    await verdicts(limits, address, 5)
    const query = vi.spyOn(database.pool, 'query')
    expect(passedOf(await verdicts(limits, address, 100))).toBe(0)
    expect(query).not.toHaveBeenCalled()
  })

  it('are refused, not let through, where the database is away', async () => {
    const pool = openPool(
      { host: '/nowhere/at/all', user: 'nobody', database: 'none' },
      { applicationName: 'test', max: 1, log: pino({ level: 'silent' }) },
    )
    const error = await openAddressLimits(pool, 5)
      .consume(someAddress())
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
    expect(isDatabaseAway(error)).toBe(true)
    await pool.end()
  })
})

describe('the counts', () => {
  it('are forgotten once their minute is over, and not before', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const limits = aProcess(3)
    const [old, recent] = [someAddress(), someAddress()]
    await limits.consume(old)
    vi.setSystemTime(Date.now() + 60_000)
    await limits.consume(recent)
    await limits.forget()
    const { rows } = await database.pool.query('select key from vault.address_limits where key = any($1)', [
      [old, recent],
    ])
    expect(rows).toEqual([{ key: recent }])
  })
})

describe('the bucket of an address', () => {
  it('L11 is one for IPv4 in every form', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(bucketOf(address)).toBe(address)
        expect(bucketOf(`::ffff:${address}`)).toBe(address)
        expect(bucketOf(`::FFFF:${address}`)).toBe(address)
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
        const hex = (high: number, low: number) => (high * 256 + low).toString(16)
        expect(bucketOf(`0:0:0:0:0:ffff:${hex(a, b)}:${hex(c, d)}`)).toBe(address)
        expect(bucketOf(normalAddress(`::ffff:${address}`) ?? '')).toBe(address)
      }),
    )
  })

  it('L11 is one for the whole /64 of IPv6, however it is written, and another for the next', () => {
    const group = fc.integer({ min: 1, max: 0xffff })
    const groups = (length: number) => fc.array(group, { minLength: length, maxLength: length })
    fc.assert(
      fc.property(groups(4), groups(4), groups(4), (network, one, other) => {
        const spell = (parts: readonly number[], pad = 0) =>
          parts.map((part) => part.toString(16).padStart(pad, '0')).join(':')
        const bucket = bucketOf(spell([...network, ...one]))
        expect(bucketOf(spell([...network, ...other], 4).toUpperCase())).toBe(bucket)
        expect(bucketOf(`${spell(network)}::`)).toBe(bucket)
        expect(bucketOf(`${spell(network)}::%eth0`.replace('%eth0', ''))).toBe(bucket)
        const next = [...network.slice(0, 3), ((network[3] ?? 0) % 0xffff) + 1]
        expect(bucketOf(spell([...next, ...one]))).not.toBe(bucket)
      }),
    )
    expect(bucketOf('2001:db8::1')).toBe(bucketOf('2001:db8:0:0:ffff:ffff:ffff:ffff'))
    expect(bucketOf('2001:db8::1')).not.toBe(bucketOf('2001:db8:0:1::1'))
    expect(bucketOf('::1')).not.toBe('1')
  })

  it('is one for all that is no address', () => {
    for (const junk of ['', 'unknown', '1.2.3', '1.2.3.4.5', '::g', '1.2.3.4, 5.6.7.8']) {
      expect(bucketOf(junk)).toBe(bucketOf(''))
    }
  })
})
