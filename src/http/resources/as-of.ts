/** What an account was at a moment of the past, for analysts. */
import { z } from 'zod'
import { accountAsOf, sessionsAsOf } from '../../replay/as-of.ts'
import { Problem } from '../problem.ts'
import { analysts, momentSchema, openingFor, storeProblems } from './analysts.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'
import { sessionSchema } from './schemas.ts'
import { twoFactorSchema, twoFactorView } from './two-factor.ts'
import { sessionView } from './views.ts'

const params = z.strictObject({ id: z.uuid().toLowerCase() })
const problems = { ...storeProblems, 404: ['not-found'] } as const

export const asOfEndpoints = (api: Api): readonly ApiEndpoint[] => [
  endpoint({
    ...analysts,
    path: '/v1/users/{id}/sessions',
    summary: "A user's sessions at a moment of the past",
    description:
      'What the read model held then, folded from the events by the same functions. When a session was last used is not ' +
      'part of the history: `lastAccessedAt` is when it began, and one that was idle for too long is active until its end ' +
      'was recorded. `ip` and the place within the country need the scope events:pii.',
    params,
    query: z.strictObject({ asOf: momentSchema, state: z.enum(['active', 'ended', 'all']).default('active') }),
    responses: {
      200: { description: 'The sessions, newest first', schema: z.strictObject({ items: z.array(sessionSchema) }) },
    },
    problems,
    async handler({ auth, params: { id }, query: { asOf, state } }) {
      const rows = await sessionsAsOf(api.store, openingFor(api, auth), id, asOf ?? null)
      if (rows === null) throw new Problem(404, 'not-found')
      const active = rows
        .filter((row) => row.ended_position === null)
        .sort((a, b) => b.signed_in_at.getTime() - a.signed_in_at.getTime())
      const ended = rows
        .filter((row) => row.ended_position !== null)
        .sort((a, b) => Number(BigInt(b.ended_position ?? 0) - BigInt(a.ended_position ?? 0)))
      const items = [...(state === 'ended' ? [] : active), ...(state === 'active' ? [] : ended)].map((row) =>
        sessionView(row, { lastAccessedAt: row.signed_in_at.getTime(), currentId: '' }),
      )
      return { status: 200, body: { items } }
    },
  }),

  endpoint({
    ...analysts,
    path: '/v1/users/{id}/two-factor',
    summary: "A user's second factor at a moment of the past",
    params,
    query: z.strictObject({ asOf: momentSchema }),
    responses: { 200: { description: 'The second factor', schema: twoFactorSchema } },
    problems,
    async handler({ params: { id }, query: { asOf } }) {
      const state = await accountAsOf(api.store, id, asOf ?? null)
      if (state === null) throw new Problem(404, 'not-found')
      return { status: 200, body: twoFactorView(state) }
    },
  }),
]
