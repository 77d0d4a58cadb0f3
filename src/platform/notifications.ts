import pg from 'pg'
import type { Logger } from 'pino'
import { CONNECT_TIMEOUT_MS, errorSummary, type PostgresConnection } from './postgres.ts'

/** `payload` is undefined when notifications may have been missed: look at the tables again. */
export type NotificationHandler = (payload: string | undefined) => void

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 5_000
const HEARTBEAT_MS = 10_000
const ANSWER_TIMEOUT_MS = 5_000
const GOODBYE_MS = 1_000

/**
 * One connection per process that listens for everybody. It connects at the first `listen`, reconnects by itself for as
 * long as it takes, and after each (re)connect calls every handler with undefined.
 */
export class Notifications {
  readonly #connection: PostgresConnection
  readonly #log: Logger
  /** A channel once listened to stays: there are a handful in all, and UNLISTEN would race with a new listener. */
  readonly #handlers = new Map<string, Set<NotificationHandler>>()
  readonly #closing = new AbortController()
  /** The connection that listens to every channel in #handlers; undefined while there is none. */
  #live: Session | undefined
  #running: Promise<void> | undefined

  constructor(connection: PostgresConnection, log: Logger) {
    this.#connection = connection
    this.#log = log
  }

  /**
   * Calls `handler` for every notification on the channel from the moment the promise resolves. Where the database is
   * away the promise resolves all the same, and the handler is called with undefined once it is back. Returns the way
   * to stop. Throws only after `close`.
   */
  async listen(channel: string, handler: NotificationHandler): Promise<() => void> {
    if (this.#closing.signal.aborted) throw new Error('notifications are closed')
    const handlers = this.#handlers.get(channel) ?? new Set()
    this.#handlers.set(channel, handlers)
    // A wrapper of its own, so that one function registered twice is two listeners.
    const own: NotificationHandler = (payload) => handler(payload)
    handlers.add(own)
    this.#running ??= this.#run()
    // A failure here is a lost connection: the reconnect listens to this channel and calls the handler.
    await this.#live?.listen([channel]).catch(() => {})
    return () => handlers.delete(own)
  }

  /** Ends the connection. Handlers are not called any more. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    let retryMs = FIRST_RETRY_MS
    while (!signal.aborted) {
      const session = new Session(this.#connection, (channel, payload) => this.#deliver(channel, payload))
      try {
        await session.connect()
        await this.#catchUpChannels(session)
        this.#log.debug('listening for database notifications')
        retryMs = FIRST_RETRY_MS
        for (const channel of this.#handlers.keys()) this.#deliver(channel, undefined)
        await session.untilLost(signal)
      } catch (error) {
        if (!signal.aborted)
          this.#log.warn({ ...errorSummary(error), retryMs }, 'database notifications are interrupted')
      } finally {
        this.#live = undefined
        await session.end()
      }
      await pause(retryMs, signal)
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
    }
  }

  /** Listens until no channel came in meanwhile; then, without a gap, the session is the live one. */
  async #catchUpChannels(session: Session): Promise<void> {
    const done = new Set<string>()
    for (;;) {
      const missing = [...this.#handlers.keys()].filter((channel) => !done.has(channel))
      if (missing.length === 0) break
      await session.listen(missing)
      for (const channel of missing) done.add(channel)
    }
    this.#live = session
  }

  #deliver(channel: string, payload: string | undefined): void {
    if (this.#closing.signal.aborted) return
    for (const handler of this.#handlers.get(channel) ?? []) {
      try {
        handler(payload)
      } catch (error) {
        this.#log.error({ err: error, channel }, 'a notification handler failed')
      }
    }
  }
}

/** One connection from birth to loss. */
class Session {
  readonly #client: pg.Client
  readonly #lost: Promise<Error>
  /** Statements run one after another: `pg` allows only one at a time on a connection. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(connection: PostgresConnection, deliver: (channel: string, payload: string) => void) {
    this.#client = new pg.Client({
      ...connection,
      application_name: 'strongroom notifications',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
      keepAlive: true,
    })
    this.#client.on('notification', ({ channel, payload }) => deliver(channel, payload ?? ''))
    this.#lost = new Promise((resolve) => {
      this.#client.on('error', resolve)
      this.#client.on('end', () => resolve(new Error('the connection ended')))
    })
  }

  async connect(): Promise<void> {
    await this.#client.connect()
  }

  listen(channels: readonly string[]): Promise<void> {
    return this.#query(channels.map((channel) => `listen ${pg.escapeIdentifier(channel)}`).join('; '))
  }

  /**
   * Throws when the connection is lost; returns when the signal aborts. Without a heartbeat a connection that died in
   * silence (a router forgot it, the server's machine lost power) would look like a quiet one for hours.
   */
  async untilLost(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const lost = await Promise.race([this.#lost, pause(HEARTBEAT_MS, signal)])
      if (lost) throw lost
      if (!signal.aborted) await this.#query('select 1')
    }
  }

  async end(): Promise<void> {
    // A server that does not answer would never confirm the end: the socket is closed on this side in any case.
    await Promise.race([this.#client.end().catch(() => {}), pause(GOODBYE_MS)])
  }

  #query(text: string): Promise<void> {
    const run = this.#queue.then(async () => {
      await this.#client.query(text)
    })
    this.#queue = run.catch(() => {})
    return run
  }
}

/** Resolves after the time or at the abort, whichever is first; does not keep the process alive. */
function pause(ms: number, signal?: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve(undefined)
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve(undefined)
    }
    const timer = setTimeout(done, ms)
    timer.unref()
    signal?.addEventListener('abort', done)
  })
}
