import { type InjectionKey, onScopeDispose } from 'vue'
import type { AccountSession, AuditEvent } from '../api/types.ts'

/** What happens to the account while the page is open (GET /v1/me/events). */
export type Live = ReturnType<typeof createLive>
export const liveKey: InjectionKey<Live> = Symbol('live')

/**
 * The news carry what has changed, because the stream may be ahead of the lists that the server keeps. `resumed`: the
 * stream begins, or begins again, so anything may have changed before.
 */
export type LiveNews =
  | { readonly kind: 'resumed' }
  | { readonly kind: 'audit-event'; readonly data: AuditEvent }
  | { readonly kind: 'session-started'; readonly data: AccountSession }
  | { readonly kind: 'session-ended'; readonly data: Pick<AccountSession, 'id' | 'endedReason' | 'endedAt'> }

export interface LiveOptions {
  readonly open: () => EventSource
  /** Asks whether the session still holds. A stream that ends cannot say why it did. */
  readonly check: () => Promise<unknown>
  readonly document: Document
}

const RETRY_MS = [1_000, 2_000, 5_000, 15_000, 30_000] as const

/**
 * One stream for the page, and only while it is looked at: browsers allow few connections to a host, and a hidden tab
 * that is looked at again asks anew. It ends with the session: so its end is the moment to ask.
 */
export const createLive = ({ open, check, document }: LiveOptions) => {
  const listeners = new Set<(news: LiveNews) => void>()
  let source: EventSource | undefined
  let wanted = false
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const tell = (news: LiveNews): void => {
    for (const listener of listeners) listener(news)
  }

  const disconnect = (): void => {
    clearTimeout(timer)
    source?.close()
    source = undefined
  }

  const connect = (): void => {
    disconnect()
    if (!wanted || document.visibilityState === 'hidden') return
    const opened = open()
    source = opened
    opened.onopen = () => {
      tell({ kind: 'resumed' })
      failures = 0
    }
    for (const kind of ['audit-event', 'session-started', 'session-ended'] as const) {
      opened.addEventListener(kind, ({ data }) => tell({ kind, data: JSON.parse(data) }))
    }
    opened.onerror = async () => {
      // Not left to the browser, which would try again before anybody has asked whether the session is over.
      opened.close()
      if (source !== opened) return
      source = undefined
      const pause = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]
      failures += 1
      await check()
      if (wanted && source === undefined) timer = setTimeout(connect, pause)
    }
  }

  const onVisibility = (): void => {
    if (document.visibilityState === 'hidden') {
      disconnect()
    } else if (wanted && source === undefined) {
      failures = 0
      void check()
      connect()
    }
  }
  document.addEventListener('visibilitychange', onVisibility)

  return {
    start(): void {
      if (wanted) return
      wanted = true
      failures = 0
      connect()
    },
    stop(): void {
      wanted = false
      disconnect()
    },
    /** Until the scope (a component, as a rule) is gone. */
    listen(listener: (news: LiveNews) => void): void {
      listeners.add(listener)
      onScopeDispose(() => listeners.delete(listener))
    },
  }
}
