/** My audit log. */
import { z } from 'zod'
import { auditCodes } from '../../account/access-events.ts'
import { normaliseIp } from '../../client-context/ip.ts'
import { type AuditFilter, auditEventOf } from '../../queries/audit-events.ts'
import { auditPage } from '../../queries/audit-page.ts'
import { Problem } from '../problem.ts'
import { jsonMediaType } from '../respond.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { awaitConsistency, consistencyHeader, consistencyProblems } from './consistency.ts'
import { cursorParameter, limitParameter, openCursor, sealCursor } from './paging.ts'
import { auditEventSchema, deviceTypes } from './schemas.ts'
import { auditEventView } from './views.ts'

const tag = 'My audit log'
const LIST = 'audit-events'

const when = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-01-31T12:00:00.000Z' })
  .transform((text) => new Date(text).toISOString())

const auditFilter = {
  code: z.array(z.enum(auditCodes)).optional(),
  outcome: z.enum(['success', 'failure']).optional(),
  from: when.optional().meta({ description: 'Not before' }),
  to: when.optional().meta({ description: 'Before' }),
  ip: z.union([z.ipv4(), z.ipv6()], { error: 'must be an IP address' }).transform(normaliseIp).optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  device: z.enum(deviceTypes).optional(),
  session: z
    .union([z.uuid().toLowerCase(), z.string().regex(/^[0-9a-f]{40}$/)])
    .optional()
    .meta({ description: 'Id or hash of a session' }),
}

export const filterSchema = z.strictObject(auditFilter)

export const filterOf = (query: z.output<typeof filterSchema>): AuditFilter => ({
  ...(query.code === undefined ? {} : { codes: query.code }),
  ...(query.outcome === undefined ? {} : { outcome: query.outcome }),
  ...(query.from === undefined ? {} : { from: query.from }),
  ...(query.to === undefined ? {} : { to: query.to }),
  ...(query.ip === undefined ? {} : { ip: query.ip }),
  ...(query.country === undefined ? {} : { country: query.country }),
  ...(query.device === undefined ? {} : { device: query.device }),
  ...(query.session === undefined
    ? {}
    : { session: query.session.includes('-') ? { id: query.session } : { hash: query.session } }),
})

export const auditEventEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    method: 'GET',
    path: '/v1/me/audit-events',
    summary: 'My audit log, newest first',
    tag,
    auth: 'session',
    headers: consistencyHeader,
    query: filterSchema.extend({ cursor: cursorParameter, limit: limitParameter }),
    responses: {
      200: {
        description: 'A page',
        schema: z.strictObject({ items: z.array(auditEventSchema), nextCursor: z.string().nullable() }),
      },
    },
    problems: consistencyProblems,
    async handler({ auth, query, request }) {
      const { cursor, limit, ...filter } = query
      const before = openCursor(api, LIST, auth, cursor)
      await awaitConsistency(api, 'auditlog', request)
      const { lines, nextBefore } = await auditPage(api, auth.account.userId, filterOf(filter), { before, limit })
      const nextCursor = nextBefore === null ? null : sealCursor(api, LIST, auth, nextBefore)
      const data = `{"items":[${lines.join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`
      return { status: 200, content: { type: jsonMediaType, data } }
    },
  }),

  endpoint({
    method: 'GET',
    path: '/v1/me/audit-events/{id}',
    summary: 'One line of my audit log',
    tag,
    auth: 'session',
    headers: consistencyHeader,
    params: z.strictObject({ id: z.uuid().toLowerCase() }),
    responses: { 200: { description: 'The event', schema: auditEventSchema } },
    problems: { ...consistencyProblems, 404: ['not-found'] },
    async handler({ auth, params, request }) {
      await awaitConsistency(api, 'auditlog', request)
      const row = await auditEventOf(api.db, auth.account.userId, params.id)
      if (row === null) throw new Problem(404, 'not-found')
      return { status: 200, body: auditEventView(row) }
    },
  }),
]
