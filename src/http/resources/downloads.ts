/**
 * Long downloads. Each holds a connection of the database for as long as its reader takes, so there are few at a time,
 * none outlives the right to it, and a reader who stops reading is not waited for for ever.
 */
import type { Readable } from 'node:stream'
import { streamFrom } from '../../platform/stream-from.ts'
import { Problem } from '../problem.ts'

export interface Download {
  /** Whose it is: `session <id>`, `token <id>`. */
  readonly owner: string
  /** Asked for once there is room. */
  open(): Promise<Readable>
  /** Asked every few seconds, and whenever `hear` is told so. */
  mayGoOn(): Promise<boolean>
  /** Calls back when the right to it may have ended, until what it returns is called. */
  readonly follow?: (heard: () => void) => () => void
}

export interface Downloads {
  /** Throws Problem 429 where the owner has too many under way, 503 where all together are too many. */
  start(download: Download): Promise<Readable>
  /** Ends all of them, in the middle: who read them sees that they are not whole. */
  close(): void
}

/** As many as the pool of exports has connections. */
export const DOWNLOADS_AT_ONCE = 6
const PER_OWNER = 2
const LOOK_EVERY_MS = 5_000
const STALLED_MS = 60_000

/** The download was cut off. The client sees an answer that does not end as it should. */
class CutOff extends Error {
  override readonly name = 'CutOff'
}

export interface DownloadTimes {
  /** Between two questions whether a download may go on. */
  readonly lookEveryMs?: number
  /** How long is waited for somebody to take the next piece. */
  readonly stalledMs?: number
}

export const openDownloads = ({
  lookEveryMs = LOOK_EVERY_MS,
  stalledMs = STALLED_MS,
}: DownloadTimes = {}): Downloads => {
  const running = new Map<symbol, { readonly owner: string; end(): void }>()
  return {
    async start(download) {
      const theirs = [...running.values()].filter(({ owner }) => owner === download.owner)
      if (theirs.length >= PER_OWNER) {
        throw new Problem(429, 'too-many-requests', {
          detail: `No more than ${PER_OWNER} downloads may be under way at once.`,
        })
      }
      if (running.size >= DOWNLOADS_AT_ONCE) throw new Problem(503, 'overloaded')
      const key = Symbol(download.owner)
      let stopped = false
      let cut = (): void => {
        stopped = true
      }
      let look = (): void => {}
      running.set(key, { owner: download.owner, end: () => cut() })
      // Before it is opened: what is heard meanwhile is about what it shows.
      const unfollow = download.follow?.(() => look())
      const forget = (): void => {
        unfollow?.()
        running.delete(key)
      }
      try {
        const source = await download.open()
        const guarded = guard(source, download, { lookEveryMs, stalledMs })
        cut = () => guarded.readable.destroy(new CutOff('the server is stopping'))
        look = guarded.look
        guarded.readable.once('close', forget)
        if (stopped) cut()
        if (download.follow !== undefined) look()
        return guarded.readable
      } catch (error) {
        forget()
        throw error
      }
    },
    close() {
      for (const { end } of [...running.values()]) end()
    },
  }
}

const guard = (
  source: Readable,
  { mayGoOn }: Download,
  { lookEveryMs, stalledMs }: Required<DownloadTimes>,
): { readonly readable: Readable; look(): void } => {
  /** Since when a piece waits to be taken. null: we wait for the source, which may have much to look through. */
  let offeredAt: number | null = null
  const look = (): void => {
    if (offeredAt !== null && performance.now() - offeredAt > stalledMs)
      readable.destroy(new CutOff('nobody reads the download'))
    mayGoOn().then(
      (may) => may || readable.destroy(new CutOff('the right to the download has ended')),
      () => readable.destroy(new CutOff('whether the download may go on cannot be told')),
    )
  }
  async function* passing(): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      offeredAt = performance.now()
      yield chunk
      offeredAt = null
    }
    // What is left lies in the buffer, and is taken or not like everything before.
    offeredAt = performance.now()
  }
  const timer = setInterval(look, lookEveryMs)
  const readable = streamFrom(passing(), () => {
    clearInterval(timer)
    source.destroy()
  })
  // It may be cut off before anybody has begun to read it.
  readable.once('error', () => {})
  return { readable, look }
}
