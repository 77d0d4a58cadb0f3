/** The catalogue of events, for programs: what each type means, and the JSON Schema of every version of its data. */
import { z } from 'zod'
import { accessCatalogue, auditCodes } from '../../account/access-events.ts'
import { catalogue } from '../../account/events.ts'
import { analysts } from './analysts.ts'
import { type ApiEndpoint, endpoint } from './api.ts'

const typeSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  outcome: z.enum(['success', 'failure']),
  versions: z
    .array(
      z.strictObject({
        version: z.int().positive(),
        schema: z.record(z.string(), z.unknown()).meta({ description: 'JSON Schema, draft 2020-12, of `data`' }),
      }),
    )
    .meta({ description: 'All that lie in histories, oldest first. Events are shown in the last one.' }),
})

export const eventTypeEndpoints = (): readonly ApiEndpoint[] => {
  // The same for every request, and not cheap.
  const items = auditCodes.map((code) => {
    const { message, outcome, versions: known } = { ...catalogue, ...accessCatalogue }[code]
    const versions: Readonly<Record<string, z.ZodObject>> = known
    return {
      ...{ code, message, outcome },
      versions: Object.entries(versions)
        .map(([version, schema]) => ({ version: Number(version), schema: z.toJSONSchema(schema) }))
        .sort((a, b) => a.version - b.version),
    }
  })
  return [
    endpoint({
      ...analysts,
      path: '/v1/event-types',
      summary: 'What can happen to an account',
      description:
        'Every type of event, of accounts and of auditors who look at them, with a JSON Schema of each version of its data.',
      responses: { 200: { description: 'The catalogue', schema: z.strictObject({ items: z.array(typeSchema) }) } },
      handler: () => ({ status: 200, body: { items } }),
    }),
  ]
}
