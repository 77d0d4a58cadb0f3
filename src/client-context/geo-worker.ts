/**
 * Runs in a worker thread: loading geoip-lite reads about 150 MB synchronously, and a lookup must never be able to hold
 * up the requests of others. Speaks in `GeoRequest` and `GeoReply`.
 */
import { parentPort } from 'node:worker_threads'
import type { GeoReply, GeoRequest } from './location.ts'

const { default: geoip } = await import('geoip-lite')

const reply = (message: GeoReply): void => parentPort?.postMessage(message)

parentPort?.on('message', ({ id, ip }: GeoRequest) => {
  const found = geoip.lookup(ip)
  reply({
    kind: 'found',
    id,
    ip,
    // Some ranges are listed without a country: nothing is known about them.
    location: found?.country ? { country: found.country, region: text(found.region), city: text(found.city) } : null,
  })
})

reply({ kind: 'ready' })

/** The data give the empty string for "not known", and cut long names by bytes, which can leave half a character. */
function text(value: string): string | null {
  const clean = value.replace(/\ufffd+$/, '').trim()
  return clean === '' ? null : clean
}
