/**
 * What happens to my account, as it happens. The stream is read from the account's own events, by the functions that
 * make the read models, so it needs no projector, and is as far as the truth is. It ends with the session.
 */
import { z } from 'zod'
import type { ProjectedEvent } from '../../account/events.ts'
import { streamOf } from '../../accounts/accounts.ts'
import type { Authenticated } from '../../commands/authenticate.ts'
import { StoreUnavailable } from '../../event-store/port.ts'
import { Latch } from '../../platform/latch.ts'
import { openEvent } from '../../projector/open-events.ts'
import { auditRowOf, sessionChangesOf } from '../../replay/as-of.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { HEARTBEAT_MS, type ServerSentEvent } from './event-streams.ts'
import { isLive } from './live-sessions.ts'
import { auditEventView, sessionView } from './views.ts'

/** `sequence` of an audit event: its revision + 1. */
const sequenceSchema = z
  .string()
  .regex(/^\d{1,15}$/, 'must be the id of an event of this stream')
  .meta({ description: 'The `id` that was received last' })

export const myEventEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'GET',
    path: '/v1/me/events',
    summary: 'What happens to my account, as it happens',
    description:
      'Server-sent events: `audit-event` with a line of the audit log, `session-started` with the session, ' +
      '`session-ended` with its id, hash, reason and time. `id` is the sequence of the audit event; it comes with the ' +
      'audit event, which is the last of what one event leads to. Begins with what happens from now on, or after ' +
      '`Last-Event-ID`. Ends when the session ends, and does not keep it alive. Comments are heartbeats.',
    tag: 'My audit log',
    auth: 'session',
    headers: z.strictObject({ 'Last-Event-ID': sequenceSchema.optional() }),
    responses: { 200: { description: 'Events', mediaTypes: ['text/event-stream'] } },
    problems: { 429: ['too-many-requests'], 503: ['store-unavailable', 'overloaded'] },
    handler({ auth, headers }) {
      const { revision } = auth.account
      const now = revision === 'none' ? 0n : revision + 1n
      // The sequence of an event is the revision of the next. An id from the future is of somebody else's stream.
      const after = BigInt(headers['Last-Event-ID'] ?? now)
      const from = after < now ? after : now
      const messages = (signal: AbortSignal) => follow(api, auth, from, signal)
      return {
        status: 200,
        content: api.streams.start(`session ${auth.session.id}`, messages, () => stillLives(api, auth)),
      }
    },
  }),
]

/** Every event of the account from a revision on: read, waited for, and read on; until the session ends. */
async function* follow(
  api: Api,
  { account: { userId }, session }: Authenticated,
  from: bigint,
  signal: AbortSignal,
): AsyncGenerator<ServerSentEvent> {
  const open = openEvent(api.services.vault)
  const news = new Latch()
  const unfollow = api.live.follow(userId, news.set)
  let next = from
  try {
    while (!signal.aborted) {
      // Before the look, so that what happens between the look and the wait is not lost.
      news.clear()
      for await (const stored of api.store.read(streamOf(userId), { from: next })) {
        const event = await open(stored)
        if (event === null) return
        yield* messagesOf(api, event, session.id)
        next = event.revision + 1n
        if (ends(event, session.id)) return
      }
      // A hint may be lost with a connection: looked at now and then all the same.
      await news.wait(HEARTBEAT_MS, signal)
    }
  } catch (error) {
    // The reader comes back by itself, and goes on where it was.
    if (!(error instanceof StoreUnavailable)) throw error
  } finally {
    unfollow()
  }
}

/** The audit event comes last and alone has the id: whoever was cut off before it gets all of it again. */
const messagesOf = (api: Api, event: ProjectedEvent, currentId: string): readonly ServerSentEvent[] => {
  const { started, ended } = sessionChangesOf(event)
  const line = auditEventView(auditRowOf(event))
  return [
    ...started.map((row) => ({
      event: 'session-started',
      data: sessionView(row, { lastAccessedAt: row.signed_in_at.getTime(), currentId }),
    })),
    ...ended.map(({ id, reason, at }) => ({
      event: 'session-ended',
      data: { id, hash: api.sessionHash(id), endedReason: reason, endedAt: at.toISOString() },
    })),
    { id: String(event.revision + 1n), event: 'audit-event', data: line },
  ]
}

const ends = (event: ProjectedEvent, sessionId: string): boolean =>
  event.type === 'user:erased' || sessionChangesOf(event).ended.some(({ id }) => id === sessionId)

/** Also one that nobody has met since it reached a limit: its end is not on record yet. */
const stillLives = async (api: Api, { account: { userId }, session }: Authenticated): Promise<boolean> => {
  const { state } = await api.services.accounts.load(userId)
  if (!state.sessions.some(({ id }) => id === session.id)) return false
  return isLive(api, session, await api.services.activity.ofSessions([session.id]))
}
