/** How far the read models are, and asking for a new build of one. */
import { z } from 'zod'
import { Problem } from '../problem.ts'
import { type Api, type ApiEndpoint, endpoint } from './api.ts'

const tag = 'Analysts'
const instant = z.iso.datetime()
const position = z.string().regex(/^\d+$/)

export const projectionSchema = z.strictObject({
  name: z.string(),
  version: z.int(),
  state: z
    .enum(['live', 'rebuilding', 'halted'])
    .meta({ description: 'Halted: not being updated. Rebuilding: served and updated, while a new build is made.' }),
  position: position.nullable(),
  lagSeconds: z.number().nullable(),
  parked: z.int().meta({ description: 'Streams left aside, because an event of theirs cannot be projected.' }),
  rebuild: z
    .strictObject({
      version: z.int(),
      build: z.int(),
      state: z.enum(['waiting', 'building', 'comparing', 'halted', 'refused']),
      position: position.nullable(),
      eventsDone: z.int(),
      eventsTotal: z.int().nullable(),
      eventsPerSecond: z.number().nullable(),
      etaSeconds: z.number().nullable(),
      startedAt: instant.nullable(),
    })
    .nullable(),
})

const params = z.strictObject({ name: z.string().regex(/^[a-z][a-z0-9_]{0,39}$/) })

export const projectionEndpoints = ({ projections }: Pick<Api, 'projections'>): readonly ApiEndpoint[] => [
  endpoint({
    method: 'GET',
    path: '/v1/projections',
    summary: 'The read models and how far they are',
    tag,
    auth: 'token',
    scopes: ['events:read'],
    responses: {
      200: { description: 'All of them', schema: z.strictObject({ items: z.array(projectionSchema) }) },
    },
    async handler() {
      return { status: 200, body: { items: await projections.list() } }
    },
  }),

  endpoint({
    method: 'POST',
    path: '/v1/projections/{name}/rebuild',
    summary: 'Build a read model anew, beside the live one',
    description: 'It takes the place of the live one once it has caught up and was compared. Follow it in the list.',
    tag,
    auth: 'token',
    scopes: ['projections:write'],
    params,
    responses: {
      202: { description: 'Asked for', schema: z.strictObject({ items: z.array(projectionSchema) }) },
    },
    problems: { 404: ['not-found'], 409: ['conflict'] },
    async handler({ params: { name } }) {
      const answer = await projections.rebuild(name)
      if (answer === 'unknown') throw new Problem(404, 'not-found')
      if (answer === 'conflict') throw new Problem(409, 'conflict', { detail: 'A rebuild of it is under way.' })
      const items = await projections.list()
      return { status: 202, body: { items: items.filter((item) => item.name === name) } }
    },
  }),
]
