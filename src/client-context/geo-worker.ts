/**
 * Runs in a worker thread: the data are read from the disk synchronously, and a look-up must never be able to hold up
 * the requests of others. Speaks in `GeoRequest` and `GeoReply`.
 */
import { parentPort } from 'node:worker_threads'
import { openGeoData } from './geo-data.ts'
import type { GeoReply, GeoRequest } from './location.ts'

const data = openGeoData()

const reply = (message: GeoReply): void => parentPort?.postMessage(message)

parentPort?.on('message', ({ id, ip }: GeoRequest) => {
  reply({ kind: 'found', id, ip, location: data.find(ip) })
})

reply({ kind: 'ready' })
