/** The list of my sessions, and ending them. */
import { z } from 'zod'
import type { Outcome } from '../../account/commands.ts'
import { runBySession } from '../../commands/by-session.ts'
import type { Answer } from '../../commands/command-bus.ts'
import { auditEvents } from '../../queries/audit-events.ts'
import { endedSessions, type ListedSession, sessionOf } from '../../queries/sessions.ts'
import { Problem } from '../problem.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { idempotencyHeader, sessionRequest, settle } from './commands.ts'
import {
  awaitConsistency,
  commandHeaders,
  consistencyHeader,
  consistencyOf,
  consistencyProblems,
  mustNotBeParked,
} from './consistency.ts'
import { isLive, lastAccessOf } from './live-sessions.ts'
import { cursorParameter, limitParameter, openCursor, sealCursor } from './paging.ts'
import { auditEventSchema, sessionSchema } from './schemas.ts'
import { auditEventView, sessionView } from './views.ts'

const tag = 'My sessions'
const LIST = 'sessions'
const BIOGRAPHY = 500

const params = z.strictObject({ id: z.uuid().toLowerCase() })

export const sessionEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'GET',
    path: '/v1/me/sessions',
    summary: 'My sessions',
    description:
      'Active ones come whole, the current one first, then by last access. Ended ones are paged, the last to end first.',
    tag,
    auth: 'session',
    headers: consistencyHeader,
    query: z.strictObject({
      state: z.enum(['active', 'ended', 'all']).default('active'),
      cursor: cursorParameter,
      limit: limitParameter,
    }),
    responses: {
      200: {
        description: 'A page',
        schema: z.strictObject({ items: z.array(sessionSchema), nextCursor: z.string().nullable() }),
      },
    },
    problems: consistencyProblems,
    async handler({ auth, query, request }) {
      const before = openCursor(api, LIST, auth, query.cursor)
      await awaitConsistency(api, 'sessions', request)
      const { userId } = auth.account
      await mustNotBeParked(api, 'sessions', userId)
      const active = query.state !== 'ended' && before === null ? await api.activeSessions.read(userId) : []
      const found =
        query.state === 'active' ? [] : await endedSessions(api.db, userId, { before, limit: query.limit + 1 })
      const ended = found.slice(0, query.limit)
      const view = await viewer(api, [...active, ...ended], auth.session.id)
      const last = found.length > query.limit ? ended.at(-1) : undefined
      const items = [...active.filter(view.isLive).map(view.show).sort(currentThenLatest), ...ended.map(view.show)]
      return {
        status: 200,
        body: {
          items,
          nextCursor: last?.ended_position == null ? null : sealCursor(api, LIST, auth, last.ended_position),
        },
      }
    },
  }),

  endpoint({
    method: 'GET',
    path: '/v1/me/sessions/{id}',
    summary: 'One of my sessions and its history',
    tag,
    auth: 'session',
    headers: consistencyHeader,
    params,
    responses: {
      200: {
        description: 'The session; its events, newest first',
        schema: sessionSchema.extend({ userAgent: z.string().nullable(), events: z.array(auditEventSchema) }),
      },
    },
    problems: { ...consistencyProblems, 404: ['not-found'] },
    async handler({ auth, params, request }) {
      await Promise.all([awaitConsistency(api, 'sessions', request), awaitConsistency(api, 'auditlog', request)])
      const { userId } = auth.account
      await mustNotBeParked(api, 'sessions', userId)
      const row = await sessionOf(api.db, userId, params.id)
      if (row === null) throw new Problem(404, 'not-found')
      const [view, events] = await Promise.all([
        viewer(api, [row], auth.session.id),
        auditEvents(api.db, userId, { session: { id: row.id } }, { before: null, limit: BIOGRAPHY }),
      ])
      return {
        status: 200,
        body: { ...view.show(row), userAgent: row.user_agent, events: events.map(auditEventView) },
      }
    },
  }),

  endpoint({
    method: 'DELETE',
    path: '/v1/me/sessions/{id}',
    summary: 'Revoke one of my sessions',
    description: 'The current one is ended by signing out. Revoking one that has ended already does nothing.',
    tag,
    auth: 'session',
    headers: idempotencyHeader,
    params,
    responses: { 204: { description: 'Revoked: its next request is refused', headers: commandHeaders } },
    problems: {
      404: ['not-found'],
      409: ['current-session'],
      422: ['idempotency-mismatch'],
      503: ['store-unavailable'],
    },
    async handler({ auth, params, headers, request }) {
      const asked = await sessionRequest(api, auth, request, { key: headers['Idempotency-Key'] })
      const revoke = () => ({ kind: 'revokeSession', sessionId: params.id }) as const
      const { position } = settle(api, await runBySession(api.services, asked, revoke, noContent), noContent)
      return { status: 204, ...consistencyOf(api, position) }
    },
  }),

  endpoint({
    method: 'POST',
    path: '/v1/me/sessions/revoke-others',
    summary: 'Revoke all my sessions but the current one',
    tag,
    auth: 'session',
    headers: idempotencyHeader,
    responses: {
      200: {
        description: 'How many were revoked',
        schema: z.strictObject({ revoked: z.int() }),
        headers: commandHeaders,
      },
    },
    problems: { 422: ['idempotency-mismatch'], 503: ['store-unavailable'] },
    async handler({ auth, headers, request }) {
      const asked = await sessionRequest(api, auth, request, { key: headers['Idempotency-Key'] })
      const revokeOthers = () => ({ kind: 'revokeOtherSessions' }) as const
      const result = await runBySession(api.services, asked, revokeOthers, countRevoked)
      const { body, position } = settle(api, result, countRevoked)
      return { status: 200, body: revokedSchema.parse(body), ...consistencyOf(api, position) }
    },
  }),
]

const revokedSchema = z.strictObject({ revoked: z.int() })

const noContent = (): Answer => ({ status: 204, body: null, secret: false })

const countRevoked = (outcome: Outcome): Answer => ({
  status: 200,
  body: { revoked: outcome.kind === 'revoked' ? outcome.count : 0 },
  secret: false,
})

const viewer = async (api: Api, rows: readonly ListedSession[], currentId: string) => {
  const accesses = await api.services.activity.ofSessions(rows.map(({ id }) => id))
  const timesOf = (row: ListedSession) => ({ id: row.id, signedInAt: row.signed_in_at.getTime() })
  return {
    isLive: (row: ListedSession) => isLive(api, timesOf(row), accesses),
    show: (row: ListedSession) => sessionView(row, { lastAccessedAt: lastAccessOf(timesOf(row), accesses), currentId }),
  }
}

const currentThenLatest = (
  a: { readonly current: boolean; readonly lastAccessedAt: string },
  b: { readonly current: boolean; readonly lastAccessedAt: string },
): number => Number(b.current) - Number(a.current) || b.lastAccessedAt.localeCompare(a.lastAccessedAt)
