import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import fc from 'fast-check'
import jsqr from 'jsqr'
import { PNG } from 'pngjs'
import { describe, expect, it } from 'vitest'
import type { Secret } from '../../src/account/events.ts'
import { matchingStep, newTotpSecret, otpauthUri, qrPng, qrSvg } from '../../src/secrets/totp.ts'
import { codeOf, fromBase32, stepAt } from '../support/authenticator.ts'

/** The secret of RFC 6238, appendix B, in base32: "12345678901234567890". */
const RFC_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' as Secret
const STEP_MS = 30_000
/** Also text that is ill-formed. */
const anyText = fc.array(fc.nat(0xffff), { maxLength: 80 }).map((units) => String.fromCharCode(...units))
const someTime = fc.integer({ min: STEP_MS, max: 4_102_444_800_000 })

describe('a secret', () => {
  it('has 160 bits in base32, without padding, and is never the same', () => {
    const secrets = Array.from({ length: 200 }, newTotpSecret)
    for (const secret of secrets) {
      expect(secret).toMatch(/^[A-Z2-7]{32}$/)
      expect(fromBase32(secret)).toHaveLength(20)
    }
    expect(new Set(secrets).size).toBe(200)
  })
})

describe('the step of a code', () => {
  // The appendix has eight digits; six digits are the last six of them (RFC 4226, section 5.3).
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('is as RFC 6238, appendix B, has it at %i s', (second, code) => {
    expect(matchingStep(RFC_SECRET, code, second * 1_000)).toBe(Math.floor(second / 30))
  })

  it('is found for the current step and the one before, and for no other', () => {
    fc.assert(
      fc.property(someTime, fc.integer({ min: -20, max: 20 }), (at, off) => {
        const secret = RFC_SECRET
        const step = stepAt(at)
        fc.pre(step + off >= 0)
        const code = codeOf(secret, step + off)
        const near = [step, step - 1].find((candidate) => codeOf(secret, candidate) === code)
        expect(matchingStep(secret, code, at)).toBe(near ?? null)
        if (off === 0 || off === -1) expect(near).toBeDefined()
      }),
    )
  })

  it('begins and ends with the step, to the millisecond', () => {
    const begin = 50_000_000 * STEP_MS
    const code = codeOf(RFC_SECRET, 50_000_000)
    expect(matchingStep(RFC_SECRET, code, begin - 1)).toBeNull()
    expect(matchingStep(RFC_SECRET, code, begin)).toBe(50_000_000)
    expect(matchingStep(RFC_SECRET, code, begin + 2 * STEP_MS - 1)).toBe(50_000_000)
    expect(matchingStep(RFC_SECRET, code, begin + 2 * STEP_MS)).toBeNull()
  })

  it('is null under another secret', () => {
    expect(matchingStep(newTotpSecret(), codeOf(RFC_SECRET, stepAt(59_000)), 59_000)).toBeNull()
  })

  it('is null for junk, and never an error', () => {
    const at = 1_234_567_890_000
    const good = codeOf(RFC_SECRET, stepAt(at))
    const wide = good.replace(/\d/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0))
    const junk = ['', ' ', '12345', 'abcdef', wide, `${good}\n`, ` ${good}`, `${good}0`, `0${good}`, '1e5', '-12345']
    for (const code of [...junk, '\u0000'.repeat(6), '٣'.repeat(6), '\ud800'.repeat(6)]) {
      expect(matchingStep(RFC_SECRET, code, at)).toBeNull()
    }
    fc.assert(
      fc.property(anyText, (code) => {
        fc.pre(!/^\d{6}$/.test(code))
        expect(matchingStep(RFC_SECRET, code, at)).toBeNull()
      }),
    )
  })

  it('is found in the first step of all time, where there is none before', () => {
    expect(matchingStep(RFC_SECRET, codeOf(RFC_SECRET, 0), 0)).toBe(0)
    expect(matchingStep(RFC_SECRET, '000000', 0)).toBeNull()
  })
})

const hasOathtool = (() => {
  try {
    execFileSync('oathtool', ['--version'])
    return true
  } catch {
    return false
  }
})()

describe.skipIf(!hasOathtool)('an authenticator that others have written', () => {
  it('shows the codes that are accepted here', async () => {
    const run = promisify(execFile)
    for (const second of [60, 1_234_567_890, 1_764_015_600, 4_102_444_799]) {
      const secret = newTotpSecret()
      const { stdout } = await run('oathtool', ['--totp', '--base32', `--now=@${second}`, secret])
      expect(matchingStep(secret, stdout.trim(), second * 1_000)).toBe(Math.floor(second / 30))
    }
  })
})

describe('the URI', () => {
  it('is what the apps agree on, with issuer and address percent-encoded', () => {
    expect(otpauthUri(RFC_SECRET, 'ada+two&issuer=evil#x?y/z`w@example.com')).toBe(
      'otpauth://totp/Strongroom:ada%2Btwo%26issuer%3Devil%23x%3Fy%2Fz%60w%40example.com' +
        `?secret=${RFC_SECRET}&issuer=Strongroom`,
    )
  })

  it('says again what was put into it', () => {
    const local = fc.stringMatching(/^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}$/)
    fc.assert(
      fc.property(local, (name) => {
        const email = `${name}@example.com`
        const uri = new URL(otpauthUri(RFC_SECRET, email))
        expect(uri.host).toBe('totp')
        expect(decodeURIComponent(uri.pathname)).toBe(`/Strongroom:${email}`)
        expect([...uri.searchParams]).toEqual([
          ['secret', RFC_SECRET],
          ['issuer', 'Strongroom'],
        ])
      }),
    )
  })
})

describe('the QR code', () => {
  const read = (png: Buffer): string | undefined => {
    const { data, width, height } = PNG.sync.read(png)
    return scan(new Uint8ClampedArray(data), width, height)?.data
  }
  // Its types tell of a default export, which Node wraps once more.
  const scan = ((jsqr as unknown as { default?: unknown }).default ?? jsqr) as unknown as typeof jsqr.default

  it('reads as the URI, by a reader that others have written', async () => {
    const uri = otpauthUri(newTotpSecret(), 'ada.lovelace@example.com')
    expect(read(await qrPng(uri))).toBe(uri)
  })

  it('has room for the longest address there is, in its worst spelling', async () => {
    const email = `${'+'.repeat(64)}@${'xn--a-b.'.repeat(23)}co`
    expect(email.length).toBeGreaterThan(250)
    const uri = otpauthUri(newTotpSecret(), email.slice(0, 254))
    expect(read(await qrPng(uri))).toBe(uri)
    expect(await qrSvg(uri)).toMatch(/^<svg /)
  })

  it('is the same as an SVG, which loads nothing and runs nothing', async () => {
    const uri = otpauthUri(newTotpSecret(), 'ada.lovelace@example.com')
    const svg = await qrSvg(uri)
    expect(svg).not.toMatch(/script|href|url\(|<!|on\w+=|style/i)
    expect(read(rasterise(svg))).toBe(uri)
  })
})

/** Draws what the maker's SVGs consist of: rows of horizontal strokes, one module high, on a white ground. */
const rasterise = (svg: string): Buffer => {
  const scale = 6
  const size = Number(/viewBox="0 0 (\d+) \d+"/.exec(svg)?.[1])
  const picture = new PNG({ width: size * scale, height: size * scale })
  picture.data.fill(255)
  const strokes = /stroke="#000000" d="([^"]+)"/.exec(svg)?.[1] ?? ''
  let [x, y] = [0, 0]
  for (const [, command, numbers = ''] of strokes.matchAll(/([MmhH])([-\d. ,]+)/g)) {
    const [first = 0, second = 0] = numbers
      .trim()
      .split(/[\s,]+/)
      .map(Number)
    if (command === 'M') [x, y] = [first, second]
    else if (command === 'm') [x, y] = [x + first, y + second]
    else {
      for (let at = x; at < x + first; at++) fillModule(picture, at, Math.floor(y), scale)
      x += first
    }
  }
  return PNG.sync.write(picture)
}

const fillModule = ({ data, width }: PNG, x: number, y: number, scale: number): void => {
  for (let row = y * scale; row < (y + 1) * scale; row++) {
    for (let column = x * scale; column < (x + 1) * scale; column++)
      data.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3)
  }
}
