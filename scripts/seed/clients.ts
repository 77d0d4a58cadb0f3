/** What the server would tell of the story's clients: each place is looked up once, each user agent parsed once. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ClientContext, ClientContextResolver } from '../../src/client-context/client-context.ts'
import type { Client } from './character.ts'
import { computers, programs, tablets, telephones } from './devices.ts'
import { faraway, homes } from './places.ts'

/** Loading the location data takes about a second, and until then nobody is anywhere. */
const PATIENCE_MS = 60_000
const LOOK_EVERY_MS = 50

/** Throws where the location data do not come. */
export const resolveClients = async (resolver: ClientContextResolver): Promise<(client: Client) => ClientContext> => {
  const places = new Map<string, ClientContext>()
  for (const { network } of [...homes, ...faraway]) places.set(network, await located(resolver, `${network}.1`))
  const devices = new Map<string, ClientContext>()
  for (const userAgent of [...computers, ...telephones, ...tablets, ...programs]) {
    devices.set(userAgent, await resolver.resolve({ ip: undefined, userAgent }))
  }
  return ({ place, host, userAgent }) => {
    const [there, device] = [places.get(place.network), devices.get(userAgent)]
    if (there === undefined || device === undefined) throw new Error('a client of no place, or with no device')
    return { ...device, location: there.location, ip: `${place.network}.${host}` }
  }
}

const located = async (resolver: ClientContextResolver, ip: string): Promise<ClientContext> => {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    const context = await resolver.resolve({ ip, userAgent: undefined })
    if (context.location !== null) return context
    if (performance.now() > until) throw new Error('the location data cannot be loaded')
    await delay(LOOK_EVERY_MS)
  }
}
