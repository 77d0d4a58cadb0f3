import { pino } from 'pino'
import { expect, it, vi } from 'vitest'
import { openClientContext } from '../../src/client-context/client-context.ts'

it('resolves who called, and keeps to what it can tell', async () => {
  const context = openClientContext({ log: pino({ level: 'silent' }) })
  try {
    const curl = { ip: '::ffff:8.8.8.8', userAgent: 'curl/8.5.0\r\n' }
    // Null until the data are loaded.
    await vi.waitFor(async () => expect((await context.resolve(curl)).location).not.toBeNull(), 15_000)
    expect(await context.resolve(curl)).toEqual({
      ip: '8.8.8.8',
      userAgent: 'curl/8.5.0',
      location: { country: 'US', region: null, city: null },
      device: { type: 'bot' },
      browser: { name: 'curl', version: '8.5.0' },
      os: { name: null, version: null },
      geoVersion: expect.stringMatching(/^geoip-lite\//),
      uaVersion: expect.stringMatching(/^ua-parser-js\//),
    })
    expect(await context.resolve({ ip: undefined, userAgent: undefined })).toMatchObject({
      ip: 'unknown',
      userAgent: null,
      location: null,
      device: { type: 'other' },
    })
  } finally {
    await context.close()
  }
})
