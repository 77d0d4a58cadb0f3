import type { Logger } from 'pino'
import { cleanUserAgent, type DeviceType, openDeviceParser } from './device.ts'
import { normaliseIp } from './ip.ts'
import { type Location, openLocator } from './location.ts'

/** Who called, as events record it: resolved once, when the event is written, so that a replay gives the same for ever. */
export interface ClientContext {
  /** As `normaliseIp` writes it; `unknown` where the socket had none left to tell. */
  readonly ip: string
  readonly userAgent: string | null
  readonly location: Location | null
  readonly device: { readonly type: DeviceType }
  readonly browser: { readonly name: string | null; readonly version: string | null }
  readonly os: { readonly name: string | null; readonly version: string | null }
  /** Which data `location` was resolved with. */
  readonly geoVersion: string
  /** Which parser `device`, `browser` and `os` were resolved with. */
  readonly uaVersion: string
}

export interface ClientContextResolver {
  /**
   * Never rejects and never takes longer than the locator's wait (250 ms): what cannot be told is null.
   * `userAgent` is the header as Node hands it over, one character per byte.
   */
  resolve(client: { readonly ip: string | undefined; readonly userAgent: string | undefined }): Promise<ClientContext>
  /** The addresses and user agents seen so far are nobody's in particular, so where one person goes all go. */
  forget(): void
  close(): Promise<void>
}

export const openClientContext = ({ log }: { readonly log: Logger }): ClientContextResolver => {
  const locator = openLocator({ log })
  const parser = openDeviceParser()
  return {
    resolve: async (client) => {
      const ip = normaliseIp(client.ip)
      const userAgent = cleanUserAgent(client.userAgent)
      return {
        ip,
        userAgent,
        location: await locator.locate(ip),
        ...parser.parse(userAgent),
        geoVersion: locator.version,
        uaVersion: parser.version,
      }
    },
    forget() {
      locator.forget()
      parser.forget()
    },
    close: () => locator.close(),
  }
}
