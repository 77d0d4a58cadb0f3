/**
 * From where an account is known to sign in: kinds of device and countries, of the coarse and open facts that identify
 * nobody. A sign-in from elsewhere is not refused; its owner is told.
 */
import type { CoarseClient, Unfamiliar } from './events.ts'

export interface Familiar {
  /** Somebody has signed in before. */
  readonly begun: boolean
  /** The last ones, oldest first. */
  readonly devices: readonly string[]
  readonly countries: readonly string[]
}

export const FAMILIAR_THINGS = 50

export const nothingFamiliar: Familiar = { begun: false, devices: [], countries: [] }

/** Nothing known any more, of an account that has been signed in to: the next sign-in is remarkable, whoever it is. */
export const forgotten: Familiar = { ...nothingFamiliar, begun: true }

export const familiarWith = (familiar: Familiar, client: CoarseClient | null): Familiar =>
  client === null
    ? { ...familiar, begun: true }
    : {
        begun: true,
        devices: mostRecent(familiar.devices, deviceOf(client)),
        countries: mostRecent(familiar.countries, client.country),
      }

/** Of an account that nobody has signed in to, everything is new and nothing is remarkable. */
export const unfamiliarOf = (familiar: Familiar, client: CoarseClient | null): Unfamiliar[] => {
  if (client === null || !familiar.begun) return []
  const device = !familiar.devices.includes(deviceOf(client))
  // A private address has no country; whoever was only ever at home has none to compare with.
  const country =
    client.country !== null && familiar.countries.length > 0 && !familiar.countries.includes(client.country)
  return [...(device ? ['device' as const] : []), ...(country ? ['country' as const] : [])]
}

/** Versions change by themselves and are no other device. */
const deviceOf = ({ deviceType, browser, os }: CoarseClient): string =>
  JSON.stringify([deviceType, browser.name, os.name])

const mostRecent = (known: readonly string[], thing: string | null): readonly string[] =>
  thing === null ? known : [...known.filter((other) => other !== thing), thing].slice(-FAMILIAR_THINGS)
