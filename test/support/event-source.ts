/** A reader of server-sent events, as WHATWG HTML, 9.2 says they are read. */
import { vi } from 'vitest'

export interface ReceivedEvent {
  readonly event: string
  readonly id: string | null
  readonly data: unknown
}

export interface EventSource {
  readonly status: number
  readonly headers: Headers
  /** All so far. */
  readonly events: readonly ReceivedEvent[]
  readonly comments: () => number
  /** 'open', 'ended' by the server as a whole, or 'cut'. */
  state(): 'open' | 'ended' | 'cut'
  /** Waits until there are so many events at least. */
  until(count: number): Promise<readonly ReceivedEvent[]>
  untilEnded(): Promise<void>
  leave(): void
}

export const openEventSource = async (
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<EventSource> => {
  const leaving = new AbortController()
  const response = await fetch(url, { headers, signal: leaving.signal })
  const events: ReceivedEvent[] = []
  let comments = 0
  let state: 'open' | 'ended' | 'cut' = 'open'

  const take = (block: string): void => {
    const fields = new Map<string, string>()
    for (const line of block.split('\n')) {
      const colon = line.indexOf(':')
      if (colon === 0) comments += 1
      else fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart())
    }
    const data = fields.get('data')
    if (data === undefined) return
    events.push({ event: fields.get('event') ?? 'message', id: fields.get('id') ?? null, data: JSON.parse(data) })
  }
  const read = async (): Promise<void> => {
    let text = ''
    const decoder = new TextDecoder()
    for await (const piece of response.body ?? []) {
      text += decoder.decode(piece, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      blocks.forEach(take)
    }
  }
  read().then(
    () => {
      state = 'ended'
    },
    () => {
      state = 'cut'
    },
  )
  const waiting = { timeout: 10_000, interval: 5 }
  return {
    status: response.status,
    headers: response.headers,
    events,
    comments: () => comments,
    state: () => state,
    async until(count) {
      await vi.waitFor(() => {
        if (events.length < count) throw new Error(`${events.length} of ${count} events: ${JSON.stringify(events)}`)
      }, waiting)
      return events
    },
    untilEnded: () =>
      vi.waitFor(() => {
        if (state !== 'ended') throw new Error(`the stream is ${state}`)
      }, waiting),
    leave: () => leaving.abort(),
  }
}

export const cookieOf = (browser: { readonly cookies: ReadonlyMap<string, string> }): string =>
  [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
