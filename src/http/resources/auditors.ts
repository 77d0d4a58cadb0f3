/** The history of all users, for auditors, whose every look is itself in it. */
import { z } from 'zod'
import type { Accessor, WholeFilter } from '../../exports/access-recorder.ts'
import { zipOf } from '../../exports/evidence-zip.ts'
import { asOcsf } from '../../exports/ocsf.ts'
import { type AuditFilter, auditEventsOfAll, ownerOfSession } from '../../queries/audit-events.ts'
import type { TokenHolder } from '../../secrets/access-tokens.ts'
import { invalidRequest } from '../problem.ts'
import type { RequestInfo } from '../request-info.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { filterOf, filterSchema } from './audit-events.ts'
import { attachment, exportProblems, exportResponse, mediaTypes, rowFormats, rowsAs } from './audit-exports.ts'
import { awaitConsistency, consistencyHeader, consistencyProblems } from './consistency.ts'
import { cursorParameter, limitParameter } from './paging.ts'
import { auditEventSchema } from './schemas.ts'
import { untilErased } from './token-downloads.ts'
import { auditEventView } from './views.ts'

const common = { tag: 'Auditors', auth: 'token', method: 'GET' } as const

const user = z.uuid().toLowerCase().optional().meta({ description: 'Events of this user, and accesses that name them' })
const auditorFilter = filterSchema.extend({ user })

const rowSchema = auditEventSchema.extend({
  userId: z.uuid().nullable().meta({ description: "Of an auditor's access: whom it names" }),
})

export const auditorEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    ...common,
    scopes: ['audit:read'],
    path: '/v1/audit/events',
    summary: 'The audit log of all users, newest first',
    description:
      'Recorded as `audit:accessed`, once for the same filter in an hour. Who is named by the filter, as `user` or by a ' +
      'session, sees that in their own audit log.',
    headers: consistencyHeader,
    query: auditorFilter.extend({ cursor: cursorParameter, limit: limitParameter }),
    responses: {
      200: {
        description: 'A page',
        schema: z.strictObject({ items: z.array(rowSchema), nextCursor: z.string().nullable() }),
      },
    },
    problems: consistencyProblems,
    async handler({ auth, query, request }) {
      const { cursor, limit, user: userId, ...rest } = query
      const purpose = `cursor audit ${auth.id}`
      const before = cursor === undefined ? null : api.sealer.open(purpose, cursor)
      if (cursor !== undefined && before === null) {
        const detail = 'This is not a cursor of this list.'
        throw invalidRequest({ pointer: '#/query/cursor', code: 'invalid', detail })
      }
      const filter = filterOf(rest)
      await api.accesses.accessed(accessorOf(auth, request), await recordedOf(api, filter, userId))
      await awaitConsistency(api, 'auditlog', request)
      const found = await auditEventsOfAll(
        api.db,
        { ...filter, ...(userId === undefined ? {} : { userId }) },
        { before, limit: limit + 1 },
      )
      const rows = found.slice(0, limit)
      const last = found.length > limit ? rows.at(-1) : undefined
      return {
        status: 200,
        body: {
          items: rows.map((row) => ({ ...auditEventView(row), userId: row.user_id })),
          nextCursor: last === undefined ? null : api.sealer.seal(purpose, last.position),
        },
      }
    },
  }),

  endpoint({
    ...common,
    scopes: ['audit:export'],
    path: '/v1/audit/export',
    summary: 'The audit log of all users as a file, oldest first',
    description:
      'Recorded as `audit:exported` before the first row leaves. `schema=ocsf`: each row as an event of the Open ' +
      'Cybersecurity Schema Framework 1.4, Authentication (3002), Account Change (3001) or API Activity (6003), in ' +
      'JSON or NDJSON. ' +
      '`format=bundle`: an evidence bundle as a ZIP file, to be unpacked and verified offline with scripts/verify.mjs.',
    headers: consistencyHeader,
    query: z.strictObject({
      format: z.enum([...rowFormats, 'bundle']).default('ndjson'),
      schema: z.enum(['native', 'ocsf']).default('native'),
      from: filterSchema.shape.from,
      to: filterSchema.shape.to,
      user,
      code: filterSchema.shape.code,
    }),
    responses: { 200: { ...exportResponse, mediaTypes: [...exportResponse.mediaTypes, 'application/zip'] } },
    problems: exportProblems,
    async handler({ auth, query, request }) {
      const { format, schema, user: userId, code: codes, ...times } = query
      if (schema === 'ocsf' && (format === 'csv' || format === 'bundle')) {
        const detail =
          'There are events of OCSF as json or ndjson: as a table they would not fit, and nothing proves them.'
        throw invalidRequest({ pointer: '#/query/schema', code: 'invalid', detail })
      }
      const filter = filterOf({ ...times, code: codes })
      await awaitConsistency(api, 'auditlog', request)
      const recorded = await recordedOf(api, filter, userId)
      const now = api.services.now()
      if (format === 'bundle') {
        const data = await api.downloads.start(
          untilErased(api, auth, userId ?? null, async () => {
            const evidence = { user: userId, codes, ...times }
            const files = await api.evidence(evidence, new Date(now), request.signal)
            await api.accesses.exported(accessorOf(auth, request), { ...recorded, format, schema })
            return zipOf(files, new Date(now))
          }),
        )
        return { status: 200, headers: attachment('evidence', 'zip', now), content: { type: 'application/zip', data } }
      }
      const wish = { userId: userId ?? null, filter, named: true }
      const data = await api.downloads.start(
        untilErased(api, auth, wish.userId, async () => {
          await api.accesses.exported(accessorOf(auth, request), { ...recorded, format, schema })
          return schema === 'native' ? rowsAs(api, format, wish) : asOcsf(await rowsAs(api, 'ndjson', wish), format)
        }),
      )
      const headers = attachment(schema === 'ocsf' ? 'audit-ocsf' : 'audit', format, now)
      return { status: 200, headers, content: { type: mediaTypes[format], data } }
    },
  }),
]

const accessorOf = ({ id }: TokenHolder, request: RequestInfo): Accessor => ({
  tokenId: id,
  correlationId: request.id,
})

/** What is recorded of a look: its filter, and whom it names. */
const recordedOf = async (
  { db }: Api,
  { session, codes, ...rest }: AuditFilter,
  userId: string | undefined,
): Promise<{ readonly filter: WholeFilter; readonly userId: string | null }> => ({
  filter: {
    ...rest,
    ...(codes === undefined ? {} : { codes: [...codes].sort() }),
    ...(session === undefined ? {} : { session: 'id' in session ? session.id : session.hash }),
    ...(userId === undefined ? {} : { user: userId }),
  },
  userId: userId ?? (session === undefined ? null : await ownerOfSession(db, session)),
})
