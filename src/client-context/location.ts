import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { isPublicIp } from './ip.ts'

export interface Location {
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  /** The part of an ISO 3166-2 code behind the country's. */
  readonly region: string | null
  readonly city: string | null
}

export type GeoRequest = { readonly id: number; readonly ip: string }
export type GeoReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'found'; readonly id: number; readonly ip: string; readonly location: Location | null }

export interface Locator {
  /** Which data answer: `geoip-lite/<package version>+<date of the data>.<start of their checksum>`. */
  readonly version: string
  /**
   * Where a normalised address is, as the data believe. Null for a private or unknown address, and whenever the answer
   * is not there within the wait: no sign-in fails or stands still for the want of a city. Never rejects.
   */
  locate(ip: string): Promise<Location | null>
  /** Of what it has located so far nothing is kept. */
  forget(): void
  close(): Promise<void>
}

export interface LocatorOptions {
  readonly log: Logger
  /** Longest wait for an answer. Milliseconds; default 250. */
  readonly waitMs?: number
  /** Pause before the worker is started again; doubles with each crash in a row, at most to a minute. Milliseconds; default 1,000. */
  readonly backoffMs?: number
  /** A loaded worker that owes answers and has been silent for so long is ended and started again. Milliseconds; default 10,000. */
  readonly hungAfterMs?: number
  /** Tests put their own worker here. */
  readonly worker?: URL
}

const MAX_BACKOFF_MS = 60_000
const CACHED_ADDRESSES = 10_000

/** Loading starts at once in the worker's own thread; the caller's thread is free, and answers are null meanwhile. */
export const openLocator = (options: LocatorOptions): Locator => {
  const { log, waitMs = 250, backoffMs = 1_000, hungAfterMs = 10_000, worker: entry = ownWorker() } = options
  const cache = new LRUCache<string, { readonly location: Location | null }>({ max: CACHED_ADDRESSES })
  const waiting = new Map<number, (location: Location | null) => void>()
  let worker: Worker | null = null
  let ready = false
  let restart: NodeJS.Timeout | undefined
  let crashesInARow = 0
  let lastId = 0
  /** What was asked before it is not kept, also where the answer comes after it. */
  let forgottenUpTo = 0
  /** Since when the worker has owed an answer without giving any sign. */
  let silentSince: number | null = null
  let closed = false

  const start = (): void => {
    const started = performance.now()
    const thread = new Worker(entry, {
      execArgv: entry.pathname.endsWith('.ts') ? readTypeScript() : [],
      // Nothing of the environment, least of all its keys, is needed there; and the data stay those that `version` names.
      env: {},
    })
    worker = thread
    // The data are no reason to keep a process alive.
    thread.unref()
    thread.on('message', (reply: GeoReply) => {
      silentSince = null
      if (reply.kind === 'ready') {
        ready = true
        log.info({ loadedInMs: Math.round(performance.now() - started) }, 'location data loaded')
        return
      }
      crashesInARow = 0
      // Kept also where the asker has stopped waiting: the next one finds it.
      if (reply.id > forgottenUpTo) cache.set(reply.ip, { location: reply.location })
      waiting.get(reply.id)?.(reply.location)
    })
    thread.on('error', (error) => log.error({ err: error }, 'the location worker broke'))
    thread.on('exit', () => {
      worker = null
      ready = false
      silentSince = null
      for (const settle of waiting.values()) settle(null)
      if (closed) return
      const pause = Math.min(backoffMs * 2 ** crashesInARow, MAX_BACKOFF_MS)
      crashesInARow += 1
      log.warn({ restartInMs: pause }, 'the location worker ended: locations are unknown until it is back')
      restart = setTimeout(start, pause)
      restart.unref()
    })
  }

  const ask = (thread: Worker, ip: string): Promise<Location | null> =>
    new Promise((resolve) => {
      lastId += 1
      const id = lastId
      silentSince ??= performance.now()
      const settle = (location: Location | null): void => {
        clearTimeout(timer)
        waiting.delete(id)
        resolve(location)
      }
      const timer = setTimeout(() => {
        settle(null)
        if (!ready || silentSince === null || performance.now() - silentSince < hungAfterMs) return
        log.error('the location worker hangs and is ended')
        void thread.terminate()
      }, waitMs)
      waiting.set(id, settle)
      thread.postMessage({ id, ip } satisfies GeoRequest)
    })

  start()
  return {
    version: dataVersion(),
    locate: async (ip) => {
      if (!isPublicIp(ip)) return null
      const known = cache.get(ip)
      if (known !== undefined) return known.location
      return worker === null ? null : await ask(worker, ip)
    },
    forget() {
      forgottenUpTo = lastId
      cache.clear()
    },
    close: async () => {
      closed = true
      clearTimeout(restart)
      await worker?.terminate()
    },
  }
}

const ownWorker = (): URL =>
  new URL(import.meta.url.endsWith('.ts') ? './geo-worker.ts' : './geo-worker.js', import.meta.url)

/**
 * Where the sources run as they are, the worker's file is TypeScript too. A mere `--import tsx` does nothing in a worker
 * of Node 20: there tsx registers itself in the main thread only, unless it is asked.
 */
const readTypeScript = (): string[] => {
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'))
  return ['--import', `data:text/javascript,import { register } from ${tsx}; register()`]
}

/** Two files of a few hundred bytes: the data themselves are left to the worker. */
const dataVersion = (): string => {
  const require = createRequire(import.meta.url)
  const { version } = require('geoip-lite/package.json') as { readonly version: string }
  const checksum = readFileSync(require.resolve('geoip-lite/data/city.checksum'), 'utf8')
  const [, hash = 'unknown', date = 'unknown'] = /^([0-9a-f]{12})[0-9a-f]*\s+\S*?(\d{8})/.exec(checksum) ?? []
  return `geoip-lite/${version}+${date}.${hash}`
}
