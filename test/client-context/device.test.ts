import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cleanUserAgent, openDeviceParser } from '../../src/client-context/device.ts'

const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)'
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)'
const NOTHING = { name: null, version: null }

describe('the device of a user agent', () => {
  const parser = openDeviceParser()
  const typeOf = (userAgent: string) => parser.parse(userAgent).device.type

  it('tells device, browser and operating system of a desktop computer', () => {
    expect(parser.parse(`${WINDOWS} Chrome/126.0.0.0 Safari/537.36`)).toEqual({
      device: { type: 'desktop' },
      browser: { name: 'Chrome', version: '126.0.0.0' },
      os: { name: 'Windows', version: '10' },
    })
  })

  it('tells them of a telephone', () => {
    expect(parser.parse(`${IPHONE} Version/17.4 Mobile/15E148 Safari/604.1`)).toEqual({
      device: { type: 'mobile' },
      browser: { name: 'Mobile Safari', version: '17.4' },
      os: { name: 'iOS', version: '17.4' },
    })
  })

  it.each([
    ['desktop', 'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0'],
    ['desktop', 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15'],
    ['desktop', 'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36'],
    ['mobile', 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36'],
    ['mobile', 'Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/99.0 Mobile Safari/537.36'],
    [
      'tablet',
      'Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 Version/16.6 Mobile/15E148 Safari/604.1',
    ],
    ['other', 'Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 Version/6.0 TV Safari/537.36'],
    ['other', 'Mozilla/5.0 (PlayStation 5 3.11) AppleWebKit/605.1.15 (KHTML, like Gecko)'],
    ['other', 'forgotten/1.0'],
    ['bot', 'curl/8.5.0'],
    ['bot', 'Wget/1.21.4'],
    ['bot', 'python-requests/2.32.3'],
    ['bot', 'Go-http-client/1.1'],
    ['bot', 'node'],
    ['bot', 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'],
    ['bot', 'Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)'],
    ['bot', `${WINDOWS} HeadlessChrome/126.0.0.0 Safari/537.36`],
  ])('is %s: %s', (type, userAgent) => {
    expect(typeOf(userAgent)).toBe(type)
  })

  it('names a program in the place of the browser', () => {
    expect(parser.parse('curl/8.5.0').browser).toEqual({ name: 'curl', version: '8.5.0' })
    expect(parser.parse('Mozilla/5.0 (compatible; Googlebot/2.1)').browser).toEqual({
      name: 'Googlebot',
      version: '2.1',
    })
  })

  it('is other, and all else null, where there is nothing to tell', () => {
    const unknown = { device: { type: 'other' }, browser: NOTHING, os: NOTHING }
    expect(parser.parse(null)).toEqual(unknown)
    expect(parser.parse('\ud83e\udd8a')).toEqual(unknown)
  })

  it('names its version', () => {
    expect(parser.version).toMatch(/^ua-parser-js\/1\.\d+\.\d+$/)
  })

  it('never throws, gives text or null, and does not let a hostile header keep the process', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 600 }),
      fc
        .tuple(fc.constantFrom('Mozilla/5.0 (', '; ', 'Android ', 'a-', ' ', '/', 'bot', 'Version/'), fc.nat(600))
        .map(([piece, times]) => piece.repeat(times)),
    )
    fc.assert(
      fc.property(hostile, (raw) => {
        const started = performance.now()
        const { browser, os } = openDeviceParser().parse(cleanUserAgent(raw))
        expect(performance.now() - started).toBeLessThan(1_000)
        for (const value of [browser.name, browser.version, os.name, os.version]) {
          expect(value === null || typeof value === 'string').toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('a cleaned User-Agent header', () => {
  it('is null where there was none, or nothing visible', () => {
    expect(cleanUserAgent(undefined)).toBeNull()
    expect(cleanUserAgent('')).toBeNull()
    expect(cleanUserAgent(' \r\n\u001b ')).toBeNull()
  })

  it('has no characters that break a line or steer a terminal', () => {
    expect(cleanUserAgent('a\r\nSet-Cookie: b\u001b[31m\u0000\u007f\u009bc')).toBe('aSet-Cookie: b[31mc')
  })

  it('has no marks that turn the direction of writing, which arrive as UTF-8 bytes', () => {
    expect(cleanUserAgent(Buffer.from('a\u202eb\u2066c\ufeffd', 'utf8').toString('latin1'))).toBe('abcd')
  })

  it('shows UTF-8 as it was meant, and other bytes as latin1', () => {
    expect(cleanUserAgent(Buffer.from('Київ/1', 'utf8').toString('latin1'))).toBe('Київ/1')
    expect(cleanUserAgent('caf\u00e9/1')).toBe('caf\u00e9/1')
  })

  it('has at most 512 characters, also where the cut goes through a character', () => {
    expect(cleanUserAgent('x'.repeat(20_000))).toBe('x'.repeat(512))
    expect(cleanUserAgent(`x${Buffer.from('ї'.repeat(400), 'utf8').toString('latin1')}`)).toBe(`x${'ї'.repeat(255)}`)
  })

  it('is well-formed, visible and stable whatever arrives', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
        (raw) => {
          const clean = cleanUserAgent(raw) ?? 'nothing'
          expect(clean).not.toMatch(/[\p{Cs}\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
          expect(clean.length).toBeLessThanOrEqual(512)
        },
      ),
    )
  })
})
