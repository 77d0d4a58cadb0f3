import { LRUCache } from 'lru-cache'
import { UAParser } from 'ua-parser-js'

export type DeviceType = 'desktop' | 'mobile' | 'tablet' | 'bot' | 'other'

export interface Device {
  readonly device: { readonly type: DeviceType }
  readonly browser: { readonly name: string | null; readonly version: string | null }
  readonly os: { readonly name: string | null; readonly version: string | null }
}

export interface DeviceParser {
  readonly version: string
  /** `userAgent` has been through `cleanUserAgent`. */
  parse(userAgent: string | null): Device
  /** Of what it has parsed so far nothing is kept. */
  forget(): void
}

/** Parsing costs tens of microseconds and the same few hundred strings come again and again. */
const CACHED_USER_AGENTS = 2_000

export const openDeviceParser = (): DeviceParser => {
  const cache = new LRUCache<string, Device>({ max: CACHED_USER_AGENTS })
  return {
    version: `ua-parser-js/${UAParser.VERSION}`,
    parse: (userAgent) => {
      if (userAgent === null) return UNKNOWN
      const known = cache.get(userAgent)
      if (known !== undefined) return known
      const device = parse(userAgent)
      cache.set(userAgent, device)
      return device
    },
    forget: () => cache.clear(),
  }
}

/** Longer than any browser's header; the parser stays below 3 ms on the worst that fits. */
const MAX_LENGTH = 512

/**
 * A User-Agent header fit to be parsed, stored and shown in a terminal: at most 512 characters, well-formed, without
 * characters that break a line, hide, or turn the direction of what stands beside them. Null where nothing is left.
 *
 * Node hands header bytes over as latin1, so a header written in UTF-8 is decoded first: only then do direction marks
 * show themselves.
 */
export const cleanUserAgent = (raw: string | undefined): string | null => {
  if (raw === undefined) return null
  const clean = decodeUtf8(raw.slice(0, MAX_LENGTH), raw.length > MAX_LENGTH)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .replace(/\p{Cs}/gu, '\ufffd')
    .trim()
  return clean === '' ? null : clean
}

/** The text as UTF-8 where its bytes are that, else unchanged. A `cut` one may end in the middle of a character. */
const decodeUtf8 = (latin1: string, cut: boolean): string => {
  if (/[^\u0000-\u00ff]/.test(latin1)) return latin1
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(latin1, 'latin1'), { stream: cut })
  } catch {
    return latin1
  }
}

const UNKNOWN: Device = {
  device: { type: 'other' },
  browser: { name: null, version: null },
  os: { name: null, version: null },
}

const parse = (userAgent: string): Device => {
  const { browser, os, device } = new UAParser(userAgent).getResult()
  const bot = botIn(userAgent)
  return {
    device: { type: bot === null ? typeOf(device.type, os.name) : 'bot' },
    browser: bot ?? { name: browser.name ?? null, version: browser.version ?? null },
    os: { name: os.name ?? null, version: os.version ?? null },
  }
}

/**
 * A bot is any program that acts without a browser and says so: crawlers, headless browsers, HTTP libraries, and curl
 * and its kin. curl by hand and curl in a stranger's script send the same header, and the owner who looks through the
 * sessions must notice the script; whoever used curl knows it again, since its name stands as the browser.
 */
const BOTS: readonly RegExp[] = [
  /^(curl|wget|httpie|python-requests|python-urllib|python-httpx|python|libwww-perl|go-http-client|apache-httpclient|java|axios|node-fetch|node|undici|guzzlehttp|postmanruntime|insomnia|scrapy|k6|okhttp|ruby)(?![\w.-])(?:\/([\w.]{1,32}))?/i,
  /\b(headlesschrome|phantomjs)\/([\w.]{1,32})/i,
  // A Cubot is a telephone.
  /\b([\w-]{0,32}(?:(?<!cu)bot|crawler|spider))(?![\w-])(?:\/([\w.]{1,32}))?/i,
  /\b(slurp|mediapartners-google|facebookexternalhit|bingpreview|windowspowershell)(?:\/([\w.]{1,32}))?/i,
]

const botIn = (userAgent: string): { readonly name: string | null; readonly version: string | null } | null => {
  for (const pattern of BOTS) {
    const [found, name, version] = pattern.exec(userAgent) ?? []
    if (found !== undefined) return { name: name ?? null, version: version ?? null }
  }
  return null
}

const DESKTOPS =
  /^(windows|mac os|linux|chromium os|chrome os|ubuntu|debian|fedora|arch|mint|gentoo|suse|red ?hat|centos|solaris|(free|open|net)bsd|haiku)/i

/** The parser names the type only of what is not a desktop computer; televisions, consoles and watches are `other`. */
const typeOf = (type: string | undefined, os: string | undefined): DeviceType => {
  if (type === 'mobile' || type === 'tablet') return type
  return type === undefined && os !== undefined && DESKTOPS.test(os) ? 'desktop' : 'other'
}
