import { pino } from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Locator, type LocatorOptions, openLocator } from '../../src/client-context/location.ts'

const US = { country: 'US', region: null, city: null }
const open: Locator[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((locator) => locator.close()))
})

const start = (options: Partial<LocatorOptions> = {}): { locator: Locator; logged: string[] } => {
  const logged: string[] = []
  const log = pino({ level: 'info' }, { write: (line) => logged.push(JSON.parse(line).msg) })
  const locator = openLocator({ log, ...options })
  open.push(locator)
  return { locator, logged }
}

const fixture = (name: string): URL => new URL(`./fixtures/${name}.mjs`, import.meta.url)

describe('location with the real data', () => {
  it('finds IPv4 and IPv6 addresses, with null for what the data do not say', async () => {
    const { locator, logged } = start()
    await vi.waitFor(() => expect(logged).toContain('location data loaded'), { timeout: 15_000 })
    expect(await locator.locate('8.8.8.8')).toEqual(US)
    expect(await locator.locate('2a00:1450:4001::1')).toEqual({
      country: 'DE',
      region: 'HE',
      city: 'Frankfurt am Main',
    })
    // Listed, but without a country.
    expect(await locator.locate('1.1.1.1')).toBeNull()
  })
})

describe('a locator', () => {
  it('names its data by package version, date and checksum, the same each time', () => {
    const { locator } = start({ worker: fixture('silent-worker') })
    expect(locator.version).toMatch(/^geoip-lite\/1\.4\.\d+\+\d{8}\.[0-9a-f]{12}$/)
    expect(start({ worker: fixture('silent-worker') }).locator.version).toBe(locator.version)
  })

  it.each(['10.0.0.1', '127.0.0.1', '::1', 'fe80::1', 'unknown'])('has no place for %s and asks nobody', async (ip) => {
    const { locator } = start({ worker: fixture('silent-worker'), waitMs: 60_000 })
    expect(await locator.locate(ip)).toBeNull()
  })

  it('gives up after its wait', async () => {
    const { locator } = start({ worker: fixture('silent-worker'), waitMs: 20 })
    const started = performance.now()
    expect(await locator.locate('8.8.8.8')).toBeNull()
    expect(performance.now() - started).toBeGreaterThanOrEqual(19)
  })

  it('keeps an answer that came too late for the next who asks', async () => {
    const { locator } = start({ worker: fixture('late-worker'), waitMs: 1 })
    expect(await locator.locate('8.8.8.8')).toBeNull()
    await vi.waitFor(async () => expect(await locator.locate('8.8.8.8')).toEqual({ ...US, country: 'FR' }))
  })

  it('asks again for what it has forgotten, and keeps no answer to what was asked before', async () => {
    const { locator } = start({ worker: fixture('counting-worker'), waitMs: 15_000 })
    expect(await locator.locate('8.8.8.8')).toMatchObject({ city: 'answer 1' })
    expect(await locator.locate('8.8.8.8')).toMatchObject({ city: 'answer 1' })
    locator.forget()
    const asked = locator.locate('8.8.8.8')
    locator.forget()
    expect(await asked).toMatchObject({ city: 'answer 2' })
    expect(await locator.locate('8.8.8.8')).toMatchObject({ city: 'answer 3' })
    expect(await locator.locate('8.8.8.8')).toMatchObject({ city: 'answer 3' })
  })

  it('answers null at once when the worker breaks, logs it, starts it again and finds again', async () => {
    const { locator, logged } = start({ worker: fixture('crashing-worker'), waitMs: 15_000, backoffMs: 200 })
    expect(await locator.locate('8.8.8.8')).toEqual(US)
    expect(await locator.locate('9.9.9.9')).toBeNull()
    expect(logged).toEqual(expect.arrayContaining(['the location worker broke']))
    // While there is no worker, nobody waits for it.
    const started = performance.now()
    expect(await locator.locate('9.9.9.10')).toBeNull()
    expect(performance.now() - started).toBeLessThan(150)
    await vi.waitFor(() => expect(logged.filter((line) => line === 'location data loaded')).toHaveLength(2), 15_000)
    expect(await locator.locate('9.9.9.9')).toBeNull()
  })

  it('ends a worker that hangs, and starts it again', async () => {
    const { locator, logged } = start({ worker: fixture('hanging-worker'), waitMs: 30, hungAfterMs: 60, backoffMs: 10 })
    await vi.waitFor(() => expect(logged).toContain('location data loaded'), 15_000)
    await vi.waitFor(async () => {
      expect(await locator.locate('9.9.9.9')).toBeNull()
      expect(logged).toContain('the location worker hangs and is ended')
    }, 15_000)
    await vi.waitFor(async () => expect(await locator.locate('8.8.8.8')).toEqual(US), 15_000)
  })

  it('answers null to those who wait when it is closed, and to all who come after', async () => {
    const { locator } = start({ worker: fixture('silent-worker'), waitMs: 60_000 })
    const asked = locator.locate('8.8.8.8')
    await locator.close()
    expect(await asked).toBeNull()
    expect(await locator.locate('8.8.8.8')).toBeNull()
  })
})
