/** Is the process alive, and can it do its work? For load balancers and container engines. */
import { z } from 'zod'
import { type Endpoint, endpointsFor } from '../endpoint.ts'
import { Problem } from '../problem.ts'

type NoWays = Readonly<Record<never, never>>
const endpoint = endpointsFor<NoWays>()
const tag = 'Operation'

/** Throws where the part cannot do its work now. */
export type Check = () => Promise<void>

export const healthEndpoints = (checks: Readonly<Record<string, Check>>): readonly Endpoint<NoWays>[] => [
  endpoint({
    method: 'GET',
    path: '/healthz',
    summary: 'The process runs',
    tag,
    auth: 'none',
    responses: { 200: { description: 'It does', schema: z.strictObject({ status: z.literal('ok') }) } },
    handler: () => ({ status: 200, body: { status: 'ok' } as const }),
  }),
  endpoint({
    method: 'GET',
    path: '/readyz',
    summary: 'The process can do its work',
    description:
      'Of a process that serves requests: its stores answer. Of one that projects: its projections move too.',
    tag,
    auth: 'none',
    responses: {
      200: {
        description: 'Ready',
        schema: z.strictObject({ status: z.literal('ok'), checks: z.record(z.string(), z.literal('ok')) }),
      },
    },
    problems: { 503: ['store-unavailable', 'projection-halted'] },
    async handler({ request }) {
      const names = Object.keys(checks)
      const results = await Promise.allSettled(Object.values(checks).map((check) => check()))
      const failed = names.filter((_, index) => results[index]?.status === 'rejected')
      if (failed.length > 0) {
        const reasons = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []))
        request.log.warn({ failed, reasons }, 'not ready')
        const code = failed.some((name) => !/^(projection|reactor) /.test(name))
          ? 'store-unavailable'
          : 'projection-halted'
        throw new Problem(503, code, { detail: `Not ready: ${failed.join(', ')}.` })
      }
      return {
        status: 200,
        body: { status: 'ok' as const, checks: Object.fromEntries(names.map((name) => [name, 'ok' as const])) },
      }
    },
  }),
]
