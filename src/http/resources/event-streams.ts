/**
 * Server-sent events (WHATWG HTML, 9.2): streams that stay open for as long as their reader may and wants to read. Each
 * holds no more than one message that has not left, so a slow reader costs no memory; a comment now and then tells both
 * ends, and what lies between, that the other is there.
 */
import { Readable } from 'node:stream'
import { Latch } from '../../platform/latch.ts'
import type { Content } from '../endpoint.ts'
import { Problem } from '../problem.ts'

export interface ServerSentEvent {
  /** Where a reader goes on after; left out, it goes on after the message before. */
  readonly id?: string
  /** Left out: `message`. */
  readonly event?: string
  /** Becomes JSON. */
  readonly data: unknown
}

export interface EventStreams {
  /**
   * `messages` is asked for once the reader reads; it ends, or goes on until its signal aborts. `mayGoOn` is asked with
   * each heartbeat. Throws Problem 429 where the owner has too many open already, 503 where the process is stopping.
   */
  start(
    owner: string,
    messages: (signal: AbortSignal) => AsyncIterable<ServerSentEvent>,
    mayGoOn: () => Promise<boolean>,
  ): Content
  /** Ends all of them, cleanly: their readers come back, to another process. */
  close(): void
}

const PER_OWNER = 10
export const HEARTBEAT_MS = 15_000
const FOR_EVER_MS = 2 ** 31 - 1

export const openEventStreams = ({
  perOwner = PER_OWNER,
  heartbeatMs = HEARTBEAT_MS,
}: {
  readonly perOwner?: number
  readonly heartbeatMs?: number
} = {}): EventStreams => {
  const open = new Map<string, Set<OpenStream>>()
  let closed = false
  return {
    start(owner, messages, mayGoOn) {
      const theirs = open.get(owner) ?? new Set()
      if (closed) throw new Problem(503, 'overloaded', { detail: 'The server is stopping. Try again.' })
      if (theirs.size >= perOwner) {
        throw new Problem(429, 'too-many-requests', { detail: `No more than ${perOwner} streams may be open at once.` })
      }
      const stream = openStream(messages, mayGoOn, heartbeatMs)
      open.set(owner, theirs.add(stream))
      stream.readable.once('close', () => {
        theirs.delete(stream)
        if (theirs.size === 0 && open.get(owner) === theirs) open.delete(owner)
      })
      return { type: 'text/event-stream', data: stream.readable }
    },
    close() {
      closed = true
      for (const stream of [...open.values()].flatMap((theirs) => [...theirs])) stream.end()
    },
  }
}

interface OpenStream {
  readonly readable: Readable
  end(): void
}

const openStream = (
  messages: (signal: AbortSignal) => AsyncIterable<ServerSentEvent>,
  mayGoOn: () => Promise<boolean>,
  heartbeatMs: number,
): OpenStream => {
  const ending = new AbortController()
  const room = new Latch()
  let begun = false

  const send = async (): Promise<void> => {
    try {
      for await (const message of messages(ending.signal)) {
        if (ending.signal.aborted) break
        room.clear()
        if (!readable.push(frameOf(message))) await room.wait(FOR_EVER_MS, ending.signal)
      }
      readable.push(null)
    } catch (error) {
      readable.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }
  const beat = setInterval(() => {
    // What has not left yet says that we are here as well.
    if (readable.readableLength === 0 && !ending.signal.aborted) readable.push(':\n\n')
    mayGoOn().then(
      (may) => may || ending.abort(),
      () => ending.abort(),
    )
  }, heartbeatMs)
  const readable = new Readable({
    read() {
      room.set()
      if (begun) return
      begun = true
      void send()
    },
    destroy(error, done) {
      clearInterval(beat)
      ending.abort()
      done(error)
    },
  })
  return { readable, end: () => ending.abort() }
}

const frameOf = ({ id, event, data }: ServerSentEvent): string =>
  `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`
